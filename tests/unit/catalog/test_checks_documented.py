"""Every check is documented, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

from incidentd.catalog import checks

DOCS = Path(__file__).parents[3] / "docs" / "checks.md"


def test_docs_have_one_heading_for_each_check() -> None:
    headings = re.findall(r"^## `([\w-]+)`$", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(headings) == sorted(["syntax", "environment", *(one.NAME for one in checks.CHECKS)])


def test_every_check_module_is_registered_under_its_name() -> None:
    folder = Path(checks.__file__).parent
    modules = {path.stem.replace("_", "-") for path in folder.glob("*.py")} - {"--init--", "subject"}
    assert {one.NAME for one in checks.CHECKS} == modules
