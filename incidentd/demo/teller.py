"""What happens in the demo -> lines on a terminal, with the seconds since its start."""

from __future__ import annotations

import os
import shutil
import textwrap
import time
from collections.abc import Iterable
from itertools import zip_longest

import typer

_MARGIN = 8
_NARROWEST, _WIDEST = 50, 100
_NARROWEST_CELL = 20


class Teller:
    """Writes to standard output; colours only where a terminal shows them and NO_COLOR does not forbid them."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._coloured = not os.environ.get("NO_COLOR")

    def heading(self, text: str) -> None:
        typer.echo(f"\n{self._styled(text, bold=True)}")

    def say(self, text: str) -> None:
        """One thing that happens now."""
        self._write(text)

    def ask(self, text: str) -> None:
        """What a person is to do now."""
        self._write(text, bold=True, fg=typer.colors.CYAN)

    def add(self, text: str) -> None:
        """More about what was said last."""
        for line in _wrapped(text, _width() - _MARGIN):
            typer.echo(" " * _MARGIN + line)

    def table(self, rows: Iterable[tuple[str, ...]]) -> None:
        """Rows in columns. The last cell of a row is not one: it is wrapped, and may be longer than all others."""
        rows = list(rows)
        columns = zip_longest(*(row[:-1] for row in rows), fillvalue="")
        widths = [max(map(len, column)) for column in columns]
        for row in rows:
            left = "  " + "".join(f"{cell:<{width}}  " for cell, width in zip(row[:-1], widths, strict=False))
            for number, line in enumerate(_wrapped(row[-1], max(_width() - len(left), _NARROWEST_CELL))):
                typer.echo((" " * len(left) if number else left) + line)

    def _write(self, text: str, *, bold: bool = False, fg: str | None = None) -> None:
        first, *others = _wrapped(text, _width() - _MARGIN)
        typer.echo(f"{time.monotonic() - self._begun:6.1f}  {self._styled(first, bold=bold, fg=fg)}")
        for line in others:
            typer.echo(" " * _MARGIN + self._styled(line, bold=bold, fg=fg))

    def _styled(self, text: str, *, bold: bool, fg: str | None = None) -> str:
        return typer.style(text, bold=True, fg=fg) if bold and self._coloured else text


def _wrapped(text: str, width: int) -> list[str]:
    """At least one line; an address is never broken, so that it can be clicked."""
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]


def _width() -> int:
    return min(max(shutil.get_terminal_size().columns, _NARROWEST), _WIDEST)
