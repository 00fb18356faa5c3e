"""A mail destination as authored in a receiver."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from incidentd.settings import Section

_ADDRESS = re.compile(r"[^\s@,;:<>()\[\]\\\"]+@[^\s@,;:<>()\[\]\\\"]+")


def _address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise ValueError(f"{text!r} is not a mail address; write it bare, as in oncall@example.com")
    return text


class EmailDestination(Section):
    """One mail to all of these addresses."""

    to: tuple[Annotated[str, AfterValidator(_address)], ...] = Field(min_length=1)
