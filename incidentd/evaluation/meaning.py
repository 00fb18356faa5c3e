"""Two versions of a rule -> whether they ask and decide the same."""

from __future__ import annotations

from incidentd.catalog.rule import Rule

_DECIDE = ("expr", "source", "levels", "resolve", "no_data", "query_offset", "heartbeat")
"""What decides when an alert begins and ends. The rest says how often that is looked at, who is told, and in what
words."""


def same(before: Rule, after: Rule) -> bool:
    """Whether clocks that *before* started say something of *after*."""
    return all(getattr(before, name) == getattr(after, name) for name in _DECIDE)
