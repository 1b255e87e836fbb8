"""The SQL of billing exceptions; one statement a function, by primary key unless said otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, literal, select, tuple_

from domain.billing.segments.model import BillingException
from domain.billing.segments.states import ExceptionState
from domain.billing.segments.store import bills
from domain.billing.tables import billing_exception
from domain.kernel.bulk import Cell
from domain.kernel.script import Script

COLUMNS = tuple(column.name for column in billing_exception.columns)
_e = billing_exception.c


@dataclass(frozen=True, slots=True)
class ExceptionFilter:
    """Which exceptions; the empty string means any. `cycles` None: of accounts of all cycles, and of those without.

    `window` is a cycle and a window of it.
    """

    account_id: str = ""
    cycle_code: str = ""
    state: str = ""
    reason: str = ""
    operation_id: str = ""
    cycles: frozenset[str] | None = None
    window: tuple[str, str] = ("", "")


def find(
    tx: Connection, account_id: str, exception_id: str, cycles: frozenset[str] | None = None
) -> BillingException | None:
    """The exception, if there is one, of an account in one of the cycles; None: in any."""
    query = select(billing_exception).where(_e.account_id == account_id, _e.exception_id == exception_id)
    if cycles is not None:
        query = query.where(_e.account_id.in_(bills.of_cycles(cycles)))
    row = tx.execute(query).one_or_none()
    return None if row is None else _from_row(row)


def page(tx: Connection, wanted: ExceptionFilter, *, after: Sequence[str | int], limit: int) -> list[BillingException]:
    """At most `limit` exceptions by age, the oldest first; those behind the key `after`, exception and account.

    Cost: along ix_billing_exception_open for what is open of a cycle, along the primary key for an account.
    """
    query = select(billing_exception).order_by(_e.exception_id, _e.account_id).limit(limit)
    if after:
        query = query.where(tuple_(_e.exception_id, _e.account_id) > tuple_(*map(literal, after)))
    for column, value in (
        (_e.account_id, wanted.account_id),
        (_e.cycle_code, wanted.cycle_code),
        (_e.state, wanted.state),
        (_e.reason, wanted.reason),
        (_e.operation_id, wanted.operation_id),
        (_e.cycle_code, wanted.window[0]),
        (_e.window_code, wanted.window[1]),
    ):
        query = query.where(column == value) if value else query
    if wanted.cycles is not None:
        query = query.where(_e.account_id.in_(bills.of_cycles(wanted.cycles)))
    return [_from_row(row) for row in tx.execute(query)]


def insert(script: Script, exceptions: Sequence[BillingException]) -> None:
    """Add exceptions. Cost: one statement of the script."""
    script.insert("billing_exception", COLUMNS, [_row_of(each) for each in exceptions])


def close(
    script: Script,
    account_id: str,
    segment_ids: Sequence[str],
    state: ExceptionState,
    *,
    now_us: int,
    by: str,
    note: str = "",
) -> None:
    """Close what is open of segments. Cost: one statement of the script, along ix_billing_exception_segment."""
    if segment_ids:
        of = f"account_id = ? AND segment_id <> '' AND segment_id IN ({_marks(segment_ids)})"
        _close(script, of, (account_id, *segment_ids), (state.value, now_us, by, note))


def close_one(script: Script, exception: BillingException) -> None:
    """Close an exception as it says, which is open. Cost: one statement of the script, by primary key."""
    key = exception.account_id, exception.exception_id
    closed = exception.state.value, exception.closed_us, exception.closed_by, exception.note
    _close(script, "account_id = ? AND exception_id = ?", key, closed)


def close_of_accounts(script: Script, account_ids: Sequence[str], *, now_us: int, by: str) -> None:
    """Close what is open of accounts as a whole: they are billed again. Cost: one statement, by primary key."""
    if account_ids:
        of = f"account_id IN ({_marks(account_ids)}) AND segment_id = '' AND data_set_id = ''"
        _close(script, of, account_ids, (ExceptionState.RESOLVED.value, now_us, by, ""))


def close_of_data_sets(script: Script, account_id: str, data_set_ids: Sequence[str], *, now_us: int, by: str) -> None:
    """Close what is open of an account's data sets: they are made again. Cost: one statement, by primary key."""
    if data_set_ids:
        of = f"account_id = ? AND data_set_id IN ({_marks(data_set_ids)})"
        _close(script, of, (account_id, *data_set_ids), (ExceptionState.RESOLVED.value, now_us, by, ""))


def _close(script: Script, of: str, values: Sequence[Cell], closed: Sequence[Cell]) -> None:
    """All changes that there are: what is open gets its state, instant, caller and note."""
    changed = "state = ?, closed_us = ?, closed_by = ?, note = ?"
    statement = f"UPDATE billing_exception SET {changed} WHERE {of} AND state = ?"  # noqa: S608 - words of ours, marks
    script.add(statement, *closed, *values, ExceptionState.OPEN.value)


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _row_of(value: BillingException) -> list[Cell]:
    return [getattr(value, name) for name in COLUMNS]


def _from_row(row: Any) -> BillingException:  # noqa: ANN401 - a row of all columns
    fields = dict(zip(COLUMNS, row, strict=True))
    return BillingException(**{**fields, "state": ExceptionState(fields["state"])})
