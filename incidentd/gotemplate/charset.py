"""Sets of characters in a regular expression."""

import unicodedata
from dataclasses import dataclass, field

MAX_CHAR = 0x10FFFF
DIGIT = ((48, 57),)
SPACE = ((9, 10), (12, 13), (32, 32))
WORD = ((48, 57), (65, 90), (95, 95), (97, 122))
PERL = {"d": DIGIT, "s": SPACE, "w": WORD}
POSIX: dict[str, tuple[tuple[int, int], ...]] = {
    "alnum": ((48, 57), (65, 90), (97, 122)),
    "alpha": ((65, 90), (97, 122)),
    "ascii": ((0, 127),),
    "blank": ((9, 9), (32, 32)),
    "cntrl": ((0, 31), (127, 127)),
    "digit": DIGIT,
    "graph": ((33, 126),),
    "lower": ((97, 122),),
    "print": ((32, 126),),
    "punct": ((33, 47), (58, 64), (91, 96), (123, 126)),
    "space": ((9, 13), (32, 32)),
    "upper": ((65, 90),),
    "word": WORD,
    "xdigit": ((48, 57), (65, 70), (97, 102)),
}
CATEGORIES = frozenset(
    "C Cc Cf Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs Any".split()  # noqa: SIM905
)


@dataclass(slots=True)
class CharSet:
    """Ranges, Unicode categories (negated where so marked), or all but these."""

    ranges: list[tuple[int, int]] = field(default_factory=list)
    categories: list[tuple[str, bool]] = field(default_factory=list)
    negated: bool = False
    folds: bool = False
    known: dict[str, bool] = field(default_factory=dict)

    def add(self, ranges: tuple[tuple[int, int], ...], *, negated: bool = False) -> None:
        self.ranges.extend(_inverse(ranges) if negated else ranges)

    def has(self, char: str) -> bool:
        found = self.known.get(char)
        if found is None:
            forms = {char, char.lower(), char.upper()} if self.folds else {char}
            found = any(self._holds(form) for form in forms if len(form) == 1) is not self.negated
            self.known[char] = found
        return found

    def _holds(self, char: str) -> bool:
        code = ord(char)
        if any(low <= code <= high for low, high in self.ranges):
            return True
        category = unicodedata.category(char)
        return any((name == "Any" or category.startswith(name)) is not negated for name, negated in self.categories)


def _inverse(ranges: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    out, start = [], 0
    for low, high in ranges:
        if low > start:
            out.append((start, low - 1))
        start = high + 1
    return [*out, (start, MAX_CHAR)]
