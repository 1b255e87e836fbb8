"""The SQL of taking assignments into files, by ranges of claims (PLT-23).

Conditions stand in the words of the partial indexes, so that SQLite, too, finds its way along them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, literal_column, or_, select, update

from domain.accounting.batches.layouts.lines import COLUMNS, LineType
from domain.accounting.execution.states import AssignmentState
from domain.accounting.tables import accounting_operation, assignment

Key = tuple[str, str]
"""The ids of a claim and of one of its operations."""

_a, _o = assignment.c, accounting_operation.c
WAITING = and_(_a.state == literal_column("'PENDING'"), _a.channel == literal_column("'BATCH'"))
"""Assignments that the next file takes."""

_BOUNDED = {"debit_account": "account", "credit_account": "account", "entry_reason": "reason", "note": "description"}


@dataclass(frozen=True, slots=True)
class Span:
    """Assignments of an accounting date, of the claims behind `after` up to `until`; empty: from first, to last.

    `items` is how many there were when it was cut.
    """

    day: int
    after: str
    until: str
    items: int

    @property
    def condition(self) -> ColumnElement[bool]:
        """That an assignment lies in it."""
        bounds = [_a.accounting_day == self.day]
        bounds += [_a.claim_id > self.after] if self.after else []
        bounds += [_a.claim_id <= self.until] if self.until else []
        return and_(*bounds)


def cut_waiting(tx: Connection, client_code: str, size: int) -> list[Span]:
    """Spans of about `size` assignments of a client that wait for a file; a claim is never cut.

    Cost: two statements that read their keys along ix_assignment_batchable.
    """
    return list(_cut(tx, and_(WAITING, _a.client_code == client_code), size))


def cut_taken(tx: Connection, run_id: str, size: int) -> list[Span]:
    """Spans of about `size` assignments that a run has taken. Cost: as `cut_waiting`, along ix_assignment_taken."""
    return list(_cut(tx, taken_by(run_id), size))


def taken_by(run_id: str) -> ColumnElement[bool]:
    """The condition that a run has taken an assignment."""
    return and_(_a.taken_by != literal_column("''"), _a.taken_by == run_id)


def claims_waiting(tx: Connection, client_code: str, span: Span) -> list[str]:
    """The claims of a span with assignments that wait for a file."""
    query = select(_a.claim_id).distinct().where(WAITING, _a.client_code == client_code, span.condition)
    return list(tx.execute(query).scalars())


def figures(tx: Connection, client_code: str, span: Span, claim_ids: Collection[str]) -> dict[str, tuple[int, int]]:
    """How many assignments of claims, which are locked, wait in a span, and their minor units, by currency."""
    mine = _waiting_of(client_code, span, claim_ids)
    query = (
        select(_o.currency, func.count(), func.sum(_o.amount_minor))
        .select_from(assignment)
        .join(accounting_operation, and_(_o.claim_id == _a.claim_id, _o.operation_id == _a.operation_id))
        .where(mine)
        .group_by(_o.currency)
        .order_by(_o.currency)
    )
    return {currency: (int(count), int(minor)) for currency, count, minor in tx.execute(query)}


def long_ones(tx: Connection, client_code: str, span: Span, claim_ids: Collection[str]) -> list[Key]:
    """Those of claims, which are locked, that wait in a span with a text that may be wider than its column of a record.

    Only texts that nothing else bounds as tightly are looked at; written on one line, a text is at most twice as long.
    """
    widths = {column.name: column.width for column in COLUMNS[LineType.RECORD]}
    query = (
        select(_a.claim_id, _a.operation_id)
        .select_from(assignment)
        .join(accounting_operation, and_(_o.claim_id == _a.claim_id, _o.operation_id == _a.operation_id))
        .where(
            _waiting_of(client_code, span, claim_ids),
            or_(*(2 * func.length(_o[name]) > widths[column] for name, column in _BOUNDED.items())),
        )
    )
    return [(row[0], row[1]) for row in tx.execute(query)]


def take(tx: Connection, client_code: str, span: Span, claim_ids: Collection[str], *, run_id: str, now_us: int) -> int:
    """Take what `figures` told of into the files of a run; gives how many."""
    taken = {"state": AssignmentState.IN_PROGRESS.value, "taken_by": run_id, "updated_us": now_us}
    mine = _waiting_of(client_code, span, claim_ids)
    return int(tx.execute(update(assignment).where(mine).values(taken)).rowcount)


def claims_taken(tx: Connection, run_id: str, limit: int) -> list[str]:
    """Some claims whose assignments a run has taken."""
    taken = select(_a.claim_id).where(taken_by(run_id)).limit(limit).subquery()
    return list(tx.execute(select(taken.c.claim_id).distinct()).scalars())


def give_back(tx: Connection, run_id: str, claim_ids: Collection[str], now_us: int) -> None:
    """Have assignments of claims, which are locked, wait for a file again."""
    mine = and_(taken_by(run_id), _a.claim_id.in_(sorted(claim_ids)))
    waiting = {"state": AssignmentState.PENDING.value, "taken_by": "", "updated_us": now_us}
    tx.execute(update(assignment).where(mine).values(waiting))


def keys(tx: Connection, run_id: str, span: Span) -> list[Key]:
    """The assignments of a span that a run has taken, in order."""
    query = select(_a.claim_id, _a.operation_id).where(taken_by(run_id), span.condition)
    return [(row[0], row[1]) for row in tx.execute(query.order_by(_a.claim_id, _a.operation_id))]


def _waiting_of(client_code: str, span: Span, claim_ids: Collection[str]) -> ColumnElement[bool]:
    return and_(WAITING, _a.client_code == client_code, span.condition, _a.claim_id.in_(sorted(claim_ids)))


def _cut(tx: Connection, mine: ColumnElement[bool], size: int) -> Iterator[Span]:
    """Spans of each day, in order, the last of each without an end; every `size`-th assignment ends one."""
    counts: dict[int, int] = dict(
        _rows(tx, select(_a.accounting_day, func.count()).where(mine).group_by(_a.accounting_day))
    )
    place = func.row_number().over(partition_by=_a.accounting_day, order_by=(_a.claim_id, _a.operation_id))
    numbered = select(_a.accounting_day, _a.claim_id, place.label("place")).where(mine).subquery()
    ends = select(numbered.c.accounting_day, numbered.c.claim_id).where(numbered.c.place % size == 0)
    by_day: dict[int, list[str]] = {day: [] for day in sorted(counts)}
    for day, claim_id in _rows(tx, ends.order_by(numbered.c.accounting_day, numbered.c.claim_id)):
        if day in by_day and claim_id not in by_day[day][-1:]:
            by_day[day].append(claim_id)
    for day, claims in by_day.items():
        bounds = ["", *claims, ""]
        share, rest = divmod(counts[day], len(bounds) - 1)
        for at, (after, until) in enumerate(pairwise(bounds)):
            yield Span(day, after, until, share + (1 if at < rest else 0))


def _rows(tx: Connection, query: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401 - a select of any columns
    return [tuple(row) for row in tx.execute(query)]
