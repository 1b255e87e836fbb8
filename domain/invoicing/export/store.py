"""The SQL of the export queue, and of what came of each invoice; one statement a function."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, RowMapping, case, func, select, tuple_, update

from domain.invoicing.batches.model import Batch
from domain.invoicing.export.model import ExportRecord, ExportState, Failure, InvoiceExportState
from domain.invoicing.tables import export_record, invoice, invoice_export
from domain.kernel.script import Script

_e, _x, _i = export_record.c, invoice_export.c, invoice.c


def find(tx: Connection, batch_id: str, export_no: int) -> ExportRecord | None:
    """The record, if there is one; by primary key."""
    return _one(tx, (_e.batch_id == batch_id, _e.export_no == export_no))


def pending(tx: Connection, batch_id: str, *, lock: bool = False) -> ExportRecord | None:
    """The record of a batch that waits, if one does; by primary key. `lock`: until the transaction ends."""
    return _one(tx, (_e.batch_id == batch_id, _e.state == ExportState.PENDING), lock=lock)


def save(tx: Connection, record: ExportRecord) -> None:
    """Put a record that the transaction has locked in its place."""
    mine = (_e.batch_id == record.batch_id, _e.export_no == record.export_no)
    tx.execute(
        update(export_record)
        .where(*mine)
        .values(
            workflow=record.workflow,
            state=record.state.value,
            attempt_count=record.attempt_count,
            exported_count=record.exported_count,
            failed_count=record.failed_count,
            reason=record.reason,
            message=record.message,
            operation_id=record.operation_id,
            updated_us=record.updated_us,
            done_us=record.done_us,
        )
    )


def page(
    tx: Connection,
    *,
    cycles: Collection[str] | None,
    batch_id: str,
    states: Collection[ExportState],
    after: tuple[str, int] | None,
    limit: int,
) -> list[ExportRecord]:
    """At most `limit` records by batch and number, behind a key; cycles None: of all, what is empty means any."""
    query = select(export_record).order_by(_e.batch_id, _e.export_no).limit(limit)
    query = query.where(_e.cycle_code.in_(sorted(cycles))) if cycles is not None else query
    query = query.where(_e.batch_id == batch_id) if batch_id else query
    query = query.where(_e.state.in_(sorted(states))) if states else query
    query = query.where(tuple_(_e.batch_id, _e.export_no) > after) if after else query
    return [_from_row(row) for row in tx.execute(query).mappings()]


def record_invoices(
    tx: Connection, batch_id: str, done: Sequence[tuple[str, str]], failed: Sequence[Failure], now_us: int
) -> None:
    """Keep what came of invoices (account and id), in place of what came of them before. Cost: two statements."""
    columns = ("account_id", "invoice_id", "batch_id", "state", "reason", "message", "at_us")
    then = (
        "ON CONFLICT (account_id, invoice_id) DO UPDATE SET state = excluded.state, reason = excluded.reason,"
        " message = excluded.message, at_us = excluded.at_us"
    )
    rows = [(*each, batch_id, InvoiceExportState.DONE.value, "", "", now_us) for each in done]
    rows += [
        (each.account_id, each.invoice_id, batch_id, InvoiceExportState.FAILED.value, each.reason, each.message, now_us)
        for each in failed
    ]
    script = Script(tx)
    script.insert("invoice_export", columns, rows, then=then)
    script.run()


def counts(tx: Connection, batch: Batch) -> tuple[int, int, int]:
    """How many invoices of a batch have a number, how many of them were exported, and how many could not be.

    Cost: reads the batch's invoices once, each with a look by key.
    """
    joined = invoice.outerjoin(invoice_export, (_x.account_id == _i.account_id) & (_x.invoice_id == _i.invoice_id))
    done, failed = (
        func.coalesce(func.sum(case((_x.state == each, 1), else_=0)), 0)
        for each in (InvoiceExportState.DONE, InvoiceExportState.FAILED)
    )
    query = select(func.count(), done, failed).select_from(joined)
    query = query.where(
        _i.cycle_code == batch.cycle_code,
        _i.schedule_code.in_(batch.schedules),
        _i.batch_id == batch.batch_id,
        _i.number_no > 0,
    )
    total, exported, refused = tx.execute(query).one()
    return int(total), int(exported), int(refused)


def last_number(tx: Connection, batch: Batch) -> int:
    """The highest number of a batch's invoices. Cost: reads them once."""
    query = select(func.coalesce(func.max(_i.number_no), 0)).where(
        _i.cycle_code == batch.cycle_code, _i.schedule_code.in_(batch.schedules), _i.batch_id == batch.batch_id
    )
    return int(tx.execute(query).scalar_one())


def failures(tx: Connection, batch_id: str, *, after: tuple[str, str] | None, limit: int) -> list[Failure]:
    """At most `limit` invoices of a batch that could not be exported, by account and id, behind a key.

    Cost: along ix_invoice_export_failed.
    """
    query = select(_x.account_id, _x.invoice_id, _x.reason, _x.message, _x.at_us).where(
        _x.state == InvoiceExportState.FAILED, _x.batch_id == batch_id
    )
    query = query.where(tuple_(_x.account_id, _x.invoice_id) > after) if after else query
    return [Failure(*row) for row in tx.execute(query.order_by(_x.account_id, _x.invoice_id).limit(limit))]


def _one(tx: Connection, conditions: tuple, *, lock: bool = False) -> ExportRecord | None:  # type: ignore[type-arg]
    query = select(export_record).where(*conditions)
    row = tx.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    return None if row is None else _from_row(row)


def _from_row(row: RowMapping) -> ExportRecord:
    return ExportRecord(**{**row, "state": ExportState(row["state"])})
