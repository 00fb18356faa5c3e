"""What rules take over from incidentd.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from incidentd.catalog.prometheus_settings import PrometheusRules
from incidentd.settings import Source


@dataclass(frozen=True, slots=True)
class Surroundings:
    """*sources* by name; empty when the configuration is broken."""

    sources: Mapping[str, Source] = field(default_factory=dict)
    prometheus: PrometheusRules = field(default_factory=PrometheusRules)

    @property
    def only_source(self) -> str | None:
        """The name of the only source: that of every rule which names none."""
        return next(iter(self.sources)) if len(self.sources) == 1 else None

    def of_source(self, name: str) -> dict[str, Any]:
        """What a rule has from its source, by the rule's fields; nothing from one that does not exist."""
        source = self.sources.get(name)
        if source is None:
            return {}
        return {
            "every": source.every,
            "external_labels": source.external_labels,
            "external_url": source.external_url or source.url,
        }
