"""``42`` or ``INC-42`` -> the number of an incident."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Path

from incidentd.web.problems import WebError

_FORM = re.compile(r"(?:inc-)?([0-9]{1,18})", re.IGNORECASE)


def incident_number(
    number: Annotated[str, Path(description="The incident: `42` or `INC-42`.", examples=["INC-42"])],
) -> int:
    """Raises WebError 404 for anything that cannot be an incident's number."""
    found = parse(number)
    if found is None:
        raise WebError(HTTPStatus.NOT_FOUND, f"There is no incident {number}; write 42 or INC-42.")
    return found


def parse(text: str) -> int | None:
    """None for anything that cannot be an incident's number."""
    match = _FORM.fullmatch(text)
    return int(match[1]) if match is not None else None


def missing(name: str) -> WebError:
    return WebError(HTTPStatus.NOT_FOUND, f"There is no incident {name}.")


Number = Annotated[int, Depends(incident_number)]
"""An endpoint's parameter ``{number}``."""
