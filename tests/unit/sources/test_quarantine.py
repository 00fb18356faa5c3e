"""Who is kept out of packs, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from incidentd.sources import asking, batch, lesson
from incidentd.sources.asking import NotAsked, Origin
from incidentd.sources.base import Question, Reason
from incidentd.sources.envelope import Blame, SourceError
from incidentd.sources.quarantine import Quarantine

T0 = datetime(2026, 11, 2, 8, tzinfo=UTC)
A, B, C, D = (Question(name) for name in "abcd")
SECOND = timedelta(seconds=1)


def well(quarantine: Quarantine, count: int, every: timedelta, begin: datetime = T0) -> None:
    for n in range(1, count + 1):
        quarantine.settle([A], [], begin + n * every)


def test_it_takes_ten_answers_and_five_minutes_to_be_free() -> None:
    quarantine = Quarantine()
    quarantine.confine([A], 1, T0)
    well(quarantine, 29, 10 * SECOND)
    assert quarantine.most(A) == 1, "30 answers too early"
    well(quarantine, 1, 300 * SECOND)
    assert quarantine.most(A) is None
    quarantine.confine([A], 1, T0)
    well(quarantine, 9, 60 * SECOND)
    assert quarantine.most(A) == 1, "9 answers are too few"
    well(quarantine, 1, 600 * SECOND)
    assert not quarantine.holds()


def test_one_failure_begins_it_anew() -> None:
    quarantine = Quarantine()
    quarantine.confine([A], 1, T0)
    well(quarantine, 9, 60 * SECOND)
    quarantine.settle([], [A], T0 + 600 * SECOND)
    well(quarantine, 9, 60 * SECOND, T0 + 600 * SECOND)
    assert quarantine.most(A) == 1
    quarantine.confine([A], 2, T0 + 1200 * SECOND)
    assert quarantine.most(A) == 1, "a larger bound does not free it"
    assert quarantine.alone() == 1


def test_a_clock_that_is_moved_back_does_not_keep_it_for_ever() -> None:
    quarantine = Quarantine()
    quarantine.confine([A], 1, T0)
    back = T0 - timedelta(days=1)
    well(quarantine, 10, 60 * SECOND, back)
    assert quarantine.most(A) is None


def test_who_is_not_asked_any_more_is_forgotten() -> None:
    quarantine = Quarantine()
    quarantine.confine([A], 1, T0)
    quarantine.settle([B], [], T0 + timedelta(hours=3))
    assert not quarantine.holds()


def test_only_a_change_of_bounds_makes_plans_old() -> None:
    quarantine = Quarantine()
    quarantine.confine([A], 1, T0)
    version = quarantine.version
    quarantine.confine([A], 1, T0)
    quarantine.settle([A, B], [], T0)
    assert quarantine.version == version


@pytest.mark.parametrize(
    ("seconds", "others", "expected"),
    [
        (0.4, 0.001, False),  # fast enough, whatever the others are
        (0.6, 0.05, True),
        (0.6, 0.07, False),  # not ten times as slow
        (0.6, 0.0, False),  # no others
        (5.1, 0.0, True),  # near the time-out
        (5.1, 2.0, True),
        (5.1, 3.0, False),  # all are slow: it is the source
        (4.9, 0.5, False),
    ],
)
def test_a_pack_is_slow_beside_its_peers_or_near_the_time_out(seconds: float, others: float, *, expected: bool) -> None:
    assert lesson.is_slow(seconds, others, timeout_s=10) is expected


def origin(
    *questions: Question,
    failed: SourceError | None = None,
    guilty: tuple[Question, ...] = (),
    answered: tuple[Question, ...] = (),
    seconds: float = 0.0,
) -> Origin:
    return Origin(batch.pack(questions), failed, seconds, list(guilty), list(answered))


def bounds(*origins: Origin) -> list[int | None]:
    quarantine = Quarantine()
    lesson.learn(origins, quarantine, 10.0, T0)
    return [quarantine.most(question) for question in (A, B, C, D)]


REFUSED = SourceError(Reason.ERROR, "422", Blame.QUERY)
SILENT = SourceError(Reason.TIMEOUT, "silent", Blame.UNSURE)
BUSY = SourceError(Reason.ERROR, "429")


def test_the_guilty_one_is_alone() -> None:
    assert bounds(origin(A, B, C, failed=REFUSED, guilty=(A,), answered=(B, C))) == [1, None, None, None]


def test_nobody_is_guilty_when_nobody_was_answered() -> None:
    assert bounds(origin(A, B, failed=REFUSED, guilty=(A, B))) == [None] * 4


def test_a_pack_that_failed_though_its_halves_did_not_is_halved() -> None:
    assert bounds(origin(A, B, C, D, failed=REFUSED, answered=(A, B, C, D))) == [2, 2, 2, 2]


def test_a_silent_pack_is_halved_if_it_is_the_only_one_or_others_were_answered() -> None:
    assert bounds(origin(A, B, failed=SILENT)) == [1, 1, None, None]
    assert bounds(origin(A, B, failed=SILENT), origin(C, answered=(C,))) == [1, 1, None, None]
    assert bounds(origin(A, B, failed=SILENT), origin(C, D, failed=SILENT)) == [None] * 4


def test_what_is_the_sources_fault_teaches_nothing() -> None:
    assert bounds(origin(A, B, failed=BUSY)) == [None] * 4
    assert bounds(origin(A, B, failed=NotAsked(Reason.TIMEOUT, "late"))) == [None] * 4


def test_a_slow_pack_is_halved_and_a_slow_one_alone_is_not_yet_well() -> None:
    fast = origin(C, D, answered=(C, D), seconds=0.01)
    assert bounds(origin(A, B, answered=(A, B), seconds=1.0), fast) == [1, 1, None, None]
    quarantine = Quarantine()
    quarantine.confine([A], 1, T0)
    for n in range(20):
        lesson.learn([origin(A, answered=(A,), seconds=1.0), fast], quarantine, 10.0, T0 + n * 60 * SECOND)
    assert quarantine.most(A) == 1
    for n in range(20, 40):
        lesson.learn([origin(A, answered=(A,), seconds=0.1), fast], quarantine, 10.0, T0 + n * 60 * SECOND)
    assert quarantine.most(A) is None


def test_a_job_knows_how_often_it_can_be_halved() -> None:
    one = asking.job(batch.pack([A, B, C]), (T0, T0 + SECOND), 1.0)
    assert one.levels == 3
    assert [half.levels for half in one.halves()] == [1, 2]
    assert asking.job(batch.pack([A]), (T0,), 1.0).halves() == ()
