"""incidentd.yaml and what it names -> settings and catalog."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from incidentd.catalog.load import Loaded, load
from incidentd.catalog.problem import CatalogError
from incidentd.settings import shipped
from incidentd.severity import Severity

CONFIG = """\
sources: {main: {url: http://127.0.0.1:9090, every: 15s}}
receivers: [{name: hook, webhook: [{url: http://127.0.0.1:9000}]}]
route: {receiver: hook}
"""


def write(folder: Path, **files: str) -> Path:
    """The configuration, beside *files*: ``rules__a`` is ``rules/a.yaml``, ``runbooks__a`` is ``runbooks/a.md``."""
    for name, text in {"incidentd": CONFIG, **files}.items():
        path = folder / f"{name.replace('__', '/')}{'.md' if name.startswith('runbooks') else '.yaml'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "incidentd.yaml"


def loaded(folder: Path, rules: str) -> Loaded:
    return load(write(folder, rules__a=rules, runbooks__down="# Down\n"))


def test_what_ships_loads_without_a_finding(tmp_path: Path) -> None:
    """With a source called `prometheus` nothing is missing: neither runbook nor template."""
    found = load(write(tmp_path, incidentd=CONFIG.replace("main", "prometheus")))
    assert found.catalog.warnings == ()
    assert len(found.catalog.rules) >= 13
    assert found.settings.rules == (shipped("rules"),)


def test_defaults_are_merged_and_the_rule_wins(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        """\
defaults: {runbook: down, every: 1m, labels: {team: ai, pack: llm}, keep_firing_for: 5m}
rules:
  - {name: A, expr: up == 0, severity: sev2, labels: {team: web}}
  - {name: B, expr: up, when: "< 1", severity: sev3, for: 2m, every: 5s, resolve: {for: 1m}}
""",
    )
    a, b = found.catalog.rules
    assert (dict(a.labels), a.every, a.resolve.holds_for) == (
        {"team": "web", "pack": "llm"},
        timedelta(minutes=1),
        timedelta(minutes=5),
    )
    assert (dict(b.labels), b.every, b.resolve.holds_for) == (
        {"team": "ai", "pack": "llm"},
        timedelta(seconds=5),
        timedelta(minutes=1),
    )
    assert (b.levels[0].severity, b.levels[0].holds_for) == (Severity.SEV3, timedelta(minutes=2))


def test_a_rule_asks_the_only_source_at_its_interval(tmp_path: Path) -> None:
    (rule,) = loaded(tmp_path, "rules: [{name: A, expr: up == 0, severity: sev2, runbook: down}]").catalog.rules
    assert (rule.source, rule.every) == ("main", timedelta(seconds=15))


def test_a_disabled_rule_is_loaded_and_says_so(tmp_path: Path) -> None:
    (rule,) = loaded(tmp_path, "rules: [{name: A, expr: up == 0, severity: sev2, enabled: false}]").catalog.rules
    assert not rule.enabled


def test_the_catalog_knows_where_each_rule_stands(tmp_path: Path) -> None:
    catalog = loaded(tmp_path, "rules:\n  - {name: A, expr: up == 0, severity: sev2, runbook: down}\n").catalog
    position = catalog.positions[catalog.rules[0].id]
    assert (position.file, position.line, position.column) == (str(tmp_path / "rules/a.yaml"), 2, 12)


def test_paths_are_relative_to_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    more = "rules: [mine/]\ntemplates: texts\nstatuspage: {out: public}\nslack: {token_file: secrets/slack}\n"
    rules = "rules: [{name: A, expr: up == 0, severity: sev2, runbook: down}]"
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/slack").write_text("xoxb-1\n", encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    found = load(write(tmp_path, incidentd=CONFIG + more, mine__a=rules, runbooks__down="# Down"))
    assert found.settings.rules == (tmp_path / "mine",)
    assert found.settings.runbooks == (tmp_path / "runbooks",)
    assert found.settings.templates == tmp_path / "texts"
    assert found.catalog.statuspage.out == tmp_path / "public"
    assert found.settings.slack is not None
    assert found.settings.slack.token.get_secret_value() == "xoxb-1"


def test_hidden_files_are_left_out_and_links_followed(tmp_path: Path) -> None:
    """So Kubernetes mounts a ConfigMap: the file is a link into a hidden folder."""
    rules = "rules: [{name: A, expr: up == 0, severity: sev2, runbook: down}]"
    path = write(tmp_path, rules__readme="rules: []", runbooks__down="# Down")
    (tmp_path / "rules/..2026").mkdir()
    (tmp_path / "rules/..2026/a.yaml").write_text(rules, encoding="utf-8")
    (tmp_path / "rules/a.yaml").symlink_to("..2026/a.yaml")
    assert [rule.name for rule in load(path).catalog.rules] == ["A"]


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    rules = "rules: [{name: A, expr: up == 0, severity: sev2, runbook: down}]"
    found = load(
        write(tmp_path, incidentd=CONFIG + "rules: [rules, rules/a.yaml]\n", rules__a=rules, runbooks__down="# D")
    )
    assert len(found.catalog.rules) == 1


def test_a_pipe_is_left_out_and_a_broken_link_is_not(tmp_path: Path) -> None:
    """Opening a pipe would wait for ever."""
    path = write(tmp_path, rules__a="rules: []")
    os.mkfifo(tmp_path / "rules/pipe.yaml")
    load(path)
    (tmp_path / "rules/b.yaml").symlink_to("nowhere")
    with pytest.raises(CatalogError, match=r"b\.yaml does not exist"):
        load(path)


def test_the_worst_expression_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    """The parser ends the process at some thousand levels."""
    with pytest.raises(CatalogError, match="more than 1000 operators"):
        loaded(tmp_path, f"rules: [{{name: A, expr: '{'-' * 100_000}x', severity: sev2, runbook: down}}]")


def test_as_many_operators_as_are_allowed_are_parsed(tmp_path: Path) -> None:
    expr = "x or " * 999 + "x > 1"
    found = loaded(tmp_path, f"rules: [{{name: A, expr: '{expr}', severity: sev2, runbook: down}}]")
    assert found.catalog.warnings == ()


def test_no_rules_at_all_is_a_choice(tmp_path: Path) -> None:
    found = load(write(tmp_path, incidentd=CONFIG + "rules: []\n"))
    assert (found.catalog.rules, found.settings.rules) == ((), ())


def test_every_file_is_read_although_each_is_broken(tmp_path: Path) -> None:
    path = write(
        tmp_path, incidentd="sources: {}", rules__a="rules: [{}]", rules__b="[", runbooks__down="---\na: [\n---\n"
    )
    with pytest.raises(CatalogError) as caught:
        load(path)
    files = [Path(problem.position.file).name for problem in caught.value.problems]
    assert sorted(set(files)) == ["a.yaml", "b.yaml", "down.md", "incidentd.yaml"]


def test_a_missing_variable_does_not_hide_another_mistake(tmp_path: Path) -> None:
    path = write(tmp_path, incidentd='sources: {main: {url: "${NOBODY}", timeout: soon}}')
    with pytest.raises(CatalogError) as caught:
        load(path, {})
    assert [problem.message for problem in caught.value.problems] == [
        "the environment variable NOBODY is not set",
        "'soon' is not a duration",
    ]


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_catalog_knows_its_commit(tmp_path: Path) -> None:
    config = write(tmp_path, rules__a="rules: []")
    assert load(config).catalog.commit == ""
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "x"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True, timeout=30)
    commit = load(config).catalog.commit
    assert len(commit) >= 7
    config.write_text(CONFIG + "\n", encoding="utf-8")
    assert load(config).catalog.commit == commit + "+"


@pytest.mark.parametrize(
    ("authored", "opened"),
    [
        ("sqlite:///incidentd.db", "sqlite:///{folder}/incidentd.db"),
        ("sqlite:////var/lib/incidentd.db", "sqlite:////var/lib/incidentd.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("postgresql+psycopg://me@db/incidentd", "postgresql+psycopg://me@db/incidentd"),
    ],
)
def test_a_database_file_is_beside_the_configuration(tmp_path: Path, authored: str, opened: str) -> None:
    config = write(tmp_path, incidentd=f"{CONFIG}database: '{authored}'\nrules: []\n")
    assert load(config).settings.database == opened.format(folder=tmp_path)
