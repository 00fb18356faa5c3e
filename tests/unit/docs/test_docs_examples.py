"""Every YAML and every runbook that the documentation shows passes `incidentd check` without a warning.

A block says in its first line what it is: ``# incidentd.yaml``, ``# incidentd.yaml, in part`` (the rest is as in BASE),
``# rules/<name>.yaml``, ``# silences/<name>.yaml``, or in the front matter of a runbook ``# runbooks/<name>.md``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from incidentd.catalog.load import Loaded, load
from tests.unit.docs import pages

WHOLE, PART = "# incidentd.yaml", "# incidentd.yaml, in part"
BASE: dict[str, Any] = {
    "sources": {"prometheus": {"url": "http://127.0.0.1:9090"}},
    "receivers": [{"name": "hook", "webhook": [{"url": "http://127.0.0.1:9000/"}]}],
    "route": {"receiver": "hook"},
}
_RUNBOOK = re.compile(r"---\n# (runbooks/[\w-]+\.md)\n")


def _shown(language: str) -> list[tuple[str, str]]:
    """The page's name and the content of every block in *language*."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in pages.PAGES}
    return [(name, block) for name, text in texts.items() for block in pages.blocks(text, language)]


def _mark(block: str) -> str:
    return block.partition("\n")[0]


CONFIGS = [(name, block) for name, block in _shown("yaml") if _mark(block) in {WHOLE, PART}]
RULES = [(name, block) for name, block in _shown("yaml") if _mark(block).startswith("# rules/")]
SILENCES = [(name, block) for name, block in _shown("yaml") if _mark(block).startswith("# silences/")]
RUNBOOKS = [(found[1], block) for _, block in _shown("markdown") if (found := _RUNBOOK.match(block))]


def _load(folder: Path, config: str) -> Loaded:
    """*config* in *folder*, beside every rule and every runbook that is shown anywhere."""
    files = {_mark(block).removeprefix("# "): block for _, block in RULES} | dict(RUNBOOKS)
    files |= dict.fromkeys(re.findall(r"\w+_file: ([\w/-]+)", config), "a-secret")
    for name, text in {**files, "incidentd.yaml": config}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    variables = dict.fromkeys(re.findall(r"\$\{(\w+)", config), "a-value-of-the-environment")
    return load(folder / "incidentd.yaml", variables)


def test_every_block_says_what_it_is() -> None:
    assert len(_shown("yaml")) == len(CONFIGS) + len(RULES) + len(SILENCES)
    assert len(_shown("markdown")) == len(RUNBOOKS)
    assert len(CONFIGS) >= 8


@pytest.mark.parametrize(("page", "block"), CONFIGS, ids=[name for name, _ in CONFIGS])
def test_every_configuration_passes(page: str, block: str, tmp_path: Path) -> None:
    config = block if _mark(block) == WHOLE else yaml.safe_dump({**BASE, **yaml.safe_load(block)})
    loaded = _load(tmp_path, config)
    assert loaded.catalog.warnings == ()


def test_every_rule_and_runbook_passes(tmp_path: Path) -> None:
    catalog = _load(tmp_path, yaml.safe_dump(BASE)).catalog
    assert catalog.warnings == ()
    assert sorted(rule.name for rule in catalog.rules) == [
        "CertificateExpires",
        "CheckoutErrorRate",
        "CheckoutIsSlow",
        "CheckoutIsSlow",
        "TargetDown",
        "Watchdog",
    ]
    assert sorted(catalog.runbooks) == ["checkout-errors", "target-down"]


def test_every_silence_passes(tmp_path: Path) -> None:
    (tmp_path / "silences").mkdir()
    for index, (_, block) in enumerate(SILENCES):
        (tmp_path / "silences" / f"{index}.yaml").write_text(block, encoding="utf-8")
    page = {"components": [{"id": one, "name": one} for one in ("chat-api", "checkout")]}
    catalog = _load(tmp_path, yaml.safe_dump({**BASE, "statuspage": page})).catalog
    assert catalog.warnings == ()
    assert [silence.id for silence in catalog.silences] == ["friday-deploy", "new-database"]


def test_the_configuration_of_compose_passes_with_what_ships(tmp_path: Path) -> None:
    text = (pages.ROOT / "compose" / "incidentd.yaml").read_text(encoding="utf-8")
    (tmp_path / "incidentd.yaml").write_text(text.replace("/etc/incidentd", str(pages.ROOT)), encoding="utf-8")
    loaded = load(tmp_path / "incidentd.yaml", {"INCIDENTD_TOKEN": "a-token"})
    assert {one.check for one in loaded.catalog.warnings} == {"route-receivers"}, "nobody is told yet"
    assert not loaded.settings.listens_on_loopback
