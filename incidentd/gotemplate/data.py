"""What a template is expanded with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from incidentd.gotemplate.values import SampleLike


@dataclass(frozen=True, slots=True)
class Data:
    """The alert and its surroundings.

    *query* answers `query "..."` with samples (`labels`, `value`); what it raises as CallError stands in the error
    text. Without it, and without *now*, the functions that need them fail.
    """

    labels: Mapping[str, str]
    value: float
    external_labels: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""
    query: Callable[[str], Sequence[SampleLike]] | None = None
    now: datetime | None = None
