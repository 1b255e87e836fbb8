"""The SQL of batches and their history; one statement a function."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, insert, select, update

from domain.invoicing.batches.model import Batch, Held, Transition
from domain.invoicing.batches.states import OVER, BatchKind, BatchState
from domain.invoicing.export.model import ExportState
from domain.invoicing.tables import export_record, invoice_batch, invoice_batch_transition
from domain.kernel.documents import Document, from_text, to_text

_b, _t, _e = invoice_batch.c, invoice_batch_transition.c, export_record.c
_PLAIN = (
    "batch_id",
    "description",
    "cycle_code",
    "state_since_us",
    "close_at_us",
    "created_us",
    "updated_us",
    "asked_point",
    "operation_id",
    "locked_us",
    "issue_day",
    "first_number",
    "number_count",
    "data_file_set_code",
    "transition_count",
    "version",
    "published_us",
)
"""Columns that are as the batch has them."""

_UNREAD = {"issuer", "issuer_code"}  # a logo is large
_COLUMNS = [column for column in invoice_batch.columns if column.name not in _UNREAD]


def find(tx: Connection, batch_id: str) -> Batch | None:
    """The batch; by primary key."""
    return _one(tx, select(*_COLUMNS).where(_b.batch_id == batch_id))


def lock(tx: Connection, batch_id: str) -> Batch | None:
    """The batch, which nobody else changes or shares until the transaction ends; by primary key."""
    return _one(tx, select(*_COLUMNS).where(_b.batch_id == batch_id).with_for_update())


def share(tx: Connection, batch_id: str) -> Batch | None:
    """The batch, which stays as it is until the transaction ends, whoever else shares it; by primary key.

    Who changes an invoice of a batch shares it first, and leaves the invoice alone once the batch is locked (INV-12).
    """
    return _one(tx, select(*_COLUMNS).where(_b.batch_id == batch_id).with_for_update(read=True))


def insert_batch(tx: Connection, batch: Batch) -> None:
    """A new batch; a taken id is refused by the primary key."""
    tx.execute(insert(invoice_batch).values(**_row(batch)))


def save(tx: Connection, batch: Batch) -> None:
    """The batch as it is now; by primary key, the row is locked already."""
    row = _row(batch)
    del row["batch_id"]
    tx.execute(update(invoice_batch).where(_b.batch_id == batch.batch_id).values(**row))


def keep_issuer(tx: Connection, batch_id: str, issuer: Document) -> None:
    """The issuer as of the lock: its `code`, and its `settings`; by primary key."""
    kept = {"issuer": to_text(issuer), "issuer_code": issuer["code"]}
    tx.execute(update(invoice_batch).where(_b.batch_id == batch_id).values(kept))


def issuer_of(tx: Connection, batch_id: str) -> Document:
    """What `keep_issuer` has written: `code`, and the `settings` as the register of issuers keeps them."""
    return dict(from_text(tx.execute(select(_b.issuer).where(_b.batch_id == batch_id)).scalar_one()))


def insert_transition(tx: Connection, made: Transition) -> None:
    """One more entry of a batch's history."""
    tx.execute(
        insert(invoice_batch_transition).values(
            batch_id=made.batch_id,
            transition_no=made.transition_no,
            from_state=made.from_state or "",
            to_state=made.to_state,
            at_us=made.at_us,
            caller=made.caller,
            method=made.method,
            operation_id=made.operation_id,
            reason=made.reason,
            counts=to_text(made.counts),
            version=made.version,
        )
    )


def insert_export(tx: Connection, batch: Batch, workflow: str, now_us: int) -> None:
    """One more export record, which waits for its workflow; of a batch one waits at most. Cost: two statements."""
    number = select(func.coalesce(func.max(_e.export_no), 0) + 1).where(_e.batch_id == batch.batch_id)
    tx.execute(
        insert(export_record).values(
            batch_id=batch.batch_id,
            export_no=tx.execute(number).scalar_one(),
            cycle_code=batch.cycle_code,
            workflow=workflow,
            state=ExportState.PENDING,
            created_us=now_us,
            updated_us=now_us,
        )
    )


