"""The JSON of Prometheus' query API -> samples, or a SourceError that says why there are none."""

from __future__ import annotations

import json
import re
from typing import Any

from incidentd.sources.base import Reason, Sample

_TEXT_READ = 2_000
"""Bytes of an error page that are looked at: to remove tags from a hostile one takes time as its length squared."""
_REMARK = "PromQL info:"
"""How newer Prometheus 2 begins what it puts among the warnings though the answer is whole; Prometheus 3: ``infos``."""


class SourceError(Exception):
    """A source gave no usable answer. The text is for people and neither bounded nor free of secrets yet."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def opened(body: bytes) -> dict[str, Any]:
    """The envelope of a complete answer, whose ``data.result`` is a vector: a scalar becomes its only series.

    Raises SourceError if the answer is an error, partial, or none that Prometheus gives to an instant query for
    numbers.
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
        raise SourceError(Reason.PARTIAL, f"the answer came with warnings: {'; '.join(serious)}")
    if envelope.get("isPartial") is True:  # VictoriaMetrics' cluster, which has no warnings
        raise SourceError(Reason.PARTIAL, "says that its answer is partial")
    match data.get("resultType"):
        case "vector":
            pass
        case "scalar":
            data["result"] = [{"metric": {}, "value": data.get("result")}]
        case kind:
            raise _malformed(f"a {kind} instead of a vector or a scalar; an expression must yield numbers at one time")
    if not isinstance(data.get("result"), list):
        raise _malformed("JSON that is not an answer of Prometheus: the result is not a list")
    return envelope


def samples(result: list[Any]) -> tuple[Sample, ...]:
    """The samples of a vector, their labels without ``__name__``. Raises SourceError if that makes two alike."""
    found = tuple(_sample(series) for series in result)
    if len(found) > 1 and len({frozenset(sample.labels.items()) for sample in found}) < len(found):
        raise SourceError(Reason.ERROR, "several series differ only by their name; aggregate or select one")
    return found


def refusal(status: int, body: bytes) -> SourceError:
    """What an answer other than success says, in the server's own words where it has any."""
    text = body[:_TEXT_READ].decode(errors="replace")
    said = " ".join(re.sub(r"<[^>]*>", " ", text).split())
    reason = Reason.ERROR
    try:
        envelope = _decoded(body)
    except SourceError:
        return SourceError(reason, f"HTTP {status}: {said or 'no text'}")
    if "error" in envelope:
        said = f"{envelope.get('errorType', 'error')}: {envelope['error']}"
    if envelope.get("errorType") == "timeout":
        reason = Reason.TIMEOUT
    return SourceError(reason, f"HTTP {status}: {said}")


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


def _sample(series: Any) -> Sample:
    match series:
        case {"histogram": _}:
            raise _malformed("native histograms; take histogram_quantile or histogram_count of them")
        case {"metric": dict(labels), "value": [int() | float(), str(text)]} if all(
            isinstance(value, str) for value in labels.values()
        ):
            labels.pop("__name__", None)
        case _:
            raise _malformed("JSON that is not an answer of Prometheus: a series without labels and value")
    try:
        return Sample(labels, float(text))
    except ValueError as exc:
        raise _malformed(f"the value {text!r}, which is no number") from exc


def _malformed(what: str) -> SourceError:
    return SourceError(Reason.MALFORMED, f"answered {what}")
