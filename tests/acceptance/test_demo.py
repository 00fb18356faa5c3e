"""`incidentd demo` as somebody runs it who has never seen the project."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.acceptance.conftest import ROOT, eventually

pytestmark = pytest.mark.acceptance

COMMAND = [sys.executable, "-m", "incidentd", "demo"]
PATIENCE_S = 90


class Demo:
    """The demo as a process that keeps its files below *folder*."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder / "said.txt"
        (folder / "tmp").mkdir()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str, **environment: str) -> None:
        """In a session of its own, so that what it leaves behind can be found."""
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [*COMMAND, *arguments],
                cwd=self.folder,
                env={
                    **os.environ,
                    "PYTHONPATH": str(ROOT),
                    "PYTHONUNBUFFERED": "1",
                    "TMPDIR": str(self.folder / "tmp"),
                    **environment,
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def said(self) -> str:
        return self.output.read_text(encoding="utf-8")

    def end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(30)

    def wait_for(self, text: str) -> None:
        eventually(lambda: text in self.said or None, f"the demo says {text!r}", PATIENCE_S)

    def address(self, name: str) -> str:
        """Where the demo says that *name* is."""
        found = re.search(rf"^  {name} +(http://\S+)", self.said, re.MULTILINE)
        assert found is not None, self.said
        return found[1]

    def leftovers(self) -> list[str]:
        """Files, and processes that were started with them."""
        files = [str(path) for path in (self.folder / "tmp").iterdir()]
        listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True, timeout=10)
        return files + [line for line in listed.stdout.splitlines() if str(self.folder) in line]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    made = Demo(tmp_path)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.end(signal.SIGTERM)


def test_unattended_it_goes_from_healthy_to_resolved_and_leaves_nothing(demo: Demo) -> None:
    # Proxies must not matter: everything is on this machine.
    demo.start("--unattended", HTTP_PROXY="http://127.0.0.1:9", HTTPS_PROXY="http://127.0.0.1:9")
    assert demo.process is not None
    assert demo.process.wait(PATIENCE_S) == 0, demo.said
    opened = re.search(r"^ +([\d.]+)  INC-1: Opened as sev1: claude-sonnet: ", demo.said, re.MULTILINE)
    assert opened is not None, demo.said
    assert float(opened[1]) < 40, demo.said
    for line in (
        'anna presses "Acknowledge" in Slack.',
        "INC-1: Acknowledged by anna",
        "INC-1: Resolved by anna",
        "  PagerDuty    1 page: trigger, acknowledge, resolve\n",
        "  Jira         OPS-1: Done\n",
        "  Mail         3 mails in one thread: [SEV1] INC-1",
    ):
        assert line in demo.said
    assert "Traceback" not in demo.said
    assert [line for line in demo.said.splitlines() if len(line) > 80 and str(demo.folder) not in line] == []
    assert demo.leftovers() == []


def test_a_person_may_act_at_once_and_look_around_until_ctrl_c(demo: Demo) -> None:
    demo.start("--no-unattended")
    demo.wait_for('NOW YOU: press "Acknowledge" in Slack: ')
    service = demo.address("Incidents")
    token = {"Authorization": "Bearer demo"}
    # Resolved without being acknowledged: the story must take what the person did for both.
    answer = requests.post(f"{service}api/v1/incidents/INC-1/resolve", json={}, headers=token, timeout=10)
    assert answer.status_code == 200, answer.text
    demo.wait_for("Everything goes on until you press Ctrl-C.")
    assert 'press "Resolve"' not in demo.said
    for name in ("Slack", "PagerDuty", "Jira", "Mail", "LLM service", "Status page"):
        assert requests.get(demo.address(name), timeout=10).status_code == 200
    assert demo.end(signal.SIGINT) == 0
    assert demo.said.endswith("The demo has ended; nothing of it is left.\n")
    assert "Traceback" not in demo.said
    assert demo.leftovers() == []


@pytest.mark.parametrize(
    ("heard", "number", "status"),
    [
        ("Everything runs on this machine", signal.SIGINT, 130),
        ("Where to look", signal.SIGTERM, 143),
        ("The LLM service is healthy", signal.SIGINT, 130),
    ],
)
def test_ended_early_it_leaves_nothing_and_does_not_claim_success(
    demo: Demo, heard: str, number: signal.Signals, status: int
) -> None:
    demo.start("--unattended")
    demo.wait_for(heard)
    assert demo.end(number) == status
    assert demo.said.endswith("The demo has ended; nothing of it is left.\n")
    assert "Traceback" not in demo.said
    assert demo.leftovers() == []


def test_without_prometheus_it_says_how_to_get_one(demo: Demo) -> None:
    demo.start("--unattended", PATH="/nowhere")
    assert demo.process is not None
    assert demo.process.wait(60) == 1
    assert "The demo cannot go on: `prometheus` is not on the PATH. Install " in demo.said
    assert "Traceback" not in demo.said
    assert demo.leftovers() == []


def test_without_the_mail_server_it_says_what_to_install(demo: Demo, tmp_path: Path) -> None:
    (tmp_path / "aiosmtpd.py").write_text('raise ImportError("not installed")\n', encoding="utf-8")
    demo.start("--unattended", PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)]))
    assert demo.process is not None
    assert demo.process.wait(60) == 1
    assert "needs the package aiosmtpd: pip install 'incidentd[demo]'" in demo.said
    assert demo.leftovers() == []
