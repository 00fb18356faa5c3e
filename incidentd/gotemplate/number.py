"""Number literals -> their readings, by Go's rules for untyped constants."""

import math
import re

from incidentd.gotemplate import nodes
from incidentd.gotemplate.quote import quote, unquote_char

_INT = re.compile(r"[+-]?(?:0[xX](?:_?[0-9a-fA-F])+|0[oO]?(?:_?[0-7])+|0[bB](?:_?[01])+|0|[1-9](?:_?[0-9])*)")
_FLOAT = re.compile(r"[+-]?(?:[0-9](?:_?[0-9])*\.?(?:[0-9](?:_?[0-9])*)?|\.[0-9](?:_?[0-9])*)(?:[eE][+-]?[0-9]+)?")
_HEX_FLOAT = re.compile(r"([+-]?)0[xX]_?([0-9a-fA-F_]*)\.?([0-9a-fA-F_]*)[pP]([+-]?[0-9]+)")
_LOOKS_LIKE_FLOAT = re.compile(r"[.eEpP]")
_MAX_INT = 2**63 - 1
_MIN_INT = -(2**63)
_MAX_UINT = 2**64 - 1
_MAX_DIGITS = 1000  # Python reads longer ones in quadratic time, and refuses from 4,300


def char_constant(pos: int, literal: str) -> nodes.Number:
    code = unquote_char(literal)
    return nodes.Number(pos, literal, code, float(code), None, overflows=False)


def complex_constant(pos: int, literal: str) -> nodes.Number:
    """`1+2i`; ValueError as Go gives it."""
    split = max(literal.rfind("+"), literal.rfind("-"))
    real, imaginary = _float(literal[:split]), _float(literal[split:-1])
    if real is None or imaginary is None:
        raise ValueError("syntax error scanning complex number")
    return _simplified(pos, literal, complex(real, imaginary))


def constant(pos: int, literal: str) -> nodes.Number:
    """A number as written; ValueError as Go gives it."""
    bad = ValueError(f"illegal number syntax: {quote(literal)}")
    if len(literal) > _MAX_DIGITS:
        raise bad
    if literal.endswith("i"):
        imaginary = _float(literal[:-1])
        if imaginary is None:
            raise bad
        return _simplified(pos, literal, complex(0, imaginary))
    if _INT.fullmatch(literal):
        value = _int(literal)
        if _MIN_INT <= value <= _MAX_INT:
            return nodes.Number(pos, literal, value, float(value), None, overflows=False)
        if value <= _MAX_UINT and not literal.startswith(("+", "-")):
            return nodes.Number(pos, literal, None, float(value), None, overflows=True)
    number = _float(literal)
    if number is None:
        raise bad
    if not _LOOKS_LIKE_FLOAT.search(literal):
        raise ValueError(f"integer overflow: {quote(literal)}")
    whole = int(number) if number.is_integer() and _MIN_INT <= number < _MAX_INT else None
    return nodes.Number(pos, literal, whole, number, None, overflows=False)


def ideal(number: nodes.Number) -> int | float | complex | None:
    """The constant's value where nothing says which type is wanted; None if it is too large for an int."""
    if number.as_complex is not None:
        return number.as_complex
    literal = number.literal
    if number.as_float is not None and _LOOKS_LIKE_FLOAT.search(literal) and not _is_rune_or_hex(literal):
        return number.as_float
    return number.as_int


def _is_rune_or_hex(literal: str) -> bool:
    return literal.startswith("'") or (literal[:2] in ("0x", "0X") and "p" not in literal.lower())


def _simplified(pos: int, literal: str, value: complex) -> nodes.Number:
    """Without an imaginary part it also counts as a float, and as an int if it is whole."""
    real = value.real if value.imag == 0 else None
    whole = int(real) if real is not None and real.is_integer() else None
    return nodes.Number(pos, literal, whole, real, value, overflows=False)


def _int(literal: str) -> int:
    digits = literal.replace("_", "")
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    if digits[:1] == "0" and digits[1:].isdecimal():
        return sign * int(digits, 8)
    return sign * int(digits, 0)


def _float(literal: str) -> float | None:
    """None if *literal* is none, or too large for a float."""
    hexadecimal = _HEX_FLOAT.fullmatch(literal)
    try:
        if hexadecimal:
            sign, whole, fraction, exponent = hexadecimal.groups()
            value = float.fromhex(f"{sign}0x{whole.replace('_', '') or '0'}.{fraction.replace('_', '')}p{exponent}")
        elif _INT.fullmatch(literal) and literal.lstrip("+-")[:2].lower() in ("0x", "0o", "0b"):
            value = float(_int(literal))
        elif _FLOAT.fullmatch(literal):
            value = float(literal)
        else:
            return None
    except (OverflowError, ValueError):
        return None
    return value if math.isfinite(value) else None
