"""Numbers -> text for people, by Prometheus' rules."""

import math
import re
from datetime import UTC, datetime, timedelta

from incidentd.gotemplate import floats, layout
from incidentd.gotemplate.errors import CallError
from incidentd.gotemplate.quote import quote
from incidentd.gotemplate.values import Byte, Time, type_name

_LARGE = ("k", "M", "G", "T", "P", "E", "Z", "Y")
_SMALL = ("m", "u", "n", "p", "f", "a", "z", "y")
_BINARY = ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")
_INT64 = 2.0**63
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DURATION = re.compile(
    r"(?:([0-9]+)y)?(?:([0-9]+)w)?(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?(?:([0-9]+)ms)?"
)
_DURATION_MS = (31_536_000_000, 604_800_000, 86_400_000, 3_600_000, 60_000, 1_000, 1)
_MAX_DURATION_MS = (2**63 - 1) // 1_000_000
_MAX_DURATION_DIGITS = 20


def number(value: object) -> float:
    """A float, an int or text that is one."""
    if type(value) is float:
        return value
    if type(value) in (int, Byte):
        if type(value) is Byte:
            raise CallError("can't convert uint8 to float")
        return float(value)  # type: ignore[arg-type]
    if type(value) is str:
        try:
            return floats.parse(value)
        except ValueError as error:
            raise CallError(f"strconv.ParseFloat: parsing {quote(value)}: {error}") from error
    raise CallError(f"can't convert {type_name(value)} to float")


def four_digits(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else floats.special(value)


def _is_plain(value: float) -> bool:
    return value == 0 or not math.isfinite(value)


def humanize(given: object) -> str:
    value = number(given)
    if _is_plain(value):
        return four_digits(value)
    if abs(value) >= 1:
        return _scaled(value, _LARGE, 1000)
    return _magnified(value)


def humanize1024(given: object) -> str:
    value = number(given)
    if abs(value) <= 1 or not math.isfinite(value):
        return four_digits(value)
    return _scaled(value, _BINARY, 1024)


def _scaled(value: float, prefixes: tuple[str, ...], base: int) -> str:
    prefix = ""
    for larger in prefixes:
        if abs(value) < base:
            break
        prefix = larger
        value /= base
    return four_digits(value) + prefix


def _magnified(value: float) -> str:
    prefix = ""
    for smaller in _SMALL:
        if abs(value) >= 1:
            break
        prefix = smaller
        value *= 1000
    return four_digits(value) + prefix


def duration(given: object) -> str:
    value = number(given)
    if not math.isfinite(value):
        return four_digits(value)
    if value == 0:
        return f"{four_digits(value)}s"
    if abs(value) < 1:
        return f"{_magnified(value)}s"
    return f"{'-' if value < 0 else ''}{_parts(abs(value))}"


def _parts(value: float) -> str:
    """Days to seconds of at least one second.

    Beyond int64 the seconds are its smallest number, as in Go, whose division goes towards zero.
    """
    whole = int(value) if value < _INT64 else -int(_INT64)
    days, hours = _quotient(whole, 86_400), _rest(_quotient(whole, 3_600), 24)
    minutes, seconds = _rest(_quotient(whole, 60), 60), _rest(whole, 60)
    if days:
        return f"{days}d {hours}h {minutes}m {seconds}s"
    if hours:
        return f"{hours}h {minutes}m {seconds}s"
    return f"{minutes}m {seconds}s" if minutes else f"{four_digits(value)}s"


def _quotient(value: int, by: int) -> int:
    return -(-value // by) if value < 0 else value // by


def _rest(value: int, by: int) -> int:
    return -(-value % by) if value < 0 else value % by


def percentage(given: object) -> str:
    return f"{four_digits(number(given) * 100)}%"


def timestamp(given: object) -> str:
    value = number(given)
    return layout.text(_moment(value)) if math.isfinite(value) else four_digits(value)


def to_time(given: object) -> Time:
    value = number(given)
    if not math.isfinite(value):
        raise CallError("value is NaN or Inf")
    return Time(_moment(value))


def milliseconds(at: datetime) -> int:
    """Since 1970."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def _moment(seconds: float) -> datetime:
    nanoseconds = seconds * 1e9
    if nanoseconds > _INT64 or nanoseconds < -_INT64:
        raise CallError(
            f"{floats.shortest(seconds)} cannot be represented as a nanoseconds timestamp since it overflows int64"
        )
    whole = int(nanoseconds) if nanoseconds < _INT64 else -int(_INT64)
    return _EPOCH + timedelta(milliseconds=_quotient(whole, 1_000_000))


def parse_duration(text: str) -> float:
    """Seconds of a duration as Prometheus writes it."""
    if not text:
        raise CallError("empty duration string")
    if text == "0":
        return 0.0
    match = _DURATION.fullmatch(text)
    if match is None:
        raise CallError(f"not a valid duration string: {quote(text)}")
    total = 0
    for amount, unit in zip(match.groups(), _DURATION_MS, strict=True):
        if amount is not None:
            total += int(amount[-_MAX_DURATION_DIGITS:]) * unit if len(amount) <= _MAX_DURATION_DIGITS else 2**63
        if total > _MAX_DURATION_MS:
            raise CallError("duration out of range")
    return total / 1000
