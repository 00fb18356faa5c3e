from collections.abc import Iterator

import pytest

from tests.unit.sources.wire import Wire, serving


@pytest.fixture
def wire() -> Iterator[Wire]:
    with serving() as running:
        yield running
