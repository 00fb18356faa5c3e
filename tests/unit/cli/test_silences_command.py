"""``incidentd silences`` on the service's own database, as somebody in a terminal uses it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from incidentd import cli
from incidentd.store.database import Database
from tests.unit.web.site import alert_row, delivery, open_incident, outbox

CONFIG = """\
database: sqlite:///{folder}/incidentd.db
rules: [rules]
sources: {{prometheus: {{url: "http://127.0.0.1:1"}}}}
smtp: {{from: incidentd@example.com}}
receivers: [{{name: mail, email: [{{to: [oncall@example.com]}}]}}]
route: {{receiver: mail}}
statuspage:
  components: [{{id: chat-api, name: Chat API}}]
"""
SILENCES = """\
silences:
  - id: fridays
    matchers: ['service="search"']
    author: ops
    reason: weekly deploy
    time_intervals: [{weekdays: [friday], times: [{start_time: "18:00", end_time: "19:00"}]}]
"""
DEPLOY = ("add", 'service="chat"', "--reason", "deploy", "--author", "anna", "--for", "2h")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "silences").mkdir()
    (tmp_path / "silences" / "weekly.yaml").write_text(SILENCES, encoding="utf-8")
    (tmp_path / "incidentd.yaml").write_text(CONFIG.format(folder=tmp_path), encoding="utf-8")
    return tmp_path


def run(folder: Path, *arguments: str, answer: str = "") -> Result:
    config = ["--config", str(folder / "incidentd.yaml")]
    return CliRunner().invoke(cli.app, ["silences", *arguments, *config], input=answer, env={"COLUMNS": "200"})


def write_incident(folder: Path) -> None:
    """One open incident with a page that was sent, begun an hour ago."""
    incident, alert, entry = open_incident()
    incident.opened_at = datetime.now(UTC) - timedelta(hours=1)
    database = Database(f"sqlite:///{folder}/incidentd.db")
    database.migrate()
    with database.transaction() as session:
        for row in (alert_row(), incident, alert, entry, delivery(42, "email", "mail"), outbox(1, 42, status="sent")):
            session.add(row)
            session.flush()
    database.close()


def test_it_shows_what_it_would_mute_asks_and_makes_it(folder: Path) -> None:
    write_incident(folder)
    made = run(folder, *DEPLOY, answer="y\n")
    assert made.exit_code == 0, made.output
    said = made.stderr.splitlines()
    assert said[:3] == [
        '{service="chat"} mutes now: 1 alert pending or firing, 1 open incident',
        "  firing  service=chat, severity=sev2, team=ai",
        said[2],
    ]
    assert said[2].startswith("  INC-42  sev2  ")
    assert said[3] == "in the last 7 days: 1 incident with 1 alert; 1 notice would not have been sent"
    assert said[5].startswith("Make this silence?")
    lines = made.stdout.splitlines()[1:]  # below what was typed
    assert lines[:4] == ["S-1 is active", 'matches  {service="chat"}', "author   anna", "reason   deploy"]
    listed = run(folder, "list").stdout.splitlines()
    assert [line.split("\t")[:2] + line.split("\t")[3:] for line in listed[1:]] == [
        ["S-1", "active", '{service="chat"}', "anna", "deploy"]
    ]
    assert listed[0].startswith("fridays\t")


def test_no_is_no(folder: Path) -> None:
    refused = run(folder, *DEPLOY, answer="n\n")
    assert refused.exit_code == 1
    assert "S-1" not in run(folder, "list", "--expired").stdout


def test_programs_answer_beforehand_and_read_json(folder: Path) -> None:
    made = run(folder, *DEPLOY, "--yes", "--json")
    assert made.exit_code == 0, made.output
    silence = json.loads(made.stdout)
    assert (silence["id"], silence["origin"], silence["author"], silence["state"]) == ("S-1", "cli", "anna", "active")
    lasts = datetime.fromisoformat(silence["ends_at"]) - datetime.fromisoformat(silence["starts_at"])
    assert abs(lasts - timedelta(hours=2)) < timedelta(seconds=5)
    assert json.loads(run(folder, "show", "S-1", "--json").stdout) == silence
    assert [one["id"] for one in json.loads(run(folder, "list", "--json").stdout)["silences"]] == ["fridays", "S-1"]
    preview = json.loads(run(folder, "preview", "a=b", "--json").stdout)
    assert (preview["matchers"], preview["now"]["alert_count"]) == (['a="b"'], 0)


def test_a_silence_is_ended_and_ending_it_again_is_no_error(folder: Path) -> None:
    run(folder, *DEPLOY, "--yes")
    for _ in range(2):
        ended = run(folder, "end", "S-1")
        assert (ended.exit_code, ended.stdout.splitlines()[0]) == (0, "S-1 is expired")
    assert "S-1" not in run(folder, "list").stdout
    assert "S-1\texpired" in run(folder, "list", "--expired").stdout


def test_maintenance_names_what_the_public_reads(folder: Path) -> None:
    made = run(folder, *DEPLOY, "--yes", "--maintenance", "New database", "--component", "chat-api")
    assert made.exit_code == 0, made.output
    assert "public   New database: chat-api" in made.stdout


def test_a_silence_may_end_with_an_incident_whose_labels_it_takes(folder: Path) -> None:
    write_incident(folder)
    made = run(folder, "add", "--until-resolved", "INC-42", "--reason", "known", "--author", "anna", "--yes")
    assert made.exit_code == 0, made.output
    assert 'matches  {service="chat"}' in made.stdout
    assert "ends     with INC-42" in made.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("add", "a=b", "--for", "1h", "--yes"), 1, "A silence needs a reason."),
        (("add", "a=b", "--reason", "x", "--yes"), 1, "A silence must end"),
        (("add", "--for", "1h", "--reason", "x", "--yes"), 1, "These matchers are met by every alert"),
        (("add", "ab", "--for", "1h", "--reason", "x"), 2, "'ab' is not a matcher"),
        (("add", "a=b", "--for", "long", "--reason", "x"), 2, "--for: 'long' is not a duration"),
        (("add", "a=b", "--for", "1h", "--until", "2030-01-01T00:00:00Z"), 2, "exclude each other"),
        (("add", "a=b", "--until", "tomorrow"), 2, "--until: 'tomorrow' is not a time"),
        (("add", "a=b", "--until", "2030-01-01T00:00:00"), 2, "does not say in which time zone"),
        (("add", "a=b", "--for", "1h", "--maintenance", "x"), 2, "--maintenance and --component need each other"),
        (("preview", "a=b", "--until-resolved", "x"), 2, "'x' is no incident"),
        (("preview", "--until-resolved", "7"), 1, "There is no INC-7."),
        (("preview",), 1, "These matchers are met by every alert"),
        (("show", "S-9"), 1, "there is no silence S-9"),
        (("end", "S-9"), 1, "there is no silence S-9"),
        (("end", "fridays"), 1, "fridays is kept in a file of the catalog"),
        (
            ("add", "a=b", "--for", "1h", "--reason", "x", "--yes", "--maintenance", "x", "--component", "chat"),
            1,
            "The status page has no component chat",
        ),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_made(
    folder: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = run(folder, *arguments)
    assert done.exit_code == code, done.output
    assert said in " ".join(done.output.replace("│", " ").split())
    assert "S-1" not in run(folder, "list", "--expired").stdout


def test_one_that_is_in_a_file_is_shown(folder: Path) -> None:
    shown = run(folder, "show", "fridays")
    assert "ends     recurs" in shown.stdout
    assert "author   ops" in shown.stdout
