"""Until when rules were evaluated: what a start needs to know which slots were missed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from incidentd.store.bulk import upsert
from incidentd.store.tables import EvaluationMark


@dataclass(frozen=True, slots=True)
class Marks:
    """*sources*: until when all rules of a source were evaluated. *rules*: the later slots of rules that had news."""

    sources: Mapping[str, datetime] = field(default_factory=dict)
    rules: Mapping[str, datetime] = field(default_factory=dict)

    def of(self, source: str, rule_id: str) -> datetime | None:
        """The rule's last slot that is known; None when nothing is."""
        known = [at for at in (self.sources.get(source), self.rules.get(rule_id)) if at is not None]
        return max(known, default=None)


def load(session: Session) -> Marks:
    """What the last process left."""
    rows = list(session.exec(select(EvaluationMark)))
    return Marks(
        sources={row.source: row.at for row in rows if not row.rule_id},
        rules={row.rule_id: row.at for row in rows if row.rule_id},
    )


def save_rules(session: Session, source: str, slots: Mapping[str, datetime]) -> None:
    """Rules of *source* whose evaluation is written in this transaction, with their slots."""
    upsert(session, EvaluationMark, [{"source": source, "rule_id": id_, "at": at} for id_, at in slots.items()])


def save_source(session: Session, source: str, at: datetime) -> None:
    """All rules of *source* were evaluated until *at*; what says less is removed."""
    upsert(session, EvaluationMark, [{"source": source, "rule_id": "", "at": at}])
    older = (col(EvaluationMark.source) == source, col(EvaluationMark.rule_id) != "", col(EvaluationMark.at) <= at)
    session.connection().execute(delete(EvaluationMark).where(*older))
