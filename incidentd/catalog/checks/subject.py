"""What a check looks at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from incidentd.catalog.authored_rule import AuthoredRule
from incidentd.catalog.catalog import Catalog
from incidentd.catalog.config import Config
from incidentd.catalog.document import Document
from incidentd.catalog.silence import PlacedSilence


@dataclass(frozen=True, slots=True)
class Subject:
    """Everything that was read, at *now*. *document* is incidentd.yaml, *rules* and *silences* are those of the catalog
    with their places."""

    config: Config
    catalog: Catalog
    document: Document
    rules: tuple[AuthoredRule, ...]
    silences: tuple[PlacedSilence, ...]
    now: datetime
