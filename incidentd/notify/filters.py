"""A value -> the words that a person reads: the filters of every template.

====================  =========================================================================
``0.2134 | percent``  ``21.34%``: a share as a percentage, four significant digits
``1234.5 | usd``      ``$1,234.50``: an amount of dollars; below ten cents, two significant digits
``8.31 | duration``   ``8.31s``: seconds (or a timedelta); ``350ms`` below one, ``2m 5s`` above sixty
``15300 | humanize``  ``15.3k``: a number with k, M, G, T
``8.3149 | round(1)`` ``8.3``: a number; without digits, a whole one
``at | local("Europe/Berlin")``  ``2026-11-20 19:02 CET``: a moment in a time zone, UTC unless told
====================  =========================================================================

What is no number reads as ``NaN``, ``+Inf`` or ``-Inf``. All of them raise TypeError or ValueError on anything else.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from incidentd import duration

_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_MAX_DIGITS = 12


def percent(share: Any) -> str:
    number = float(share) * 100
    return _special(number) or f"{_plain(number)}%"


def usd(amount: Any) -> str:
    number = float(amount)
    if special := _special(number):
        return special
    sign, size = ("-" if number < 0 else ""), abs(number)
    if 0 < size < 0.1:  # noqa: PLR2004 - ten cents: below them two decimals lose what a token costs
        return f"{sign}${size:.{1 - math.floor(math.log10(size))}f}"
    return f"{sign}${size:,.2f}"


def humanize_duration(seconds: Any) -> str:
    number = seconds.total_seconds() if isinstance(seconds, timedelta) else float(seconds)
    if special := _special(number):
        return special
    size = abs(number)
    if size >= 60:  # noqa: PLR2004 - a minute
        words = duration.text(timedelta(seconds=size))
    else:
        words = f"{size * 1000:.3g}ms" if 0 < size < 1 else f"{size:.3g}s"
    return f"-{words}" if number < 0 else words


def humanize(value: Any) -> str:
    number = float(value)
    if special := _special(number):
        return special
    for size, prefix in _PREFIXES:
        if abs(number) >= size:
            return f"{_plain(number / size)}{prefix}"
    return _plain(number)


def rounded(value: Any, digits: int = 0) -> float | int:
    number = float(value)
    if not math.isfinite(number):
        return number
    digits = max(-_MAX_DIGITS, min(_MAX_DIGITS, int(digits)))
    return round(number, digits) if digits > 0 else int(round(number, digits))


def local(at: datetime, zone: str = "UTC") -> str:
    try:
        moment = at.astimezone(ZoneInfo(zone))
    except (KeyError, OSError) as exc:
        raise ValueError(f"{zone!r} is not a time zone; write one like Europe/Berlin") from exc
    return moment.strftime("%Y-%m-%d %H:%M %Z")


FILTERS: dict[str, Callable[..., Any]] = {
    "percent": percent,
    "usd": usd,
    "duration": humanize_duration,
    "humanize": humanize,
    "round": rounded,
    "local": local,
}


def _special(number: float) -> str:
    if math.isnan(number):
        return "NaN"
    return "" if math.isfinite(number) else ("+Inf" if number > 0 else "-Inf")


def _plain(number: float) -> str:
    """Four significant digits, never in powers of ten unless the number is beyond reading anyway."""
    if number and (abs(number) >= 1e15 or abs(number) < 1e-6):  # noqa: PLR2004 - beyond reading
        return f"{number:.4g}"
    digits = 4 if number == 0 else max(0, 3 - math.floor(math.log10(abs(number))))
    text = f"{number:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
