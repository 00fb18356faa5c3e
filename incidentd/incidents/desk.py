"""The only door through which alerts and incidents change: one transaction a call, then who must know is woken."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import count

import structlog

from incidentd.alert import AlertKey
from incidentd.catalog.catalog import Catalog
from incidentd.clock import Clock
from incidentd.incidents import actions, episode, grouping, missed, silencing, timers, wording
from incidentd.incidents.actor import Actor
from incidentd.incidents.callback import Callback
from incidentd.incidents.evaluated import Evaluated
from incidentd.incidents.mutes import Mutes
from incidentd.incidents.outcome import Outcome, Result
from incidentd.incidents.silencing import Draft
from incidentd.incidents.transaction import Transaction, number_of
from incidentd.lifecycle import Action
from incidentd.routing.silence import Silence
from incidentd.store import alerts, incidents, marks, parts
from incidentd.store.database import Database

_LOG = structlog.get_logger(__name__)


class IncidentDesk:
    """*current* gives the catalog to decide by, *on_change* is called after each commit that changed something."""

    def __init__(
        self, database: Database, current: Callable[[], Catalog], clock: Clock, on_change: Callable[[], None]
    ) -> None:
        self._database = database
        self._current = current
        self._clock = clock
        self._on_change = on_change
        self._changes = count(1)
        self._changed = 0
        self._mutes_seen: tuple[object, ...] = ()

    def apply(self, evaluations: Sequence[Evaluated]) -> None:
        """Writes what became of the alerts, and what that means for incidents. All or nothing.

        Raises what the store raises; then nothing was written.
        """
        news = [(one, transition) for one in evaluations for transition in one.transitions if transition.is_news]
        if not news and not any(one.missed for one in evaluations):
            return
        with self._transaction() as tx:
            alerts.save(tx.session, (transition.after for _, transition in news))
            _mark(tx, evaluations)
            touched = _write(tx, [(one, transition) for one in evaluations for transition in one.ended])
            missed.record(tx, evaluations)
            touched |= _write(tx, news)
        if any(transition.moves_mutes for _, transition in news):
            self._changed = next(self._changes)
        if touched:
            self._on_change()

    def mark(self, until: Mapping[str, datetime]) -> None:
        """By source, the time until which all of its rules were evaluated: what a start looks at."""
        with self._transaction() as tx:
            for source, at in until.items():
                marks.save_source(tx.session, source, at)

    def act(self, number: int, action: Action, actor: Actor, *, version: int | None = None, note: str = "") -> Outcome:
        """Asks for a change of state; see :class:`Result` for what may become of it. Never raises for a refusal."""
        with self._transaction() as tx:
            outcome = actions.act(tx, number, action, _named(actor), version=version, note=wording.storable(note))
        return self._log(outcome, action.value, actor)

    def act_from_afar(self, callback: Callback, action: Action, actor: Actor) -> Outcome:
        """The same for an event that a vendor may tell more than once, about one page of an incident. An event that
        was told before, or that is about an earlier page, changes nothing and is REPEATED.
        """
        with self._transaction() as tx:
            outcome = actions.act_from_afar(tx, callback, action, actor)
        return self._log(outcome, action.value, actor)

    def acknowledge(self, number: int, actor: Actor, *, version: int | None = None, note: str = "") -> Outcome:
        return self.act(number, Action.ACKNOWLEDGE, actor, version=version, note=note)

    def unacknowledge(self, number: int, actor: Actor, *, version: int | None = None, note: str = "") -> Outcome:
        return self.act(number, Action.UNACKNOWLEDGE, actor, version=version, note=note)

    def mitigate(self, number: int, actor: Actor, *, version: int | None = None, note: str = "") -> Outcome:
        return self.act(number, Action.MITIGATE, actor, version=version, note=note)

    def resolve(self, number: int, actor: Actor, *, version: int | None = None, note: str = "") -> Outcome:
        return self.act(number, Action.RESOLVE, actor, version=version, note=note)

    def reopen(self, number: int, actor: Actor, *, version: int | None = None, note: str = "") -> Outcome:
        return self.act(number, Action.REOPEN, actor, version=version, note=note)

    def note(self, number: int, actor: Actor, text: str) -> Outcome:
        """Adds a note to the timeline and the threads."""
        with self._transaction() as tx:
            outcome = actions.add_note(tx, number, _named(actor), wording.storable(text))
        return self._log(outcome, "note", actor)

    def end_cooldowns(self, in_doubt: Collection[AlertKey] = ()) -> None:
        """Sends the opening notices that a cooldown held back and that are due; those of alerts *in_doubt*, of which
        nobody can say that they still fire, wait."""
        with self._database.reading() as session:
            if not incidents.any_page_held(session):
                return
        with self._transaction() as tx:
            paged = timers.end_cooldowns(tx, in_doubt)
        if paged:
            self._on_change()

    def silence(self, draft: Draft, actor: Actor) -> Silence:
        """Makes a silence, in force at once. Raises SilenceError when it is refused."""
        with self._transaction() as tx:
            made = silencing.make(tx, draft, _named(actor))
        _LOG.info(
            f"{made.id} was made by {made.author}: {made.reason}",
            action="silence_made",
            silence=made.id,
            matchers=str(made.matchers),
            who=actor.name,
            origin=actor.origin.value,
        )
        self._on_change()
        return made

    def end_silence(self, silence_id: str, actor: Actor) -> Silence | None:
        """Ends a silence now; None when there is none of that id. Raises SilenceError for one that is kept in git."""
        with self._transaction() as tx:
            ended = silencing.end(tx, silence_id, _named(actor))
        if ended is not None:
            _LOG.info(f"{ended.id} is over", action="silence_ended", silence=ended.id, who=actor.name)
            self._on_change()
        return ended

    def end_mutes(self) -> None:
        """Sends the notices that a mute held back and that nothing holds back any more. Looks at nothing while neither
        mutes nor alerts nor incidents have changed since it looked last: there may be thousands that wait."""
        changed = self._changed
        with self._database.reading() as session:
            seen = (changed, *Mutes(session, self._current(), self._clock.now()).signature)
        if seen == self._mutes_seen:
            return
        with self._transaction() as tx:
            paged = timers.end_mutes(tx)
        self._mutes_seen = seen
        if paged:
            self._on_change()

    @contextmanager
    def _transaction(self) -> Iterator[Transaction]:
        with self._database.transaction() as session:
            yield Transaction(session, self._current(), self._clock.now())

    def _log(self, outcome: Outcome, wanted: str, actor: Actor) -> Outcome:
        _LOG.info(
            outcome.text,
            action=f"incident_{wanted}",
            incident=outcome.number,
            result=outcome.result.value,
            who=actor.name,
            origin=actor.origin.value,
        )
        if outcome.result is not Result.REPEATED:
            self._changed = next(self._changes)
            self._on_change()
        return outcome


def _write(tx: Transaction, news: Sequence[grouping.News]) -> bool:
    """What *news* mean for incidents. Whether any was touched."""
    episodes = grouping.place(tx, news)
    firing = parts.firing(tx.session, (number_of(one.incident) for one in episodes))
    for one in episodes:
        episode.finish(tx, one, firing[number_of(one.incident)])
    tx.session.flush()
    return bool(episodes)


def _mark(tx: Transaction, evaluations: Sequence[Evaluated]) -> None:
    """The slots whose news are written here: a start does not make up for them again."""
    by_source: dict[str, dict[str, datetime]] = {}
    for one in evaluations:
        slots = [transition.after.evaluated_at for transition in one.transitions if transition.is_news]
        slots += [gone.ended_at for gone in one.missed]
        newest = max((slot for slot in slots if slot is not None), default=None)
        if newest is not None:
            by_source.setdefault(one.rule.source, {})[one.rule.id] = newest
    for source, of_rules in by_source.items():
        marks.save_rules(tx.session, source, of_rules)


def _named(actor: Actor) -> Actor:
    return replace(actor, name=wording.storable(actor.name))
