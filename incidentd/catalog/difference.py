"""Two catalogs -> what a reload added, changed and removed."""

from __future__ import annotations

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
    old, new = _named(before), _named(after)
    return Difference(
        added=tuple(sorted(new.keys() - old.keys())),
        changed=tuple(sorted(name for name in new.keys() & old.keys() if new[name] != old[name])),
        removed=tuple(sorted(old.keys() - new.keys())),
    )


def _named(catalog: Catalog) -> dict[str, object]:
    rules: dict[str, object] = {rule.name: rule for rule in catalog.rules}
    rules |= {f"silence {silence.id}": silence for silence in catalog.silences}
    return rules | {f"runbook {name}": runbook for name, runbook in catalog.runbooks.items()}
