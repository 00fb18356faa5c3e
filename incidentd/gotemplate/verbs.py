"""One value and one verb -> text, as Go's fmt prints it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from incidentd.gotemplate import floats, layout
from incidentd.gotemplate.errors import CallError
from incidentd.gotemplate.quote import can_backquote, is_print, quote
from incidentd.gotemplate.values import STRING_MAP, Args, Byte, Html, Nothing, Samples, Time, struct_fields, type_name

MAX_LENGTH = 100_000
ADDRESS = "0xc000000000"  # where Go prints an address, which nobody can foretell
_MAX_RUNE = 0x10FFFF
_SHARP_DIGITS = 6
_SHARP_HEX_DIGITS = 4
_BASES = {"d": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}
_PREFIXES = {"b": "0b", "o": "0", "x": "0x", "X": "0X"}


@dataclass(frozen=True, slots=True)
class Verb:
    """One directive of a format: `%+5.2f`."""

    letter: str
    plus: bool = False
    minus: bool = False
    sharp: bool = False
    space: bool = False
    zero: bool = False
    with_names: bool = False  # %+v
    as_syntax: bool = False  # %#v
    width: int | None = None
    precision: int | None = None

    def pad(self, text: str) -> str:
        if self.width is None or self.width <= len(text):
            return text
        if self.minus:
            return text.ljust(self.width)
        return text.rjust(self.width, "0" if self.zero else " ")


DEFAULT = Verb("v")


def show(value: object) -> str:
    """%v without anything else."""
    kind = type(value)
    if kind is str:
        return str(value)
    if kind is float:
        return floats.shortest(value)  # type: ignore[arg-type]
    return render(value, DEFAULT)


def render(value: object, verb: Verb, depth: int = 0) -> str:
    """*value* under *verb*; `%!d(string=x)` where they do not fit. CallError where the text would be too long."""
    if max(verb.width or 0, verb.precision or 0) > MAX_LENGTH:
        raise CallError(f"a width above {MAX_LENGTH} is refused")
    if verb.letter == "T":
        return verb.pad("<nil>") if value is None else _string(type_name(value), replace(verb, letter="s"))
    if verb.letter == "p":
        return _pointer(value, verb)
    plain = _PLAIN.get(type(value))
    return _composite(value, verb, depth) if plain is None else plain(value, verb)


def bad(value: object, verb: Verb) -> str:
    """What Go prints where the verb does not fit the value."""
    if value is None:
        return f"%!{verb.letter}(<nil>)"
    plain = replace(verb, letter="v", with_names=False, as_syntax=False)
    return f"%!{verb.letter}({type_name(value)}={render(value, plain)})"


def _composite(value: object, verb: Verb, depth: int) -> str:
    if value is None:
        return "<nil>" if depth else verb.pad("<nil>") if verb.letter == "v" else bad(value, verb)
    if isinstance(value, Time):
        return _string(layout.text(value.at), verb) if verb.letter in "vsxXq" else bad(value, verb)
    if isinstance(value, Nothing):
        return _nothing(value, verb)
    if isinstance(value, Samples):
        return _sequence(value, verb, depth)
    fields = struct_fields(value)
    if fields is not None:
        return _struct(value, fields, verb, depth)
    if isinstance(value, Mapping):
        return _map(value, verb, depth)
    raise CallError(f"cannot print a {type(value).__name__}")


def _nothing(value: Nothing, verb: Verb) -> str:
    if value.type.startswith("*"):
        return verb.pad("<nil>") if verb.letter == "v" else bad(value, verb)
    return "[]"


def _sequence(value: Samples, verb: Verb, depth: int) -> str:
    if verb.as_syntax:
        return f"{type_name(value)}{{{', '.join('(*template.sample)(' + ADDRESS + ')' for _ in value)}}}"
    return "[" + " ".join(render(sample, verb, depth + 1) for sample in value) + "]"


def _struct(value: object, fields: Mapping[str, object], verb: Verb, depth: int) -> str:
    named = type_name(value)
    is_pointer = named.startswith("*")
    if is_pointer and depth:
        return _pointer(value, verb)
    mark = "&" if is_pointer else ""
    if verb.as_syntax:
        inner = ", ".join(f"{name}:{render(field, verb, depth + 1)}" for name, field in fields.items())
        return f"{mark}{named.lstrip('*')}{{{inner}}}"
    parts = []
    for name, field in fields.items():
        text = render(field, verb, depth + 1)
        parts.append(f"{name}:{text}" if verb.with_names else text)
    return f"{mark}{{{' '.join(parts)}}}"


def _map(value: Mapping[str, object], verb: Verb, depth: int) -> str:
    pairs = sorted(value.items())
    if verb.as_syntax:
        name = type_name(value) if isinstance(value, Args) else STRING_MAP
        return f"{name}{{{', '.join(f'{quote(k)}:{render(v, verb, depth + 1)}' for k, v in pairs)}}}"
    return "map[" + " ".join(f"{render(k, verb, depth + 1)}:{render(v, verb, depth + 1)}" for k, v in pairs) + "]"


def _pointer(value: object, verb: Verb) -> str:
    if verb.letter not in "vpxXdob" or not type_name(value).startswith(("*", "map")):
        return bad(value, verb) if value is not None else f"%!{verb.letter}(<nil>)"
    return verb.pad(ADDRESS)


def _string(value: str, verb: Verb) -> str:
    text = value if verb.precision is None else value[: verb.precision]
    if verb.as_syntax:
        return verb.pad(quote(text))
    if verb.letter in "sv":
        return verb.pad(text)
    if verb.letter == "q":
        return verb.pad(f"`{text}`" if verb.sharp and can_backquote(text) else quote(text, ascii_only=verb.plus))
    if verb.letter in "xX":
        return verb.pad(_hex_bytes(value.encode(errors="replace"), verb))
    return bad(value, verb)


def _hex_bytes(data: bytes, verb: Verb) -> str:
    data = data if verb.precision is None else data[: verb.precision]
    prefix = f"0{verb.letter}" if verb.sharp and data else ""
    digits = [format(byte, f"02{verb.letter}") for byte in data]
    return " ".join(prefix + two for two in digits) if verb.space else prefix + "".join(digits)


def _int(value: int, verb: Verb) -> str:
    letter = verb.letter
    if letter == "v":
        letter = "x" if verb.as_syntax and isinstance(value, Byte) else "d"
    if letter in _BASES:
        return _digits(value, letter, verb)
    if letter in "cqU":
        rune = chr(value) if 0 <= value <= _MAX_RUNE and not 0xD800 <= value <= 0xDFFF else "\ufffd"  # noqa: PLR2004 - surrogates
        if letter == "q":
            return verb.pad(quote(rune, "'", ascii_only=verb.plus))
        if letter == "c":
            return verb.pad(rune)
        named = f" '{rune}'" if verb.sharp and rune != "\ufffd" and is_print(rune) else ""
        digits = f"{value % 2**64:0{max(4, verb.precision or 0)}X}"
        return replace(verb, zero=False).pad(f"U+{digits}{named}")
    return bad(value, verb)


def _digits(value: int, letter: str, verb: Verb) -> str:
    digits = format(abs(value), _BASES[letter])
    if verb.precision is not None:
        digits = "" if verb.precision == 0 and value == 0 else digits.rjust(verb.precision, "0")
        if not digits:
            return Verb("d", width=verb.width).pad("")
    sign = "-" if value < 0 else "+" if verb.plus else " " if verb.space else ""
    if verb.zero and verb.width is not None and verb.precision is None:
        digits = digits.rjust(verb.width - len(sign), "0")
    prefix = "0o" if letter == "O" else _PREFIXES.get(letter, "") if verb.sharp else ""
    if prefix == "0" and digits.startswith("0"):
        prefix = ""
    if verb.letter == "v" and letter == "x":
        prefix = "0x"
    return replace(verb, zero=False).pad(sign + prefix + digits)


def _float(value: float, verb: Verb) -> str:
    text = _number(value, verb)
    if text is None:
        return bad(value, verb)
    if text[-1] in "fN":
        unsigned = text[-1] == "N"
        text = ("+" if verb.plus else " " if verb.space else "") + text if unsigned else text
        if text.startswith("+I") and verb.space and not verb.plus:
            text = " " + text[1:]
        return replace(verb, zero=False).pad(text)
    sign = "-" if text.startswith("-") else "+" if verb.plus else " " if verb.space else ""
    digits = text.lstrip("-")
    if sign and verb.zero and verb.width is not None:
        digits = digits.rjust(verb.width - len(sign), "0")
    return verb.pad(sign + digits)


def _number(value: float, verb: Verb) -> str | None:
    """The digits with a minus if there is one; None if *verb* is none for floats."""
    letter, precision = verb.letter, verb.precision
    if letter not in "vgGeEfFbxX":
        return None
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN
        return floats.special(value)
    if letter == "b":
        return floats.binary(value)
    if letter in "xX":
        text = floats.hexadecimal(value, precision)
        text = _with_point(text, 0 if precision is not None else _SHARP_HEX_DIGITS) if verb.sharp else text
    elif letter in "vgG" and precision is None:
        text = _with_zeros(floats.shortest(value)) if verb.sharp else floats.shortest(value)
    else:
        style = "g" if letter == "v" else letter
        text = f"%{'#' * verb.sharp}.{6 if precision is None else precision}{style}" % value
    return text.upper() if letter in "GX" else text


def _with_point(text: str, digits: int) -> str:
    """%#x: with a point and at least *digits* behind it."""
    mantissa, mark, exponent = text.partition("p")
    whole, _, fraction = mantissa.partition(".")
    return f"{whole}.{fraction.ljust(digits, '0')}{mark}{exponent}"


def _with_zeros(text: str) -> str:
    """%#g: as short as can be, with a point and at least six digits."""
    mantissa, mark, exponent = text.partition("e")
    digits = mantissa.lstrip("-").replace(".", "").lstrip("0")
    count = max(len(digits), 1)
    point = "" if "." in mantissa else "."
    return mantissa + point + "0" * (_SHARP_DIGITS - count) + mark + exponent


def _bool(value: bool, verb: Verb) -> str:  # noqa: FBT001 - the value that is printed
    return verb.pad("true" if value else "false") if verb.letter in "tv" else bad(value, verb)


def _complex(value: complex, verb: Verb) -> str:
    if verb.letter not in "vgGeEfFbxX":
        return bad(value, verb)
    real, imaginary = _float(value.real, verb), _float(value.imag, replace(verb, plus=True))
    return f"({real}{imaginary}i)"


_PLAIN: dict[type, Callable[..., str]] = {
    bool: _bool,
    int: _int,
    Byte: _int,
    float: _float,
    complex: _complex,
    str: _string,
    Html: _string,
}
