"""Keys that other rulers know in Prometheus' rule files: which are left out without a word, and which are not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from incidentd.catalog.document import Document, Loc
from incidentd.catalog.problem import Gravity, Problem

OF_A_GROUP = frozenset({
    "align_evaluation_time_on_interval", "align_execution_time_on_interval", "concurrency", "debug",
    "evaluation_alignment", "eval_offset", "extra_filter_labels", "headers", "notifier_headers", "params",
    "partial_response_strategy", "source_tenants", "tenant", "type",
})  # fmt: skip
"""What Thanos, VictoriaMetrics and Mimir know beside Prometheus."""
OF_A_RULE = frozenset({"debug", "update_entries_limit"})
DELAYS = ("query_offset", "eval_delay", "evaluation_delay")
"""One thing: how long before its slot a rule is asked for. The first that is there counts."""

_ELSEWHERE = "rules here ask the source as incidentd.yaml sets it up"
_MATTER = {
    "eval_offset": "slots here do not depend on the group",
    "extra_filter_labels": _ELSEWHERE,
    "headers": _ELSEWHERE,
    "params": _ELSEWHERE,
    "source_tenants": _ELSEWHERE,
    "tenant": _ELSEWHERE,
}
_HINT = "give the source its own entry under `sources`, with the headers or the URL that it needs"


def is_promql(group: Mapping[str, Any]) -> bool:
    """Whether the group's expressions are PromQL: VictoriaMetrics also evaluates Graphite and its logs."""
    return bool(group.get("type", "prometheus") == "prometheus")


def findings(group: Mapping[str, Any], document: Document, at: Loc) -> Iterator[Problem]:
    """Warnings about the keys of *group* that would change what its rules mean, and are not read."""
    for key, why in _MATTER.items():
        if group.get(key):
            hint = _HINT if why is _ELSEWHERE else "remove it, or evaluate the group where it is read"
            yield _warning(document, (*at, key), f"`{key}` is not read: {why}", hint)
    if str(group.get("partial_response_strategy", "abort")).lower() != "abort":
        message = "a partial answer is unknown here and changes nothing, whatever partial_response_strategy says"
        yield _warning(document, (*at, "partial_response_strategy"), message, "remove it")
    if not is_promql(group):
        message = f"the rules of this group are left out: they are of the type {group['type']}, not PromQL"
        yield _warning(document, (*at, "type"), message, "let their own ruler evaluate them")


def _warning(document: Document, loc: Loc, message: str, hint: str) -> Problem:
    return Problem(document.key_position(loc), message, hint, gravity=Gravity.WARNING)
