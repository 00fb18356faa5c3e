"""How a function is called from a template: its name, its parameters' types, what runs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from incidentd.gotemplate.data import Data

ANY = "interface {}"
STRING = "string"
FLOAT = "float64"


class Surroundings(Protocol):
    """The expansion that calls a function."""

    data: Data

    def spend(self, steps: int) -> None:
        """Count *steps* of work; ends the expansion when there were too many."""


@dataclass(frozen=True, slots=True)
class Function:
    """*rest* is the type of the arguments behind *params*, if there may be any.

    *call* gets the arguments, after the Surroundings where *wants_around*; it raises CallError.
    """

    name: str
    params: tuple[str, ...]
    call: Callable[..., object]
    rest: str | None = None
    wants_around: bool = False


Table = dict[str, Function]


def table(*functions: Function) -> Table:
    return {function.name: function for function in functions}
