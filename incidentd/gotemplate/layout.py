"""Points in time -> text, by Go's layouts (`2006-01-02 15:04:05`)."""

import re
from collections.abc import Callable
from datetime import datetime

_TOKEN = re.compile(
    r"January|Jan|Monday|Mon|MST|2006|Z0700|Z07:00|Z07|-0700|-07:00|-07|"
    r"002|01|02|03|04|05|06|15|__2|_2|PM|pm|[.,](?:0+|9+)(?![0-9])|[1-5]"
)
_NOON = 12
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TOKENS: dict[str, Callable[[datetime], str]] = {
    "January": lambda at: _MONTHS[at.month - 1],
    "Jan": lambda at: _MONTHS[at.month - 1][:3],
    "Monday": lambda at: _DAYS[at.weekday()],
    "Mon": lambda at: _DAYS[at.weekday()][:3],
    "MST": lambda _: "UTC",
    "2006": lambda at: f"{at.year:04d}",
    "06": lambda at: f"{at.year % 100:02d}",
    "01": lambda at: f"{at.month:02d}",
    "1": lambda at: str(at.month),
    "02": lambda at: f"{at.day:02d}",
    "_2": lambda at: f"{at.day:2d}",
    "2": lambda at: str(at.day),
    "002": lambda at: f"{at.timetuple().tm_yday:03d}",
    "__2": lambda at: f"{at.timetuple().tm_yday:3d}",
    "15": lambda at: f"{at.hour:02d}",
    "03": lambda at: f"{at.hour % 12 or 12:02d}",
    "3": lambda at: str(at.hour % 12 or 12),
    "04": lambda at: f"{at.minute:02d}",
    "4": lambda at: str(at.minute),
    "05": lambda at: f"{at.second:02d}",
    "5": lambda at: str(at.second),
    "PM": lambda at: "PM" if at.hour >= _NOON else "AM",
    "pm": lambda at: "pm" if at.hour >= _NOON else "am",
    "Z0700": lambda _: "Z",
    "Z07:00": lambda _: "Z",
    "Z07": lambda _: "Z",
    "-0700": lambda _: "+0000",
    "-07:00": lambda _: "+00:00",
    "-07": lambda _: "+00",
}


def render(at: datetime, layout: str) -> str:
    """*at*, which is in UTC, in *layout*."""
    return _TOKEN.sub(lambda match: _part(at, match[0]), layout)


def text(at: datetime) -> str:
    """As Go prints a time by itself: `2009-02-13 23:31:30.5 +0000 UTC`."""
    return render(at, "2006-01-02 15:04:05.999999999 -0700 MST")


def _part(at: datetime, token: str) -> str:
    if token[0] not in ".,":
        return _TOKENS[token](at)
    digits = f"{at.microsecond:06d}000"[: len(token) - 1].ljust(len(token) - 1, "0")
    if token[1] == "9":
        digits = digits.rstrip("0")
        return token[0] + digits if digits else ""
    return token[0] + digits
