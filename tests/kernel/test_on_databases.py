"""Sequences, events, idempotency and bulk insertion, the same on both databases."""

from __future__ import annotations

from threading import Thread

import pytest
from sqlalchemy import Connection, select, text

from domain.gl_extraction.tables import accounting_detail_pending, group_account
from domain.kernel import bulk, events, idempotency, sequences
from domain.kernel.call import Call
from domain.kernel.errors import DomainError
from domain.kernel.events import AuditFilter
from server.database.failures import DatabaseFault
from server.database.transaction import Database

CALL = Call(caller="ada", method="a.B/C", request_id="r1", now_us=1_763_715_600_000_000)


class GivenUpError(Exception):
    """A use case that does not come to its end."""


@pytest.mark.rule("GLX-17")
def test_numbers_that_are_rolled_back_are_taken_again(database: Database) -> None:
    """A sequence without gaps has none, whatever failed."""

    def fails(tx: Connection) -> None:
        sequences.take(tx, "message_id", 5)
        raise GivenUpError

    first = database.write(lambda tx: sequences.take(tx, "message_id", 3))
    with pytest.raises(GivenUpError):
        database.write(fails)
    assert database.write(lambda tx: sequences.take(tx, "message_id", 2)) == range(first.stop, first.stop + 2)
    assert first.start == 1


@pytest.mark.rule("PLT-05")
def test_reserved_numbers_are_enough_and_never_given_twice(database: Database) -> None:
    """Writers side by side get numbers of their own."""
    got: list[int] = []

    def reserve() -> None:
        for count in (1, 999, 2_500):
            ranges = database.write(lambda tx, n=count: sequences.reserve(tx, "accounting_detail_no", n))  # type: ignore[misc]
            assert sum(map(len, ranges)) >= count
            got.extend(number for one in ranges for number in one)

    threads = [Thread(target=reserve) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(got) == len(set(got)) >= 3 * 3_500


@pytest.mark.rule("PLT-11")
def test_an_event_is_there_exactly_when_what_it_tells_of_is(database: Database) -> None:
    """A use case that fails leaves no trace in the audit trail; one that succeeds leaves one, in order."""

    def fails(tx: Connection) -> None:
        events.append(tx, CALL, "ledgers/a", "ledger.created", {"to": {}})
        raise GivenUpError

    with pytest.raises(GivenUpError):
        database.write(fails)
    for kind in ("ledger.created", "ledger.updated"):
        database.write(lambda tx, kind=kind: events.append(tx, CALL, "ledgers/a", kind, {"to": {"n": 2**70}}))  # type: ignore[misc]
    ours = AuditFilter(resource="ledgers/a")
    found = database.read(lambda tx: events.list_audit(tx, ours, before_id="", limit=10))
    assert [(one.sequence, one.type, one.caller, one.payload) for one in reversed(found)] == [
        (1, "ledger.created", "ada", {"to": {"n": 2**70}}),
        (2, "ledger.updated", "ada", {"to": {"n": 2**70}}),
    ]
    listed = database.read(lambda tx: events.list_audit(tx, AuditFilter(caller="ada"), before_id="", limit=1))
    assert [one.type for one in listed] == ["ledger.updated"]


@pytest.mark.rule("PLT-06")
def test_an_answer_is_given_again_to_the_same_request_only(database: Database) -> None:
    """Unique per caller and method; other content under the same id is refused."""

    def remember(tx: Connection) -> None:
        idempotency.remember(tx, "ada", "m", "r", digest=b"d", answer=b"first", now_us=10)

    database.write(remember)

    def recall(caller: str, method: str, digest: bytes) -> bytes | None:
        return database.read(lambda tx: idempotency.recall(tx, caller, method, "r", digest))

    assert recall("ada", "m", b"d") == b"first"
    assert recall("bob", "m", b"d") is None
    assert recall("ada", "n", b"d") is None
    with pytest.raises(idempotency.RequestIdReused) as refused:
        recall("ada", "m", b"e")
    assert refused.value.reason == "REQUEST_ID_REUSED"
    assert isinstance(refused.value, DomainError)
    assert database.write(lambda tx: idempotency.forget_before(tx, 10, 100)) == 0
    assert database.write(lambda tx: idempotency.forget_before(tx, 11, 100)) == 1
    assert recall("ada", "m", b"e") is None


NASTY = ("tab\there", "line\nbreak", "back\\slash", "\\N", "quote'\"", "ünïcödé €", "", "\\.", "\r")


def test_bulk_rows_arrive_as_they_were_written(database: Database) -> None:
    """Nothing that COPY reads as its own comes to mean something else."""
    rows = [(f"c{number}", nasty, 1, 2) for number, nasty in enumerate(NASTY)]
    columns = ("code", "description", "created_us", "updated_us")
    database.write(lambda tx: bulk.insert_rows(tx, "group_account", columns, rows))
    query = select(group_account.c.description).order_by(group_account.c.code)
    assert tuple(database.read(lambda tx: tx.execute(query).scalars().all())) == NASTY


@pytest.mark.rule("PLT-01")
def test_sqlite_takes_no_fraction_where_an_integer_belongs(migrated_sqlite_url: str) -> None:
    """SQLite stores 1.5 in an integer column without a word, unless the table is strict."""
    database = Database(migrated_sqlite_url)
    statement = text("INSERT INTO accounting_detail_pending (bucket, detail_id) VALUES (1, 1.5)")
    with pytest.raises(DatabaseFault):
        database.write(lambda tx: tx.execute(statement))
    stored = database.read(lambda tx: tx.execute(select(accounting_detail_pending.c.detail_id)).scalars().all())
    assert stored == []
    database.dispose()
