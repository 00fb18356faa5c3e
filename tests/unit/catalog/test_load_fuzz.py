"""Whatever people write, loading answers with a catalog or with its problems."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incidentd.catalog import report, schema
from incidentd.catalog.config import Config
from incidentd.catalog.load import load
from incidentd.catalog.problem import CatalogError
from incidentd.catalog.prometheus_rules import PrometheusAlert, PrometheusGroup
from incidentd.catalog.rule_file import RuleFile

GOOD = "sources: {p: {url: http://a}}\nreceivers: [{name: h, webhook: [{url: http://a}]}]\nroute: {receiver: h}\n"
MODELS = (Config, RuleFile)
WORDS = st.sampled_from(
    sorted(
        {key for model in MODELS for one in schema.of(model)["$defs"].values() for key in one.get("properties", ())}
        | {*schema.keys(Config, ()), "rules", "defaults", "groups", "<<", "x_file"}
        | {*schema.keys(PrometheusGroup, ()), *schema.keys(PrometheusAlert, ()), "record", "eval_delay", "type"}
        | {"apiVersion", "kind", "spec", "items", "runbook_url", "severity"}
    )
)  # fmt: skip
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from(
        ["${X}", "${X:-y}", "$${", "> 5%", "5m", "sev1", "sum(rate(a[5m]))", "rate(a", "{{ labels.x }}", "{{ x | y", "http://a"]),
)  # fmt: skip
TREES = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=5),
    max_leaves=25,
)
MAPPINGS = st.dictionaries(WORDS, TREES, max_size=8)
SNIPPETS = st.sampled_from(
    ["rules:", "defaults:", "groups:", "alert: A", "kind: List", "apiVersion: v1",
     "\n", "\n  ", "\n    - ", "name: A", "expr: |", "&a ", "*a", "<<: *a", "{", "}", "[", "]",
     ": ", "'", '"', "\t", "---", "#", "!x ", "| ", ">-", "\\", "é", "\x00", "\u2028", "${", "? ", "title: x"]
)  # fmt: skip


def check(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder, name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        try:
            problems = load(Path(folder, "incidentd.yaml"), {"X": "1"}).catalog.warnings
        except CatalogError as exc:
            problems = exc.problems
            assert problems
        assert all(problem.message and problem.position.column >= 0 for problem in problems)
        report.as_text(problems)


BOUNDED = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@BOUNDED
@given(MAPPINGS, MAPPINGS, st.lists(MAPPINGS, max_size=3))
def test_any_tree_in_any_file(config: Any, defaults: Any, rules: Any) -> None:
    dumped = yaml.safe_dump({"defaults": defaults, "rules": rules}).encode()
    check({"incidentd.yaml": yaml.safe_dump(config).encode(), "rules/a.yaml": dumped})
    check({"incidentd.yaml": GOOD.encode(), "rules/a.yaml": dumped})


@BOUNDED
@given(MAPPINGS, st.lists(MAPPINGS, max_size=3), st.sampled_from(["groups", "spec", "items"]))
def test_any_tree_in_any_prometheus_file(group: Any, rules: Any, shape: str) -> None:
    groups = [{"name": "g", **group, "rules": [{"alert": "A", "expr": "up == 0", **rule} for rule in rules]}, group]
    rule_object = {"apiVersion": "v1", "kind": "PrometheusRule", "spec": {"groups": groups}}
    files = {
        "groups": {"groups": groups},
        "spec": rule_object,
        "items": {**rule_object, "kind": "List", "items": rules},
    }
    check({"incidentd.yaml": GOOD.encode(), "rules/a.yaml": yaml.safe_dump(files[shape]).encode()})


@BOUNDED
@given(st.lists(SNIPPETS, max_size=30).map("".join), st.lists(SNIPPETS, max_size=15).map("".join))
def test_any_text_in_any_file(text: str, front: str) -> None:
    content = text.encode()
    check({"incidentd.yaml": content, "rules/a.yaml": content})
    check(
        {
            "incidentd.yaml": GOOD.encode(),
            "rules/a.yaml": content,
            "runbooks/a.md": f"---\n{front}\n---\n{text}".encode(),
        }
    )


@BOUNDED
@given(st.binary(max_size=60))
def test_any_bytes_in_any_file(content: bytes) -> None:
    check(
        {"incidentd.yaml": GOOD.encode() + content, "rules/a.yaml": b"rules: []\n" + content, "runbooks/a.md": content}
    )
