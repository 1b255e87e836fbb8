"""Scopes: what covers what, kept once each whoever brings them, the same on both databases (PLT-14)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, text
from sqlalchemy.event import listen

from domain.kernel import events, scopes
from domain.kernel.bulk import insert_rows
from domain.kernel.call import Call
from domain.kernel.events import AuditFilter
from domain.kernel.scopes import EVERYTHING, Scope
from domain.kernel.tables import scope as scope_table
from domain.kernel.tables import scope_code
from server.database.transaction import Database

A, B, AB = Scope(frozenset({"A"})), Scope(frozenset({"B"})), Scope(frozenset({"A", "B"}))
CALL = Call(caller="ada", method="a.B/C", request_id="r1", now_us=1_763_715_600_000_000)
NOTHING = Scope(frozenset(), frozenset(), frozenset())


@pytest.mark.rule("PLT-14")
@pytest.mark.parametrize(
    ("wide", "narrow", "covers"),
    [
        (EVERYTHING, EVERYTHING, True),
        (EVERYTHING, A, True),
        (A, EVERYTHING, False),
        (AB, A, True),
        (A, AB, False),
        (A, B, False),
        (A, NOTHING, True),
        (NOTHING, A, False),
        (A, scopes.of_ledgers(["A"]), True),
        (Scope(frozenset({"A"}), clients=frozenset({"C"})), A, False),
        (Scope(frozenset({"A"}), clients=frozenset({"C"})), scopes.of_ledgers(["A"]), True),
        (Scope(clients=frozenset({"C"})), scopes.of_ledgers(["A"]), True),
    ],
)
def test_a_scope_covers_what_lies_within_it_in_every_kind(
    database: Database, *, wide: Scope, narrow: Scope, covers: bool
) -> None:
    """In Python and in SQL alike."""

    def ids(tx: Connection) -> tuple[int, frozenset[int] | None]:
        return scopes.intern(tx, narrow), scopes.visible(tx, wide)

    scope_id, seen = database.write(ids)
    assert wide.covers(narrow) is covers
    assert (seen is None or scope_id in seen) is covers


@pytest.mark.rule("PLT-14")
def test_a_scope_is_kept_once_and_read_as_it_was(database: Database) -> None:
    """Whatever order its names come in; everything is kept nowhere."""

    def ids(tx: Connection) -> list[int]:
        return [scopes.intern(tx, scope) for scope in (AB, Scope(frozenset(("B", "A"))), A, NOTHING, EVERYTHING)]

    first, same, other, nothing, everything = database.write(ids)
    assert first == same != other
    assert everything == 0
    assert database.read(lambda tx: scopes.load(tx, first)) == AB
    assert database.read(lambda tx: scopes.load(tx, nothing)) == NOTHING
    assert database.read(lambda tx: scopes.load(tx, 0)) == EVERYTHING
    assert database.read(lambda tx: tx.execute(select(func.count()).select_from(scope_table)).scalar_one()) == 3


@pytest.mark.rule("PLT-14")
def test_who_brings_the_same_new_scope_at_once_gets_the_same_id(database: Database) -> None:
    """Eight do: nobody fails, and it is kept once, with its names."""
    writers = 8
    barrier = Barrier(writers)

    def bring(_: int) -> int:
        barrier.wait(10)
        return database.write(lambda tx: scopes.intern(tx, AB))

    with ThreadPoolExecutor(writers) as pool:
        assert len(set(pool.map(bring, range(writers)))) == 1
    assert database.read(lambda tx: tx.execute(select(func.count()).select_from(scope_table)).scalar_one()) == 1
    assert database.read(lambda tx: tx.execute(select(func.count()).select_from(scope_code)).scalar_one()) == 2


@pytest.mark.rule("PLT-14", "PLT-44")
def test_a_scope_has_bounds() -> None:
    """So many names, so long, of characters that can be kept."""
    many = frozenset(str(number) for number in range(scopes.NAMES_MAX + 1))
    assert scopes.mistakes(Scope(many)) == ["ledgers: names 1,001, at most 1,000 are possible"]
    assert scopes.mistakes(Scope(None, frozenset({""}), frozenset({"x" * 65}))) == [
        "clients: a name has from 1 to 64 characters",
        "cycles: a name has from 1 to 64 characters",
    ]
    assert scopes.mistakes(Scope(frozenset({"a\ud800"}))) == ["ledgers: a name holds a character that cannot be kept"]
    assert scopes.mistakes(Scope(frozenset(list(many)[:1_000]))) == []


@pytest.mark.rule("PLT-14")
def test_who_sees_everything_pays_nothing_for_scopes(database: Database) -> None:
    """No statement is run to keep, judge or look up the scope of everything."""

    def asked(tx: Connection) -> int:
        statements: list[str] = []
        listen(tx, "before_cursor_execute", lambda *given: statements.append(given[2]))
        assert scopes.intern(tx, EVERYTHING) == 0
        assert scopes.visible(tx, EVERYTHING) is None
        assert scopes.load(tx, 0) == EVERYTHING
        assert scopes.sees(tx, EVERYTHING, 7)
        return len(statements)

    assert database.write(asked) == 0


@pytest.mark.rule("PLT-14", "PLT-08")
def test_the_little_that_a_limited_caller_sees_is_found_by_index(database: Database) -> None:
    """Among many audit entries of others, on both databases; those of everything are not in the index at all."""

    def plan(tx: Connection) -> str:
        owners = [(f"o/{number}", 1, f"{number:026}", "x", number, 1, 0) for number in range(20_000)]
        columns = ("owner", "sequence", "event_id", "type", "at_us", "audit", "scope_id")
        insert_rows(tx, "event", columns, owners)
        for number in range(5):
            events.append(tx, CALL, f"mine/{number}", "mine", {}, scope_id=scopes.intern(tx, A))
        tx.execute(text("ANALYZE event" if tx.dialect.name == "postgresql" else "ANALYZE"))
        statements: list[tuple[str, Any]] = []
        listen(tx, "before_cursor_execute", lambda *given: statements.append((given[2], given[3])))
        found = events.list_audit(tx, AuditFilter(), before_id="", limit=51, scope=A)
        assert [event.type for event in found] == ["mine"] * 5
        statement, parameters = statements[-1]
        explain = "EXPLAIN " if tx.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
        return "\n".join(str(tuple(row)) for row in tx.exec_driver_sql(explain + statement, parameters))

    assert "ix_event_scope" in database.write(plan)
