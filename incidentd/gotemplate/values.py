"""The values of a template, and the names that Go gives their types."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class SampleLike(Protocol):
    """A sample as the caller's query answers it."""

    @property
    def labels(self) -> Mapping[str, str]: ...

    @property
    def value(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of a query's answer; in the template it has the fields Labels and Value."""

    labels: Mapping[str, str]
    value: float


class Samples(list[Sample]):
    """A query's answer."""


class Args(dict[str, object]):
    """A map of anything, as `args` makes it; *size* says how long it is when printed, roughly."""

    size = 0


class Html(str):
    """Text that `safeHtml` marked; Go does not take it for a string."""

    __slots__ = ()


class Byte(int):
    """One byte of a string."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Time:
    """A point in time, in UTC, as `toTime` makes it."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Root:
    """What `.` is at the start."""

    labels: Mapping[str, str]
    external_labels: Mapping[str, str]
    external_url: str
    value: float


@dataclass(frozen=True, slots=True)
class Nothing:
    """A nil of a type: a sample or a list of samples."""

    type: str


STRING_MAP = "map[string]string"
SAMPLE = "*template.sample"
SAMPLES = "template.queryResult"
_ROOT = "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value float64 }"
_NAMES: dict[type, str] = {
    bool: "bool",
    int: "int",
    float: "float64",
    complex: "complex128",
    str: "string",
    dict: STRING_MAP,
    Args: "map[string]interface {}",
    Html: "template.HTML",
    Byte: "uint8",
    Sample: SAMPLE,
    Samples: SAMPLES,
    Time: "*time.Time",
    Root: _ROOT,
    type(None): "<nil>",
}


def type_name(value: object) -> str:
    """Go's name for the type of *value*."""
    if type(value) is Nothing:
        return value.type
    return _NAMES[type(value)]


def is_true(value: object) -> bool:
    """Not the zero of its type. Samples, times and the root always are."""
    if type(value) in (Sample, Time, Root):
        return True
    return type(value) is not Nothing and bool(value)


def struct_fields(value: object) -> dict[str, object] | None:
    """The fields of a struct in Go's order; None if *value* is none."""
    if type(value) is Sample:
        return {"Labels": value.labels, "Value": value.value}
    if type(value) is Root:
        return {
            "Labels": value.labels,
            "ExternalLabels": value.external_labels,
            "ExternalURL": value.external_url,
            "Value": value.value,
        }
    return None
