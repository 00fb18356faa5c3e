"""A range of slots -> queries that a server accepts; their matrices -> an answer for each slot. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from incidentd.sources import envelope, expression
from incidentd.sources.base import Question, Reason, Sample
from incidentd.sources.batch import Pack, pack, sorted_out
from incidentd.sources.envelope import SourceError

MOST_POINTS = 500
"""Of one series in one answer. Prometheus refuses more than 11,000; a pack of 50 would be too much at once by then."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

Slots = tuple[datetime, ...]
Found = dict[Question, dict[datetime, list[Sample] | SourceError]]


def slots(start: datetime, end: datetime, step: timedelta) -> Slots:
    """*start* + k * *step* up to *end*; none if it ends before it begins."""
    return tuple(start + step * k for k in range((end - start) // step + 1))


def milliseconds(at: datetime) -> int:
    """Unix time, never later than *at*: all that Prometheus can tell apart."""
    return (at - _EPOCH) // _MILLISECOND


def seconds(at: datetime) -> str:
    """The same as the API takes it."""
    whole, thousandths = divmod(milliseconds(at), 1000)
    return f"{whole}.{thousandths:03d}"


def queries(packs: Iterable[Pack], of: Slots) -> Iterator[tuple[Pack, Slots]]:
    """Each of *packs* with slots for one query; those that a range would mislead at one slot after the other."""
    single = len(of) < 2 or (of[1] - of[0]) % _MILLISECOND  # noqa: PLR2004 - a step needs two
    for asked in packs:
        misled = [question for question in asked.questions if expression.speaks_of_the_range(question.expr)]
        others = [question for question in asked.questions if question not in misled]
        for members, points in ((others, 1 if single else MOST_POINTS), (misled, 1)):
            if members:
                part = asked if len(members) == len(asked.questions) else pack(members)
                yield from ((part, of[at : at + points]) for at in range(0, len(of), points))


def read(asked: Pack, of: Slots, result: list[Any]) -> Found:
    """What each question of *asked* yields at each slot. Raises SourceError if the answer cannot be told apart."""
    times = {milliseconds(slot - asked.offset): slot for slot in of}
    whose = zip(asked.questions, sorted_out(asked, result), strict=True)
    return {question: _by_slot(series, times) for question, series in whose}


def _by_slot(series: list[Any], times: Mapping[int, datetime]) -> dict[datetime, list[Sample] | SourceError]:
    found: dict[datetime, list[Sample] | SourceError] = {slot: [] for slot in times.values()}
    try:
        for one in series:
            labels = envelope.labels_of(one)
            for point in one.get("values", ()):
                slot = times[_time(point)]
                if isinstance(at := found[slot], list):
                    at.append(Sample(labels, envelope.number(point)))
            for point in one.get("histograms", ()):
                found[times[_time(point)]] = envelope.histograms()
    except SourceError as exc:
        return dict.fromkeys(found, exc)
    except (KeyError, TypeError) as exc:
        fault = SourceError(Reason.MALFORMED, "answered JSON that is not an answer of Prometheus: a time not asked for")
        fault.__cause__ = exc
        return dict.fromkeys(found, fault)
    return found


def _time(point: Any) -> int:
    match point:
        case [int() | float() as at, _]:
            return round(at * 1000)
    raise TypeError(point)
