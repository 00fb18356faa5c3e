"""A silence that another process makes on the database of a service that runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from incidentd import cli
from incidentd.demo.server import Answer, Request, StandIn, json_answer
from tests.integration.test_app import RULE, House, eventually

pytestmark = pytest.mark.integration


class Down(StandIn):
    """A Prometheus in which one target is down."""

    api = ("/api/",)

    def answer(self, request: Request) -> Answer:
        labels = {"__name__": "up", "instance": "a"}
        now = 1_790_000_000
        return json_answer(
            {"status": "success", "data": {"resultType": "vector", "result": [{"metric": labels, "value": [now, "0"]}]}}
        )


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with Down() as source:
        made = House(tmp_path, source)
        yield made
        if made.app is not None:
            made.app.stop()


def silences(house: House, *arguments: str) -> str:
    done = CliRunner().invoke(cli.app, ["silences", *arguments, "--config", str(house.config)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_service_honours_it_and_pages_when_it_is_ended(house: House) -> None:
    made = silences(house, "add", 'instance="a"', "--for", "1h", "--reason", "moving", "--author", "anna", "--yes")
    assert made.startswith("S-1 is active")
    house.rules(RULE)
    house.start()
    told = eventually(house, "Nobody is paged")
    assert told[1].startswith("Nobody is paged: silenced by anna (moving), S-1, until ")
    assert len(told) == 2
    silences(house, "end", "S-1")
    told = eventually(house, "the notice goes out")
    assert told[2] == "Still fires, and S-1 mutes it no longer; the notice goes out to hook"