def page(
    tx: Connection,
    *,
    cycles: Collection[str] | None,
    states: Collection[BatchState] = (),
    before: str = "",
    limit: int,
) -> list[Batch]:
    """Batches of the cycles (None: of all), newest first, from the one before an id on; no state means any.

    Cost: along the primary key, or ix_invoice_batch_cycle.
    """
    query = select(*_COLUMNS).order_by(_b.created_us.desc(), _b.batch_id.desc()).limit(limit)
    query = query.where(_b.cycle_code.in_(sorted(cycles))) if cycles is not None else query
    query = query.where(_b.state.in_(sorted(states))) if states else query
    if before:
        created = select(_b.created_us).where(_b.batch_id == before).scalar_subquery()
        query = query.where((_b.created_us < created) | ((_b.created_us == created) & (_b.batch_id < before)))
    return [_from_row(row) for row in tx.execute(query).mappings()]


def open_batches(tx: Connection, *, cycles: Collection[str] | None, limit: int) -> list[Batch]:
    """Batches that are not over, by id; along ix_invoice_batch_open."""
    query = select(*_COLUMNS).where(_b.state.not_in(sorted(OVER))).order_by(_b.batch_id).limit(limit)
    query = query.where(_b.cycle_code.in_(sorted(cycles))) if cycles is not None else query
    return [_from_row(row) for row in tx.execute(query).mappings()]


def transitions(tx: Connection, batch_id: str, *, after: int, limit: int) -> list[Transition]:
    """A batch's history from the one after a number on; along the primary key."""
    query = select(invoice_batch_transition).where(_t.batch_id == batch_id, _t.transition_no > after)
    rows = tx.execute(query.order_by(_t.transition_no).limit(limit)).mappings()
    return [
        Transition(
            batch_id=row["batch_id"],
            transition_no=row["transition_no"],
            from_state=BatchState(row["from_state"]) if row["from_state"] else None,
            to_state=BatchState(row["to_state"]),
            at_us=row["at_us"],
            caller=row["caller"],
            method=row["method"],
            operation_id=row["operation_id"],
            reason=row["reason"],
            counts=from_text(row["counts"]),
            version=row["version"],
        )
        for row in rows
    ]


def transitions_by(tx: Connection, batch_id: str, version: int) -> int:
    """How many transitions it had made by a version of it; along the primary key."""
    query = select(func.count()).where(_t.batch_id == batch_id, _t.version <= version)
    return tx.execute(query).scalar_one()


def versions(tx: Connection, batch_ids: Collection[str]) -> dict[str, int]:
    """How often each of the batches has changed; by primary key."""
    query = select(_b.batch_id, _b.version).where(_b.batch_id.in_(sorted(batch_ids)))
    return {row[0]: row[1] for row in tx.execute(query)}


def all_versions(tx: Connection, cycles: Collection[str] | None) -> int:
    """How often batches of the cycles (None: of all) have changed altogether: it grows with every change of any."""
    query = select(func.coalesce(func.sum(_b.version), 0))
    query = query.where(_b.cycle_code.in_(sorted(cycles))) if cycles is not None else query
    return int(tx.execute(query).scalar_one())


def _one(tx: Connection, query: Select[Any]) -> Batch | None:
    row = tx.execute(query).mappings().one_or_none()
    return _from_row(row) if row else None


def _from_row(row: RowMapping) -> Batch:
    held = Held(row["held_reason"], row["held_message"], row["held_since_us"]) if row["held_reason"] else None
    return Batch(
        **{name: row[name] for name in _PLAIN},
        kind=BatchKind(row["kind"]),
        state=BatchState(row["state"]),
        schedules=tuple(from_text(row["schedules"])),
        held=held,
        failed_state=BatchState(row["failed_state"]) if row["failed_state"] else None,
        counts=from_text(row["counts"]),
    )


def _row(batch: Batch) -> dict[str, Any]:
    held = batch.held
    return {
        **{name: getattr(batch, name) for name in _PLAIN},
        "kind": batch.kind,
        "state": batch.state,
        "schedules": to_text(list(batch.schedules)),
        "held_reason": held.reason if held else "",
        "held_message": held.message if held else "",
        "held_since_us": held.since_us if held else 0,
        "failed_state": batch.failed_state or "",
        "counts": to_text(batch.counts),
    }
