"""The SQL of accounting periods."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Function, Row, Select, and_, bindparam, func, insert, select, update

from domain.gl_extraction.extraction.states import BatchState
from domain.gl_extraction.extraction.store.planner import fact_of_detail, probe_by_key, with_details
from domain.gl_extraction.periods.model import Period
from domain.gl_extraction.periods.rules import Tiled
from domain.gl_extraction.periods.states import PeriodState
from domain.gl_extraction.stamps import hold_runs, is_stamped
from domain.gl_extraction.tables import (
    BUCKETS,
    accounting_detail,
    accounting_detail_pending,
    accounting_period,
    extraction_batch,
    extraction_stamp,
)

_p = accounting_period.c
_d = accounting_detail.c


def find(tx: Connection, ledger_code: str, code: str, *, lock: bool = False) -> Period | None:
    """The period, if there is one.

    `lock` holds it against every other change, and against whoever takes details into it (`covering`), until the
    transaction ends. It is waited for in turn: those who want to take details in from now on come after.
    """
    this = (_p.ledger_code == ledger_code, _p.code == code)
    if lock:
        _take_turn(tx, _turns(func.pg_advisory_xact_lock, *this), {})
    query = select(accounting_period).where(*this)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _period_from_row(row)


def page(tx: Connection, ledger_code: str, *, after_day: int, limit: int) -> list[Period]:
    """At most `limit` periods of a ledger by date, those that start after `after_day`."""
    query = (
        select(accounting_period)
        .where(_p.ledger_code == ledger_code, _p.start_day > after_day)
        .order_by(_p.start_day)
        .limit(limit)
    )
    return [_period_from_row(row) for row in tx.execute(query)]


def covering(tx: Connection, ledger_codes: Iterable[str], *, from_day: int, to_day: int) -> list[Period]:
    """The ledgers' periods that hold any day from `from_day` to `to_day`, by ledger and date.

    They are kept as they are until the transaction ends: nobody closes a period while details are taken into it. Many
    may take details into one period at once; whoever waits to close it goes first. Cost: two statements, a shared lock
    on each row (PostgreSQL).
    """
    codes = sorted(set(ledger_codes))
    if not codes:
        return []
    these = {"ledgers": codes, "from_day": from_day, "to_day": to_day}
    _take_turn(tx, _COVERING_TURNS, these)
    return [_period_from_row(row) for row in tx.execute(_COVERING, these)]


def next_open(tx: Connection, ledger_code: str, *, after_day: int) -> Period | None:
    """The ledger's first open period that starts after a day, kept open until the transaction ends."""
    query = (
        select(accounting_period)
        .where(_p.ledger_code == ledger_code, _p.start_day > after_day, _p.state == PeriodState.OPEN)
        .order_by(_p.start_day)
        .limit(1)
        .with_for_update(read=True)
    )
    row = tx.execute(query).one_or_none()
    return None if row is None else _period_from_row(row)


def tiled(tx: Connection, ledger_code: str) -> Tiled | None:
    """The first and last day of the ledger's periods; None when it has none."""
    query = select(func.min(_p.start_day), func.max(_p.end_day)).where(_p.ledger_code == ledger_code)
    first, last = tx.execute(query).one()
    return None if first is None else (first, last)


def create(tx: Connection, period: Period) -> None:
    """Insert the period."""
    tx.execute(
        insert(accounting_period).values(
            ledger_code=period.ledger_code,
            code=period.code,
            start_day=period.start_day,
            end_day=period.end_day,
            state=period.state.value,
            version=period.version,
            created_us=period.created_us,
            updated_us=period.updated_us,
        )
    )


def change(tx: Connection, period: Period, *, from_version: int) -> None:
    """Put the period's state in place of its `from_version`, which the caller has locked."""
    statement = (
        update(accounting_period)
        .where(_p.ledger_code == period.ledger_code, _p.code == period.code, _p.version == from_version)
        .values(state=period.state.value, version=period.version, updated_us=period.updated_us)
    )
    changed = tx.execute(statement).rowcount
    assert changed == 1, "a locked period changed"


def count_unextracted(tx: Connection, ledger_code: str, code: str) -> int:
    """How many non-void details of the period carry no stamp that counts; runs are held until the transaction ends.

    Cost: by key, each pending detail and each stamp of batches that did not complete; about 1 µs apiece.
    """
    hold_runs(tx)
    probe_by_key(tx)
    facts = (_d.ledger_code, _d.accounting_period_code, _d.voided_us)
    pending, detail = with_details(tx, accounting_detail_pending, facts)
    untaken = select(func.count()).select_from(pending).where(*_unvoided_in(detail, ledger_code, code))
    count: int = tx.execute(untaken).scalar_one()
    # After the pending ones: what a run takes in between is counted twice rather than not at all.
    batch, stamp = extraction_batch.c, extraction_stamp.c
    unfinished = tx.execute(select(batch.batch_no).where(batch.state != BatchState.COMPLETED.value)).scalars().all()
    if unfinished:
        of_unfinished = (stamp.bucket.in_(range(BUCKETS)), stamp.batch_no.in_(unfinished))
        in_period = fact_of_detail(stamp, and_(*_unvoided_in(_d, ledger_code, code)))
        taken = select(func.count(func.distinct(stamp.detail_id))).where(*of_unfinished, in_period, ~is_stamped(stamp))
        count += tx.execute(taken).scalar_one()
    return count


def _turns(lock: Callable[..., Function[Any]], *these: ColumnElement[bool]) -> Select[Any]:
    """The statement by which `_take_turn` queues up for these periods."""
    periods = select(_p.ledger_code, _p.start_day).where(*these).order_by(_p.ledger_code, _p.start_day).subquery()
    return select(lock(func.hashtext(periods.c.ledger_code), periods.c.start_day))


_COVERED = (
    _p.ledger_code.in_(bindparam("ledgers", expanding=True)),
    _p.end_day >= bindparam("from_day"),
    _p.start_day <= bindparam("to_day"),
)
# Made once: they are asked for by everything that makes details.
_COVERING = select(accounting_period).where(*_COVERED).order_by(_p.ledger_code, _p.start_day).with_for_update(read=True)
_COVERING_TURNS = _turns(func.pg_advisory_xact_lock_shared, *_COVERED)


def _take_turn(tx: Connection, turns: Select[Any], these: Mapping[str, Any]) -> None:
    """Queue up for periods before their rows are locked, in the order of asking; until the transaction ends.

    PostgreSQL lets those who share a row's lock past whoever waits to have it alone, so that a steady stream of details
    would keep a period from ever being closed. Its advisory locks are queued for in order. They bring order alone: what
    holds is the lock on the row. SQLite has one writer, and a queue before it.
    """
    if tx.dialect.name == "postgresql":
        tx.execute(turns, these).all()


def _unvoided_in(detail: Any, ledger_code: str, code: str) -> tuple[ColumnElement[bool], ...]:  # noqa: ANN401
    return (detail.ledger_code == ledger_code, detail.accounting_period_code == code, detail.voided_us == 0)


def _period_from_row(row: Row[*tuple[Any, ...]]) -> Period:
    fields = dict(row._mapping)  # noqa: SLF001 - its public name
    return Period(**{**fields, "state": PeriodState(fields["state"])})
