"""Two catalogs -> what a reload added, changed and removed."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from incidentd.catalog.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Difference:
    """Names of rules, runbooks and silences, sorted; ``runbook <name>``, ``silence <id>`` for those."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def difference(before: Catalog, after: Catalog) -> Difference:
    """What the second catalog has that the first had not, has otherwise, and has no more."""
    old, new = _identified(before), _identified(after)
    names = {**_names(before), **_names(after)}
    return Difference(
        added=_named(names, new.keys() - old.keys()),
        changed=_named(names, {one for one in new.keys() & old.keys() if new[one] != old[one]}),
        removed=_named(names, old.keys() - new.keys()),
    )


def _identified(catalog: Catalog) -> dict[str, object]:
    """Rules by their identity, for names repeat in Prometheus' files; runbooks by their name."""
    rules: dict[str, object] = {rule.id: rule for rule in catalog.rules}
    rules |= {f"silence {silence.id}": silence for silence in catalog.silences}
    return rules | {f"runbook {name}": runbook for name, runbook in catalog.runbooks.items()}


def _names(catalog: Catalog) -> dict[str, str]:
    return {rule.id: rule.name for rule in catalog.rules}


def _named(names: dict[str, str], identities: AbstractSet[str]) -> tuple[str, ...]:
    return tuple(sorted({names.get(one, one) for one in identities}))
