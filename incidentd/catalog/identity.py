"""What a rule of a Prometheus file is known by from one load to the next, for names there do not suffice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from incidentd.catalog.rule import Rule
from incidentd.labels import Labels


def of_alert(file: str, group: str, name: str, labels: Labels) -> tuple[str, ...]:
    """File, group, name and the labels as authored: what Prometheus keeps an alert's state by, too."""
    return (file, group, name, *(f"{key}={value}" for key, value in sorted(labels.items())))


def distinguish(rules: Sequence[Rule]) -> Iterable[Rule]:
    """*rules* in their order, no two of one identity: where several have the same one, their expressions tell them
    apart, and their order where these are equal too. Native rules are what they were."""
    alike = Counter(rule.identity for rule in rules)
    seen: Counter[tuple[str, ...]] = Counter()
    for rule in rules:
        if rule.is_native or alike[rule.identity] == 1:
            yield rule
            continue
        identity = (*rule.identity, " ".join(rule.expr.split()))
        seen[identity] += 1
        if seen[identity] > 1:
            identity = (*identity, f"#{seen[identity]}")
        yield rule.model_copy(update={"identity": identity})
