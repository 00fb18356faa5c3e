"""What the documentation says is what there is: every name, every default, every example."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer.main
from prometheus_client import Counter, Gauge, Histogram
from starlette.routing import Route as WebRoute

import incidentd
from incidentd import cli, metrics
from incidentd.catalog.config import Config
from incidentd.catalog.receiver import CHANNELS
from incidentd.catalog.rule import Level, Rule
from incidentd.catalog.rule_file import Defaults
from incidentd.catalog.runbook import FrontMatter
from incidentd.catalog.silence import AuthoredSilence
from incidentd.catalog.time_interval import TimeInterval
from incidentd.lifecycle import Action, State, after
from incidentd.notify import filters, render
from incidentd.notify.webhook import payload
from incidentd.web.server import build
from tests.unit.docs import authored, pages
from tests.unit.docs.authored import keys
from tests.unit.notify.notices import notice
from tests.unit.web.site import Site


def _commands(command: Any, path: str) -> dict[str, Any]:
    found = {path: command}
    for name, child in getattr(command, "commands", {}).items():
        found |= _commands(child, f"{path} {name}")
    return found


def test_every_command_has_a_heading_with_its_options_and_arguments_below() -> None:
    text = pages.page("commands.md")
    commands = _commands(typer.main.get_command(cli.app), "incidentd")
    assert sorted(pages.headings(text, 2) + pages.headings(text, 3)) == sorted(f"`{path}`" for path in commands)
    for path, command in commands.items():
        said = set(pages.coded(pages.section(text, f"`{path}`")))
        for parameter in command.params:
            names = {*parameter.opts, *parameter.secondary_opts}
            if parameter.param_type_name == "argument":
                names = {(parameter.metavar or parameter.name or "").strip("[]").upper()}
            assert names <= said, f"{path} does not say {names - said}"


def test_every_setting_is_there_with_its_default() -> None:
    text = pages.page("configuration.md")
    documented, settings = pages.table(text), dict(keys(Config))
    twins = {path for path in settings if path.endswith("_file")}
    assert {path: documented.get(path) for path in settings if path not in twins} == {
        path: value for path, value in settings.items() if path not in twins
    }
    assert twins <= set(pages.coded(text))
    assert {path for path in documented if "." in path} <= set(settings), "and no setting that does not exist"


def test_every_key_of_a_rule_is_there_with_its_default() -> None:
    text = pages.page("rules.md")
    documented = pages.table(pages.section(text, "Keys"))
    native = {path: value for path, value in keys(Rule) if not path.startswith("levels[]")}
    assert documented == {**native, "levels": "required", "keep_firing_for": "none"}
    sentences = re.split(r"\n\n", pages.section(text, "Keys"))
    of_level = next(one for one in sentences if one.startswith("A level has"))
    assert {path for path, _ in keys(Level)} <= set(pages.coded(of_level))
    of_defaults = next(one for one in sentences if one.startswith("`defaults` takes"))
    assert set(pages.coded(of_defaults)) == {"defaults", *Defaults.model_fields}


def test_every_key_of_a_silence_in_a_file_is_there_with_its_default() -> None:
    documented = pages.table(pages.section(pages.page("silences.md"), "In git"))
    assert documented == {name: authored.default(field) for name, field in AuthoredSilence.model_fields.items()}
    fields = pages.table(pages.section(pages.page("silences.md"), "Time intervals"))
    assert list(fields) == list(TimeInterval.model_fields)


def test_every_key_of_a_front_matter_is_there_with_its_default() -> None:
    documented = pages.table(pages.section(pages.page("runbooks.md"), "Front matter"))
    expected = dict(keys(FrontMatter)) | {"title": "none", "escalation": "none"}
    assert documented == expected


def test_every_filter_is_there_and_every_example_gives_what_it_says() -> None:
    text = pages.section(pages.page("rules.md"), "Templates")
    assert {*filters.FILTERS, *render._BUILT_IN_FILTERS, "join", "replace"} <= set(
        re.findall(r"\| (\w+)", "".join(pages.coded(text))) + pages.coded(text)
    )
    examples = [(pages.coded(row[0])[0], row[1].strip("`")) for row in pages.rows(text) if "{{" in row[0]]
    assert len(examples) == 8
    for template, said in examples:
        assert render.text(template, labels={}) == said


def test_every_metric_is_there_with_its_type_and_labels() -> None:
    kinds = {Counter: "counter", Gauge: "gauge", Histogram: "histogram"}
    text = pages.page("metrics.md").partition("## What to watch")[0]
    documented = {pages.coded(row[0])[0]: (row[1], pages.coded(row[2])) for row in pages.rows(text) if "`" in row[0]}
    known = {
        one._name + ("_total" if isinstance(one, Counter) else ""): (kinds[type(one)], list(one._labelnames))
        for one in vars(metrics).values()
        if isinstance(one, (Counter, Gauge, Histogram))
    }
    assert documented == known
    watched = set(re.findall(r"incidentd_\w+", pages.section(pages.page("metrics.md"), "What to watch")))
    assert watched <= set(known)


def test_every_route_is_there_and_no_other(tmp_path: Path) -> None:
    site = Site(tmp_path)
    app = build(site.context())
    site.close()
    # Newer versions of FastAPI keep an included router whole, older ones copy its routes.
    routes = [route for one in app.routes for route in getattr(one, "original_router", app).routes]
    served = {
        f"{method} {route.path.replace(':path', '')}"
        for route in routes
        if isinstance(route, WebRoute)
        for method in route.methods or ()
    }
    documented = {pages.coded(row[0])[0] for row in pages.rows(pages.page("http.md")) if " /" in row[0]}
    assert documented == {request for request in served if not request.startswith("HEAD ")}


def test_every_channel_has_a_heading() -> None:
    found = [heading for heading in pages.headings(pages.page("channels.md"), 2) if heading.islower()]
    assert sorted(found) == sorted(CHANNELS)
    for channel in CHANNELS:
        said = pages.section(pages.page("channels.md"), channel)
        assert all(f"- **{part}**" in said for part in ("Idempotency", "Permanent", "Limits")), channel


def test_the_webhook_example_has_the_fields_that_are_sent() -> None:
    def shape(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: None if name == "labels" else shape(inner) for name, inner in value.items()}
        return [shape(value[0])] if isinstance(value, list) else None

    (example,) = pages.blocks(pages.page("channels.md"), "json")
    assert shape(json.loads(example)) == shape(json.loads(json.dumps(payload.build(notice()))))


def test_every_action_of_the_log_is_there_and_no_other() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in Path(incidentd.__file__).parent.rglob("*.py"))
    logged = set(re.findall(r'action="([a-z_]+)"', source))
    logged |= set(re.findall(r'"(notification_[a-z]+)"', source))
    logged |= {f"incident_{action}" for action in (*Action, "note")}
    table = pages.section(pages.page("operations.md"), "Logs")
    documented = {action for row in pages.rows(table)[2:] for action in pages.coded(row[0])}
    assert documented == logged


def test_the_states_are_those_of_the_lifecycle() -> None:
    header, _, *states = pages.rows(pages.section(pages.README.read_text(encoding="utf-8"), "How an incident lives"))
    assert [row[0] for row in states] == list(State)
    for state, *targets in states:
        for action, said in zip(header[1:], targets, strict=True):
            target = after(State(state), Action(action))
            assert said == ("-" if target is None else "(no-op)" if target == state else target), (state, action)


def test_every_promise_names_a_test_that_exists() -> None:
    named = re.findall(r"`(test_\w+)`", pages.README.read_text(encoding="utf-8"))
    assert len(named) >= 10
    tests = "".join(path.read_text(encoding="utf-8") for path in (pages.ROOT / "tests").rglob("test_*.py"))
    assert [name for name in named if f"def {name}(" not in tests] == []


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (pages.ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    readme = pages.README.read_text(encoding="utf-8")
    assert set(re.findall(r"(?:`|^)make ([a-z]+)", readme, re.MULTILINE)) == {"bench", "demo", "test"}
    assert {"bench", "demo", "test"} <= targets


@pytest.mark.parametrize("path", pages.PAGES, ids=lambda path: str(path.name))
def test_every_local_link_and_image_leads_somewhere(path: Path) -> None:
    for link in pages.links(path.read_text(encoding="utf-8")):
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.exists(), link
        assert not anchor or anchor in pages.anchors(target.read_text(encoding="utf-8")), link


def test_every_page_is_reached_from_the_readme() -> None:
    linked = {link.partition("#")[0] for link in pages.links(pages.README.read_text(encoding="utf-8"))}
    assert {f"docs/{path.name}" for path in pages.DOCS.glob("*.md")} <= linked


def test_the_changelog_begins_with_this_version() -> None:
    headings = pages.headings((pages.ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), 2)
    newest = next(heading for heading in headings if heading != "Unreleased")
    assert newest.split()[0] == incidentd.__version__
