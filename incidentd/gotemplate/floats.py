"""Floats -> text and back, as Go's strconv does it."""

import math
import re
from decimal import Decimal

_SMALLEST_PLAIN = -4  # exponents below this are written with e
_LARGEST_PLAIN = 6  # and from this one on, where the shortest form is asked for
_LITERAL = re.compile(
    r"[+-]?(?:inf(?:inity)?|nan|0x[0-9a-f]*\.?[0-9a-f]*p[+-]?[0-9]+"
    r"|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?)",
    re.IGNORECASE,
)
_UNDERSCORE = re.compile(r"(?<=[0-9a-fA-F])_(?=[0-9a-fA-F])|(?<=^0[xX])_")
_MANTISSA_BITS = 53


def parse(text: str) -> float:
    """strconv.ParseFloat; ValueError with the reason (`invalid syntax`, `value out of range`)."""
    text = _UNDERSCORE.sub("", text)
    if not _LITERAL.fullmatch(text) or (text[:1] in "+-" and text[1:].lower() == "nan"):
        raise ValueError("invalid syntax")
    try:
        value = float.fromhex(text) if "x" in text.lower() else float(text)
    except OverflowError as error:
        raise ValueError("value out of range") from error
    except ValueError as error:
        raise ValueError("invalid syntax") from error
    if math.isinf(value) and "inf" not in text.lower():
        raise ValueError("value out of range")
    return value


def shortest(value: float) -> str:
    """%v: the fewest digits that read back as *value*."""
    if not math.isfinite(value):
        return special(value)
    sign, digits, exponent = _digits(value)
    point = len(digits) + exponent
    if point - 1 < _SMALLEST_PLAIN or point - 1 >= _LARGEST_PLAIN:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{fraction}e{point - 1:+03d}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if point >= len(digits):
        return f"{sign}{digits}{'0' * (point - len(digits))}"
    return f"{sign}{digits[:point]}.{digits[point:]}"


def special(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "+Inf" if value > 0 else "-Inf"


def _digits(value: float) -> tuple[str, str, int]:
    """Sign, significant digits and the power of ten behind the last one."""
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits))
    trimmed = text.rstrip("0") or "0"
    zeros = 0 if trimmed == "0" else len(text) - len(trimmed)
    return "-" if sign else "", trimmed, (0 if trimmed == "0" else int(exponent) + zeros)


def binary(value: float) -> str:
    """%b: the mantissa as a whole number and the power of two."""
    mantissa, exponent = math.frexp(value)
    if value == 0:
        return f"{'-' if math.copysign(1, value) < 0 else ''}0p-1074"
    exponent = max(exponent - _MANTISSA_BITS, -1074)
    return f"{int(math.ldexp(value, -exponent)) if mantissa else 0}p{exponent:+d}"


def hexadecimal(value: float, precision: int | None) -> str:
    """%x: `0x1.8p+01`, rounded to *precision* digits behind the point."""
    sign = "-" if math.copysign(1, value) < 0 else ""
    if value == 0:
        zeros = f".{'0' * precision}" if precision else ""
        return f"{sign}0x0{zeros}p+00"
    mantissa, exponent = math.frexp(abs(value))
    bits, exponent = int(math.ldexp(mantissa, _MANTISSA_BITS)), exponent - 1
    digits = 13
    if precision is not None and precision < digits:
        shift = 4 * (digits - precision)
        half, rest = 1 << (shift - 1), bits & ((1 << shift) - 1)
        bits >>= shift
        bits += rest > half or (rest == half and bits & 1)
        digits = precision
        if bits >> (4 * digits + 1):
            bits >>= 1
            exponent += 1
    fraction = f"{bits & ((1 << 4 * digits) - 1):0{digits}x}" if digits else ""
    fraction = fraction.rstrip("0") if precision is None else fraction.ljust(precision, "0")
    return f"{sign}0x1{'.' if fraction else ''}{fraction}p{exponent:+03d}"
