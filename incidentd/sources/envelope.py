"""The JSON of Prometheus' query API -> samples, or a SourceError that says why there are none."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from enum import Enum, auto
from http import HTTPStatus
from typing import Any

from incidentd.sources.base import Reason, Sample

_TEXT_READ = 2_000
"""Bytes of an error page that are looked at: to remove tags from a hostile one takes time as its length squared."""
_REMARK = "PromQL info:"
"""How newer Prometheus 2 begins what it puts among the warnings though the answer is whole; Prometheus 3: ``infos``."""

_TEXTS = frozenset({str})
_OF_THE_QUERY = frozenset({200, 400, 413, 414, 422})
"""Statuses that speak of what was asked: wrong, or too long."""


class Blame(Enum):
    """Whose fault it can be that a query failed."""

    QUERY = auto()
    """That of one of the expressions: asked without it, the others would be answered."""
    SOURCE = auto()
    """That of no expression."""
    UNSURE = auto()
    """The source was silent; one expression may have made it so."""


class SourceError(Exception):
    """A source gave no usable answer. The text is for people and neither bounded nor free of secrets yet."""

    def __init__(self, reason: Reason, text: str, blame: Blame = Blame.SOURCE) -> None:
        super().__init__(text)
        self.reason = reason
        self.blame = blame


def opened(body: bytes, wanted: str = "vector") -> dict[str, Any]:
    """The envelope of a complete answer, whose ``data.result`` is what is *wanted*, a vector or a matrix; where a
    vector is, a scalar becomes its only series.

    Raises SourceError if the answer is an error, partial, or none that Prometheus gives to a query for numbers.
    """
    envelope = _decoded(body)
    if envelope.get("status") == "error":
        raise refusal(200, body)
    warnings = envelope.get("warnings") or []
    data = envelope.get("data")
    if envelope.get("status") != "success" or not isinstance(data, dict) or not isinstance(warnings, list):
        raise _malformed("JSON that is not an answer of Prometheus")
    serious = [str(warning) for warning in warnings if not str(warning).startswith(_REMARK)]
    if serious:
        raise SourceError(Reason.PARTIAL, f"the answer came with warnings: {'; '.join(serious)}", Blame.QUERY)
    if envelope.get("isPartial") is True:  # VictoriaMetrics' cluster, which has no warnings
        raise SourceError(Reason.PARTIAL, "says that its answer is partial", Blame.QUERY)
    match data.get("resultType"):
        case kind if kind == wanted:
            pass
        case "scalar" if wanted == "vector":
            data["result"] = [{"metric": {}, "value": data.get("result")}]
        case kind:
            what = f"a {kind} instead of a vector or a scalar; an expression must yield numbers at one time"
            raise SourceError(Reason.MALFORMED, f"answered {what}", Blame.QUERY)
    if not isinstance(data.get("result"), list):
        raise _malformed("JSON that is not an answer of Prometheus: the result is not a list")
    return envelope


def samples(result: list[Any]) -> tuple[Sample, ...]:
    """The samples of a vector, their labels without ``__name__``. Raises SourceError if that makes two alike."""
    return told_apart(read(result))


def read(result: list[Any]) -> list[Sample]:
    """The same, alike or not."""
    return [_sample(series) for series in result]


def told_apart(found: Sequence[Sample]) -> tuple[Sample, ...]:
    """*found*, of one time. Raises SourceError if two have the same labels."""
    if len(found) > 1 and len({frozenset(sample.labels.items()) for sample in found}) < len(found):
        raise SourceError(Reason.ERROR, "several series differ only by their name; aggregate or select one")
    return tuple(found)


def refusal(status: int, body: bytes) -> SourceError:
    """What an answer other than success says, in the server's own words where it has any."""
    text = body[:_TEXT_READ].decode(errors="replace")
    said = " ".join(re.sub(r"<[^>]*>", " ", text).split())
    reason = Reason.ERROR
    blame = Blame.QUERY if status in _OF_THE_QUERY else Blame.SOURCE
    try:
        envelope = _decoded(body)
    except SourceError:
        return SourceError(reason, f"HTTP {status}: {said or 'no text'}", blame)
    if "error" in envelope:
        said = f"{envelope.get('errorType', 'error')}: {envelope['error']}"
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR and envelope.get("errorType") != "unavailable":
            blame = Blame.QUERY
    if envelope.get("errorType") == "timeout":
        reason = Reason.TIMEOUT
    return SourceError(reason, f"HTTP {status}: {said}", blame)


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
        if b"\\ud" in body.lower():
            json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair fails here, not later in the store
    except (ValueError, RecursionError) as exc:
        what = "a page of HTML (a login page or a proxy's?)" if body.lstrip()[:1] == b"<" else "no valid JSON"
        raise _malformed(what) from exc
    if not isinstance(value, dict):
        raise _malformed("JSON that is not an answer of Prometheus")
    return value


def histograms() -> SourceError:
    return _malformed("native histograms; take histogram_quantile or histogram_count of them")


def labels_of(series: Any) -> dict[str, str]:
    """The labels of one series, without ``__name__``. Raises SourceError if it has none."""
    match series:
        case {"metric": dict(labels)} if set(map(type, labels.values())) <= _TEXTS:
            labels.pop("__name__", None)
            return labels
    raise _shapeless()


def number(point: Any) -> float:
    """The value of ``[time, "1.5"]``. Raises SourceError if it is none."""
    match point:
        case [int() | float(), str(text)]:
            try:
                return float(text)
            except ValueError as exc:
                raise _malformed(f"the value {text!r}, which is no number") from exc
    raise _shapeless()


def _sample(series: Any) -> Sample:
    if not isinstance(series, dict):
        raise _shapeless()
    if "histogram" in series:
        raise histograms()
    return Sample(labels_of(series), number(series.get("value")))


def _shapeless() -> SourceError:
    return _malformed("JSON that is not an answer of Prometheus: a series without labels and value")


def _malformed(what: str) -> SourceError:
    return SourceError(Reason.MALFORMED, f"answered {what}")
