"""A firing alert that mutes others, as authored."""

from __future__ import annotations

from pydantic import field_validator

from incidentd.catalog.route import AuthoredMatchers
from incidentd.labels import Matchers
from incidentd.settings import Section


class InhibitRule(Section):
    """While an alert that meets *source_matchers* fires, alerts that meet *target_matchers* and have the same values
    in the labels of *equal* are muted. *name* is what people read."""

    name: str = ""
    source_matchers: AuthoredMatchers
    target_matchers: AuthoredMatchers
    equal: tuple[str, ...] = ()

    @field_validator("source_matchers", "target_matchers")
    @classmethod
    def _not_everything(cls, matchers: Matchers) -> Matchers:
        if not matchers.all_of:
            raise ValueError("an inhibition needs matchers on both sides; write one as 'severity=\"sev1\"'")
        return matchers
