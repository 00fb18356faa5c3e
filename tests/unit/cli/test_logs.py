"""What a fault of ours leaves in the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from incidentd.cli import logs


@pytest.fixture(autouse=True)
def _untouched() -> Iterator[None]:
    """The log as the other tests have it."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.mark.parametrize("json", [True, False])
def test_a_traceback_shows_where_it_happened_and_no_secret_that_was_at_hand(
    json: bool,  # noqa: FBT001 - pytest passes it by name
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure(json=json)

    def send(routing_key: str) -> None:
        raise RuntimeError("it broke")

    try:
        send("S3CR3T" * 5)
    except RuntimeError:
        structlog.get_logger("test").exception("delivery failed")
    said = capsys.readouterr().err
    assert "it broke" in said
    assert "in send" in said or '"name": "send"' in said
    assert "S3CR3TS3CR3T" not in said
