"""Statements handed over together do what they would do one by one."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from domain.accounting.tables import accounting_feed, executed_step
from domain.kernel.script import Script
from server.database.failures import DatabaseFault
from server.database.transaction import Database

STEP = ("claim_id", "dispute_id", "workflow_point", "step_key", "at_us")
ODD = "it's 100 % \\ odd; ? \n ü"


def steps(database: Database) -> list[tuple[object, ...]]:
    return database.read(lambda tx: [tuple(row) for row in tx.execute(select(executed_step).order_by("step_key"))])


@pytest.mark.parametrize("count", [1, 3, 199, 200, 450])
def test_any_number_of_rows_is_inserted(database: Database, count: int) -> None:
    """Few go in by a statement, many by a COPY: the rows are the same, whatever they hold."""
    rows = [(ODD, "d", "p", f"{number:04}", 2**62 + number) for number in range(count)]

    def fill(tx: Connection) -> None:
        script = Script(tx)
        script.insert("executed_step", STEP, rows)
        script.run()
        script.run()

    database.write(fill)
    assert steps(database) == rows


def test_statements_are_done_in_their_order(database: Database) -> None:
    """A later statement sees what an earlier one did; a conflict does what follows the values."""

    def change(tx: Connection) -> None:
        script = Script(tx)
        add = "ON CONFLICT (client_code) DO UPDATE SET position = accounting_feed.position + excluded.position"
        script.insert("accounting_feed", ("client_code", "position"), [("A", 1), ("B", 2)])
        script.insert("accounting_feed", ("client_code", "position"), [("A", 10), ("C", 30)], then=add)
        script.update("accounting_feed", ("client_code",), ("position",), [("B", 2**50), ("X", 9)])
        script.add("UPDATE accounting_feed SET position = position + ? WHERE client_code = ?", 5, "C")
        script.run()

    database.write(change)
    found = database.read(lambda tx: dict(map(tuple, tx.execute(select(accounting_feed)))))
    assert found == {"A": 11, "B": 2**50, "C": 35}


def test_many_rows_are_changed_each_by_its_key(database: Database) -> None:
    """More rows than one statement takes."""
    rows = [(f"{number:04}", number) for number in range(500)]

    def change(tx: Connection) -> None:
        script = Script(tx)
        script.insert("accounting_feed", ("client_code", "position"), rows)
        script.update("accounting_feed", ("client_code",), ("position",), [(code, -at) for code, at in rows])
        script.run()

    database.write(change)
    found = database.read(
        lambda tx: [tuple(row) for row in tx.execute(select(accounting_feed).order_by("client_code"))]
    )
    assert found == [(code, -at) for code, at in rows]


def test_what_a_constraint_refuses_leaves_nothing(database: Database) -> None:
    """The statements before it are rolled back with it."""

    def change(tx: Connection) -> None:
        script = Script(tx)
        script.insert("executed_step", STEP, [("c", "d", "p", "1", 1)])
        script.insert("executed_step", STEP, [("c", "d", "p", "1", 2)])
        script.run()

    with pytest.raises((DatabaseFault, IntegrityError)):
        database.write(change)
    assert steps(database) == []


def test_a_question_sees_what_was_to_be_done_before_it(database: Database) -> None:
    """Its rows come as the driver gives them; values may hold anything."""

    def change(tx: Connection) -> list[tuple[object, ...]]:
        script = Script(tx)
        script.insert("accounting_feed", ("client_code", "position"), [(ODD, 2**62)])
        return script.ask("SELECT client_code, position FROM accounting_feed WHERE client_code = ?", ODD)

    assert database.write(change) == [(ODD, 2**62)]
