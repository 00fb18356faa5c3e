"""A model of what people author -> its keys, and how the documentation writes their defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from incidentd import duration


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every key with its default, as ``sources.<name>.timeout`` and ``10s``; a secret's twin is a key too."""
    for name, field in model.model_fields.items():
        if field.exclude:
            continue  # loading fills it in
        path = f"{prefix}{field.alias or name}"
        inner, joint = _inside(field.annotation)
        if inner is not None and inner is not model:
            yield from keys(inner, path + joint)
            continue
        yield path, default(field)
        if "SecretStr" in repr(field.annotation):
            yield f"{path}_file", "none"


def default(field: FieldInfo) -> str:
    """``required``, ``none``, or the value as it is authored."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, timedelta):
        return duration.text(value, parts=4)
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if str(value) in {"None", "", "()", "{}"} else str(value)


def _inside(annotation: Any) -> tuple[type[BaseModel] | None, str]:
    """The model that values of *annotation* hold, and what joins its keys to theirs."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, "."
    origin = get_origin(annotation)
    joint = "[]." if origin is tuple else ".<name>." if origin is Mapping else "."
    found = [_inside(argument)[0] for argument in get_args(annotation)]
    return next((one for one in found if one is not None), None), joint
