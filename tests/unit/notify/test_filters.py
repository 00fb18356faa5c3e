from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incidentd.notify import render

AT = datetime(2026, 11, 20, 18, 2, tzinfo=UTC)
INF = float("inf")
NAN = float("nan")


@pytest.mark.parametrize(
    ("template", "value", "said"),
    [
        ("{{ v | percent }}", 0.2134, "21.34%"),
        ("{{ v | percent }}", 0.05, "5%"),
        ("{{ v | percent }}", 0.0004, "0.04%"),
        ("{{ v | percent }}", 1, "100%"),
        ("{{ v | percent }}", 0, "0%"),
        ("{{ v | percent }}", -0.5, "-50%"),
        ("{{ v | percent }}", 123.4567, "12346%"),
        ("{{ v | percent }}", "0.5", "50%"),
        ("{{ v | percent }}", NAN, "NaN"),
        ("{{ v | percent }}", INF, "+Inf"),
        ("{{ v | percent }}", -INF, "-Inf"),
        ("{{ v | usd }}", 1234.5, "$1,234.50"),
        ("{{ v | usd }}", 0, "$0.00"),
        ("{{ v | usd }}", 0.0042, "$0.0042"),
        ("{{ v | usd }}", -5, "-$5.00"),
        ("{{ v | usd }}", NAN, "NaN"),
        ("{{ v | duration }}", 8.31, "8.31s"),
        ("{{ v | duration }}", 0.35, "350ms"),
        ("{{ v | duration }}", 125, "2m 5s"),
        ("{{ v | duration }}", 90061, "1d 1h"),
        ("{{ v | duration }}", 0, "0s"),
        ("{{ v | duration }}", -90, "-1m 30s"),
        ("{{ v | duration }}", timedelta(minutes=12), "12m"),
        ("{{ v | duration }}", INF, "+Inf"),
        ("{{ v | humanize }}", 15300, "15.3k"),
        ("{{ v | humanize }}", 1234567, "1.235M"),
        ("{{ v | humanize }}", 0.21, "0.21"),
        ("{{ v | humanize }}", 2.5e9, "2.5G"),
        ("{{ v | humanize }}", 7e12, "7T"),
        ("{{ v | humanize }}", 42, "42"),
        ("{{ v | humanize }}", 0, "0"),
        ("{{ v | humanize }}", 1e-9, "1e-09"),
        ("{{ v | humanize }}", NAN, "NaN"),
        ("{{ v | round(1) }}", 8.3149, "8.3"),
        ("{{ v | round }}", 8.5149, "9"),
        ("{{ v | round(-2) }}", 1234, "1200"),
        ("{{ v | round(1000000000) }}", 1.5, "1.5"),
        ("{{ v | round(1) }}", INF, "inf"),
        ("{{ v | local }}", AT, "2026-11-20 18:02 UTC"),
        ("{{ v | local('Europe/Berlin') }}", AT, "2026-11-20 19:02 CET"),
    ],
)
def test_a_filter_says(template: str, value: Any, said: str) -> None:
    assert render.text(template, v=value) == said


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ v | percent }}", "much"),
        ("{{ v | usd }}", None),
        ("{{ v | duration }}", []),
        ("{{ v | humanize }}", "x"),
        ("{{ v | round }}", "x"),
        ("{{ v | local('Mars/Base') }}", AT),
        ("{{ v | local('../../etc/passwd') }}", AT),
        ("{{ v | local }}", 5),
    ],
)
def test_a_filter_says_what_it_cannot_read(template: str, value: Any) -> None:
    with pytest.raises(render.TemplateError):
        render.text(template, v=value)
