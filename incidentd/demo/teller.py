"""What happens in the demo -> lines on a terminal, with the seconds since its start."""

from __future__ import annotations

import os
import shutil
import textwrap
import time
from collections.abc import Iterable

import typer

_MARGIN = 8
_NARROWEST, _WIDEST = 50, 100


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
        for line in self._lines(text):
            typer.echo(" " * _MARGIN + line)

    def table(self, rows: Iterable[tuple[str, ...]]) -> None:
        """Rows of equally many cells, in columns; only the last cell of a row is wrapped."""
        rows = list(rows)
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
        for row in rows:
            left = "  " + "".join(f"{cell:<{width}}  " for cell, width in zip(row, widths, strict=False))
            for number, line in enumerate(textwrap.wrap(row[-1], max(_width() - len(left), 20)) or [""]):
                typer.echo(((" " * len(left) if number else left) + line).rstrip())

    def _write(self, text: str, *, bold: bool = False, fg: str | None = None) -> None:
        first, *others = self._lines(text)
        typer.echo(f"{time.monotonic() - self._begun:6.1f}  {self._styled(first, bold=bold, fg=fg)}")
        for line in others:
            typer.echo(" " * _MARGIN + self._styled(line, bold=bold, fg=fg))

    def _lines(self, text: str) -> list[str]:
        """As wide as the terminal; an address is never broken, so that it can be clicked."""
        width = _width() - _MARGIN
        return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]

    def _styled(self, text: str, *, bold: bool, fg: str | None = None) -> str:
        return typer.style(text, bold=True, fg=fg) if bold and self._coloured else text


def _width() -> int:
    return min(max(shutil.get_terminal_size().columns, _NARROWEST), _WIDEST)
