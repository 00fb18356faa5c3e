"""Silences in files: where they are found, what a reload says of them."""

from __future__ import annotations

from pathlib import Path

from incidentd.catalog.difference import difference
from incidentd.catalog.load import Loaded, load

CONFIG = """\
sources: {prometheus: {url: http://127.0.0.1:9090}}
receivers: [{name: hook, webhook: [{url: http://127.0.0.1:9000}]}]
route: {receiver: hook}
rules: []
"""
SILENCE = """\
silences:
  - id: deploy
    matchers: ['service="chat"']
    author: anna
    reason: %s
    ends_at: 2100-01-01T01:00:00+01:00
"""


def loaded(folder: Path, config: str = CONFIG, **files: str) -> Loaded:
    """``silences__weekly`` is silences/weekly.yaml."""
    (folder / "incidentd.yaml").write_text(config, encoding="utf-8")
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return load(folder / "incidentd.yaml")


def test_they_are_found_beside_the_configuration(tmp_path: Path) -> None:
    found = loaded(tmp_path, silences__weekly=SILENCE % "deploy")
    (silence,) = found.catalog.silences
    assert (silence.id, silence.author, str(silence.matchers)) == ("deploy", "anna", '{service="chat"}')
    assert silence.ends_at is not None
    assert silence.ends_at.isoformat() == "2100-01-01T00:00:00+00:00"
    assert found.settings.silences == (tmp_path / "silences",)


def test_or_where_the_configuration_says(tmp_path: Path) -> None:
    found = loaded(tmp_path, CONFIG + "silences: [quiet]\n", quiet__a=SILENCE % "deploy")
    assert [silence.id for silence in found.catalog.silences] == ["deploy"]
    assert found.settings.silences == (tmp_path / "quiet",)


def test_there_need_be_none(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    assert (found.catalog.silences, found.settings.silences) == ((), ())


def test_a_reload_names_what_was_added_changed_and_removed(tmp_path: Path) -> None:
    without = loaded(tmp_path).catalog
    one = loaded(tmp_path, silences__weekly=SILENCE % "deploy").catalog
    other = loaded(tmp_path, silences__weekly=SILENCE % "rollback").catalog
    assert difference(without, one).added == ("silence deploy",)
    assert difference(one, other).changed == ("silence deploy",)
    assert difference(one, without).removed == ("silence deploy",)
    assert not difference(one, one)
