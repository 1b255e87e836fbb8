"""The SQL of batches and their files: by primary key unless said otherwise, a statement a function."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, text, update

from domain.accounting.batches.model import Batch, BatchFile
from domain.accounting.batches.states import BatchState
from domain.accounting.configuration.model import FileFormat
from domain.accounting.tables import accounting_batch, accounting_batch_file
from domain.data_files.model import totals_from_document, totals_to_document
from domain.kernel.documents import from_text, to_text

_b, _f = accounting_batch.c, accounting_batch_file.c
_TAKE = text(
    "INSERT INTO accounting_batch_number (client_code, next_no) VALUES (:client_code, 1 + :count) "
    "ON CONFLICT (client_code) DO UPDATE SET next_no = accounting_batch_number.next_no + :count RETURNING next_no"
)


def take_numbers(tx: Connection, client_code: str, count: int) -> range:
    """Numbers that follow on the client's last, without a gap; who else takes some waits until this one commits."""
    following: int = tx.execute(_TAKE, {"client_code": client_code, "count": count}).scalar_one()
    return range(following - count, following)


def insert_batch(tx: Connection, batch: Batch) -> None:
    """Add a batch."""
    tx.execute(insert(accounting_batch).values(_values(batch)))


def change(tx: Connection, batch: Batch) -> None:
    """Put the batch in its place, but for what was said of its records; it is locked."""
    values = _values(batch)
    for name in ("client_code", "batch_no", "accepted_count", "rejected_count"):
        del values[name]
    this = (_b.client_code == batch.client_code, _b.batch_no == batch.batch_no)
    tx.execute(update(accounting_batch).where(*this).values(values))


def count_returns(tx: Connection, batch: Batch, *, accepted: int, rejected: int) -> None:
    """Add to what was said of a batch's records."""
    this = (_b.client_code == batch.client_code, _b.batch_no == batch.batch_no)
    sums = {"accepted_count": _b.accepted_count + accepted, "rejected_count": _b.rejected_count + rejected}
    tx.execute(update(accounting_batch).where(*this).values(sums))


def find(tx: Connection, client_code: str, batch_no: int, *, lock: bool = False) -> Batch | None:
    """The batch, if there is one; with `lock` it stays as it is until the transaction ends."""
    query = select(accounting_batch).where(_b.client_code == client_code, _b.batch_no == batch_no)
    row = tx.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    return None if row is None else _from_row(row)


def of_run(tx: Connection, run_id: str, *, lock: bool = False) -> list[Batch]:
    """The batches whose records a run took, by number. Cost: one statement along accounting_batch_of_run."""
    query = select(accounting_batch).where(_b.run_id == run_id).order_by(_b.batch_no)
    return [_from_row(row) for row in tx.execute(query.with_for_update() if lock else query).mappings()]


def page(
    tx: Connection, client_code: str, *, state: BatchState | None, before_no: int | None, limit: int
) -> list[Batch]:
    """At most `limit` batches of a client, newest first, those with lower numbers than `before_no`."""
    query = select(accounting_batch).where(_b.client_code == client_code).order_by(_b.batch_no.desc()).limit(limit)
    query = query.where(_b.state == state.value) if state else query
    query = query.where(_b.batch_no < before_no) if before_no is not None else query
    return [_from_row(row) for row in tx.execute(query).mappings()]


def add_file(tx: Connection, file: BatchFile) -> None:
    """Record that a batch was written to a file."""
    tx.execute(insert(accounting_batch_file).values(asdict(file)))


def file_named(tx: Connection, set_code: str, name: str) -> BatchFile | None:
    """The batch's file that is this data file. Cost: one statement along accounting_batch_file_unique."""
    query = select(accounting_batch_file).where(_f.data_file_set_code == set_code, _f.file_name == name)
    row = tx.execute(query).mappings().one_or_none()
    return None if row is None else BatchFile(**row)


def files(tx: Connection, client_code: str, batch_no: int, *, before_no: int | None, limit: int) -> list[BatchFile]:
    """At most `limit` files of a batch, newest first, those with lower rerun numbers than `before_no`."""
    query = select(accounting_batch_file).where(_f.client_code == client_code, _f.batch_no == batch_no)
    query = query.where(_f.rerun_no < before_no) if before_no is not None else query
    return [BatchFile(**row) for row in tx.execute(query.order_by(_f.rerun_no.desc()).limit(limit)).mappings()]


def _values(batch: Batch) -> dict[str, Any]:
    values = {name: getattr(batch, name) for name in Batch.__slots__}
    return {
        **{name: value for name, value in values.items() if name not in {"file_format", "totals"}},
        "state": batch.state.value,
        "format": batch.file_format.value,
        "totals": to_text(totals_to_document(batch.totals)),
        "regenerated_after_delivery": int(batch.regenerated_after_delivery),
    }


def _from_row(row: RowMapping) -> Batch:
    values = dict(row)
    return Batch(
        state=BatchState(values.pop("state")),
        file_format=FileFormat(values.pop("format")),
        totals=totals_from_document(from_text(values.pop("totals"))),
        regenerated_after_delivery=bool(values.pop("regenerated_after_delivery")),
        **values,
    )
