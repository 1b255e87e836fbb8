"""Rows, books and batches for the tests of the room, in the words of the domain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, func, insert, select

from domain.gl_extraction import tables
from domain.gl_extraction.details.ingest import Ingested, ingest_chunk
from domain.gl_extraction.details.model import Detail, NewDetail
from domain.gl_extraction.details.reverse import ReverseRequest, reverse
from domain.gl_extraction.details.rows import prepare
from domain.gl_extraction.details.rules import Books
from domain.gl_extraction.details.store.marks import UndoScope
from domain.gl_extraction.details.undo import Undone, undo
from domain.gl_extraction.extraction.states import BatchState
from domain.gl_extraction.names import detail_name
from domain.gl_extraction.periods import service as periods
from domain.gl_extraction.periods.model import NewPeriod, Period
from domain.gl_extraction.periods.states import PeriodState
from domain.gl_extraction.reference import service as registers
from domain.gl_extraction.reference.model import GROUP_ACCOUNTS, LEDGERS
from domain.kernel import events
from domain.kernel.call import Call
from domain.kernel.events import AuditFilter, Event
from domain.kernel.money import decimal_text
from server.database.transaction import Database

NOW_US = 1_780_000_000_000_000  # 2026-05-28
CALL = Call(caller="erin", method="a.Service/Method", request_id="r-1", now_us=NOW_US)
MONTHS = (
    NewPeriod("MAIN", "2026-04", 20260401, 20260430),
    NewPeriod("MAIN", "2026-05", 20260501, 20260531),
    NewPeriod("MAIN", "2026-06", 20260601, 20260630),
)
BOOKS = Books(
    frozenset({"MAIN"}),
    frozenset({"GA1"}),
    {
        "MAIN": tuple(
            Period(new.ledger_code, new.code, new.start_day, new.end_day, PeriodState.OPEN, 1, NOW_US, NOW_US)
            for new in MONTHS
        )
    },
)
"""What `open_books` stores, as the rules see it."""


def later(us: int = 1) -> Call:
    """The same caller's next call."""
    return replace(CALL, now_us=CALL.now_us + us)


def row(number: int = 1, **changes: Any) -> NewDetail:
    """A sound row: a debit of USD 100.00 in May."""
    sound = NewDetail(
        name="",
        source="erp",
        external_id=f"line-{number}",
        description="A premium",
        subject_type="POLICY",
        subject="P-1",
        origin="F",
        grouping="TS-1",
        bulking_group="B1",
        reversal=False,
        distribution_account="4000",
        ledger_code="MAIN",
        accounting_date=(2026, 5, 15),
        transaction_date=None,
        accounting_period_code="",
        category="PREMIUM",
        debit=("USD", 100, 0),
        credit=None,
        group_account_code="GA1",
        gl_segments=("100", "", "30"),
        attributes=("a",),
    )
    return sound._replace(**changes)


def open_books(tx: Connection) -> None:
    """A ledger with three open months, and a group account."""
    registers.create(tx, CALL, LEDGERS, code="MAIN", description="The books")
    registers.create(tx, CALL, GROUP_ACCOUNTS, code="GA1", description="Premiums")
    for month in MONTHS:
        periods.create(tx, CALL, month)


def taken_in(database: Database, rows: Sequence[NewDetail], call: Call = CALL) -> Ingested:
    """The rows, ingested in one chunk."""
    prepared = prepare(rows)
    return database.write(lambda tx: ingest_chunk(tx, call, prepared))


def undone(database: Database, call: Call = CALL, **scope: Any) -> Undone:
    """All details of a subject or registration, undone."""
    return database.write(lambda tx: undo(tx, call, UndoScope(**scope), reason="wrong rate"))


def reversed_(
    database: Database, ids: Iterable[int] = (), *, names: Sequence[str] = (), day: int = 0, call: Call = CALL
) -> list[Detail]:
    """Reversals of details, by id or name, made on 28 May 2026."""
    wanted = [*map(detail_name, ids), *names]
    request = ReverseRequest(wanted, day=day, today=20260528, reason="wrong rate")
    return database.write(lambda tx: reverse(tx, call, request))


def ids_of(database: Database, rows: Iterable[NewDetail]) -> list[int]:
    """Ids of the details that hold the rows' external ids and are not void."""
    d = tables.accounting_detail.c
    by_id = {
        (source, external_id): detail_id
        for source, external_id, detail_id in database.read(
            lambda tx: tx.execute(select(d.source, d.external_id, d.detail_id).where(d.voided_us == 0)).all()
        )
    }
    return [by_id[row.source, row.external_id] for row in rows]


def stamp(
    database: Database, batch_no: int, ids: Iterable[int], state: BatchState = BatchState.COMPLETED, resend_of: int = 0
) -> None:
    """Leave behind what a run leaves: the batch and its stamps; the details are no longer pending."""

    def write(tx: Connection) -> None:
        tx.execute(
            insert(tables.extraction_batch).values(
                batch_no=batch_no,
                state=state.value,
                resend_of=resend_of,
                operation_id="",
                caller="erin",
                created_us=NOW_US,
                message_us=NOW_US,
                totals="{}",
                request="{}",
            )
        )
        pending = tables.accounting_detail_pending
        for detail_id in ids:
            bucket = detail_id % tables.BUCKETS
            tx.execute(insert(tables.extraction_stamp).values(bucket=bucket, batch_no=batch_no, detail_id=detail_id))
            tx.execute(pending.delete().where(pending.c.bucket == bucket, pending.c.detail_id == detail_id))

    database.write(write)


def stored(database: Database, *columns: str) -> list[tuple[Any, ...]]:
    """Columns of all details, in the order of the first."""
    chosen = [tables.accounting_detail.c[name] for name in columns]
    return [tuple(found) for found in database.read(lambda tx: tx.execute(select(*chosen).order_by(*chosen)).all())]


def pending_count(database: Database) -> int:
    """How many details wait to be extracted."""
    count: int = database.read(
        lambda tx: tx.execute(select(func.count()).select_from(tables.accounting_detail_pending)).scalar_one()
    )
    return count


def audit(database: Database, kind: str) -> list[Event]:
    """The audit entries of a kind, oldest first."""
    found = database.read(lambda tx: events.list_audit(tx, AuditFilter(type=kind), before_id="", limit=1_000))
    return found[::-1]


def text_of(minor: int, currency: str = "USD") -> str:
    """An amount as the audit trail writes it."""
    return decimal_text(minor, currency)
