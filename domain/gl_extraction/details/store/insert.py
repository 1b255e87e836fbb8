"""Sound rows into the tables: staged, then inserted by set, the unique external id deciding (GLX-02).

PostgreSQL takes the rows by COPY, SQLite by one prepared statement; from there both run the same steps. Rows are staged
in the order of the unique index, so that two writers with the same rows wait for each other instead of deadlocking.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import itemgetter

from sqlalchemy import Column, Connection, Dialect, MetaData, Table, TextClause, text
from sqlalchemy.schema import CreateTable

from domain.gl_extraction.details.model import Maker
from domain.gl_extraction.details.rows import CORE_COLUMNS, SoundRow, coded_columns
from domain.gl_extraction.stamps import SENT
from domain.gl_extraction.tables import BUCKETS, accounting_detail
from domain.kernel import sequences
from domain.kernel.bulk import copy_cell, copy_in

HEAD_COLUMNS = ("bucket", "detail_id", "content_hash", "reverses", "accounting_period_code")
"""What a staged row has before the columns of its cells."""


@dataclass(frozen=True, slots=True)
class Making:
    """What all rows of one insert share."""

    maker: Maker
    operation_id: str
    created_us: int


Asked = tuple[int, int, str]
"""Beside a row: the id that it asks for, the id of the detail that it reverses (0: none), and its period's code."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The detail that holds a row's external id already, and whether its content is the same."""

    detail_id: int
    same: bool


_staging = Table(
    "detail_staging",
    MetaData(),
    *(
        Column(
            name,
            accounting_detail.c[name].type,
            nullable=False,
            autoincrement=False,
            server_default=accounting_detail.c[name].server_default,
        )
        for name in (*HEAD_COLUMNS, *CORE_COLUMNS, *coded_columns(-1))
    ),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DELETE ROWS",
)
_INDEX_FIELDS = ("bucket", "source", "external_id")
_SAME_ID = "h.bucket = s.bucket AND h.source = s.source AND h.external_id = s.external_id"
_HOLDERS = text(
    # SQL from names of ours alone, here and below.
    "SELECT s.detail_id AS asked, h.detail_id AS holder, CAST(h.content_hash = s.content_hash AS INTEGER) AS same "  # noqa: S608
    f"FROM detail_staging s JOIN accounting_detail h ON {_SAME_ID} AND h.voided_us = 0 "
    "WHERE h.detail_id <> s.detail_id"
)
_ANY_VOID = text(
    "SELECT 1 FROM accounting_detail WHERE voided_us > 0 ORDER BY bucket, source, external_id LIMIT 1"
)  # ordered as the index of void details is, so that it is read and nothing else
_AWAITING = text(
    "SELECT held.asked, max(held.batch_no) AS batch_no FROM ("  # noqa: S608
    "SELECT s.detail_id AS asked, h.detail_id AS holder, max(b.batch_no) AS batch_no "
    f"FROM detail_staging s JOIN accounting_detail h ON {_SAME_ID} AND h.voided_us > 0 "
    "JOIN extraction_stamp t ON t.bucket = h.bucket AND t.detail_id = h.detail_id "
    f"JOIN extraction_batch b ON b.batch_no = t.batch_no AND b.state IN {SENT} "
    "GROUP BY s.detail_id, h.detail_id) AS held "
    "WHERE NOT EXISTS (SELECT 1 FROM extraction_batch r "
    "WHERE r.resend_of = held.batch_no AND r.state = 'COMPLETED') GROUP BY held.asked"
)
_PEND_SQLITE = text(
    "INSERT INTO accounting_detail_pending (bucket, detail_id) SELECT s.bucket, s.detail_id FROM detail_staging s "
    "JOIN accounting_detail d ON d.bucket = s.bucket AND d.detail_id = s.detail_id WHERE true ON CONFLICT DO NOTHING"
)
_UNMAKE = (
    text("DELETE FROM accounting_detail_pending WHERE bucket = :bucket AND detail_id = :detail_id"),
    text("DELETE FROM accounting_detail WHERE bucket = :bucket AND detail_id = :detail_id"),
)


def number_rows(tx: Connection, rows: Sequence[SoundRow]) -> list[int]:
    """Fresh ids for the rows, growing in their order. Cost: one statement."""
    ranges = sequences.reserve(tx, "accounting_detail_no", len(rows))
    numbers = chain.from_iterable(ranges)
    return [number * BUCKETS + row.bucket for row, number in zip(rows, numbers, strict=False)]


def stage(tx: Connection, rows: Sequence[SoundRow], asked: Mapping[int, Asked]) -> int:
    """Put the rows beside the table, each with what is asked for it (by position).

    Gives the mask of the coded columns in use.

    Cost: PostgreSQL one COPY, SQLite one prepared INSERT a row.
    """
    tx.exec_driver_sql(_create_staging(tx.dialect))
    tx.exec_driver_sql("DELETE FROM detail_staging")
    mask = 0
    for row in rows:
        mask |= row.coded_mask
    columns = (*HEAD_COLUMNS, *CORE_COLUMNS, *coded_columns(mask))
    placed = list(rows)
    for field in reversed(_INDEX_FIELDS):  # sorting by one field after the other takes a third of the time
        placed.sort(key=itemgetter(SoundRow._fields.index(field)))
    if tx.dialect.name == "postgresql":
        copy_in(tx, "detail_staging", columns, b"".join(_copy_line(row, asked[row.position], mask) for row in placed))
        return mask
    marks = ", ".join("?" * len(columns))
    parameters = [
        (row.bucket, detail_id, row.content_hash, reverses, period, *_padded(row, mask))
        for row in placed
        for detail_id, reverses, period in (asked[row.position],)
    ]
    tx.exec_driver_sql(f"INSERT INTO detail_staging ({', '.join(columns)}) VALUES ({marks})", parameters)  # noqa: S608
    return mask


def make(tx: Connection, making: Making, mask: int) -> int:
    """Make details, pending for extraction, of the staged rows whose external id is free; gives how many were made.

    Who holds an id and has not committed yet is waited for. Staged rows that were made before hold their own ids.
    Cost: one statement on PostgreSQL, two on SQLite (which has no INSERT inside WITH).
    """
    shared = {"maker": making.maker.value, "operation_id": making.operation_id, "created_us": making.created_us}
    if tx.dialect.name == "postgresql":
        return tx.execute(_make_postgresql(mask), shared).rowcount
    made = tx.execute(_make_sqlite(mask), shared).rowcount
    tx.execute(_PEND_SQLITE)
    return made


def holders(tx: Connection) -> dict[int, Holder]:
    """By the id that a staged row asked for, the detail that holds its external id instead."""
    return {row.asked: Holder(row.holder, bool(row.same)) for row in tx.execute(_HOLDERS)}


def awaiting_resend(tx: Connection) -> dict[int, int]:
    """By the id that a staged row asked for, the batch that sent a void detail of its external id and must be resent.

    A batch is resent once a completed batch is its resend: that took all of its details that were not void.
    """
    if tx.execute(_ANY_VOID).one_or_none() is None:
        return {}
    return {row.asked: row.batch_no for row in tx.execute(_AWAITING)}


def unmake(tx: Connection, ids: Sequence[int]) -> None:
    """Take back details that this transaction made."""
    for statement in _UNMAKE:
        tx.execute(statement, [{"bucket": detail_id % BUCKETS, "detail_id": detail_id} for detail_id in ids])


def _copy_line(row: SoundRow, asked: Asked, mask: int) -> bytes:
    detail_id, reverses, period = asked
    line = row.line
    if row.coded_mask != mask:
        line = "\t".join(map(copy_cell, _padded(row, mask))).encode()
    content_hash = row.content_hash.hex().encode()
    return b"%d\t%d\t\\\\x%b\t%d\t%b\t%b\n" % (row.bucket, detail_id, content_hash, reverses, period.encode(), line)


def _padded(row: SoundRow, mask: int) -> tuple[str, ...]:
    """The row's cells, with an empty one for each coded column of `mask` that the row leaves empty."""
    if row.coded_mask == mask:
        return row.cells
    core, coded = row.cells[: len(CORE_COLUMNS)], iter(row.cells[len(CORE_COLUMNS) :])
    places = (place for place in range(mask.bit_length()) if mask >> place & 1)
    return (*core, *(next(coded) if row.coded_mask >> place & 1 else "" for place in places))


@lru_cache
def _create_staging(dialect: Dialect) -> str:
    return str(CreateTable(_staging, if_not_exists=True).compile(dialect=dialect))


@lru_cache
def _make_postgresql(mask: int) -> TextClause:
    return text(
        f"WITH made AS ({_insert(mask)} RETURNING bucket, detail_id) "  # noqa: S608
        "INSERT INTO accounting_detail_pending (bucket, detail_id) SELECT bucket, detail_id FROM made"
    ).execution_options(preserve_rowcount=True)


@lru_cache
def _make_sqlite(mask: int) -> TextClause:
    return text(_insert(mask)).execution_options(preserve_rowcount=True)


def _insert(mask: int) -> str:
    columns = ", ".join((*HEAD_COLUMNS, *CORE_COLUMNS, *coded_columns(mask)))
    return (
        f"INSERT INTO accounting_detail ({columns}, maker, operation_id, created_us) "  # noqa: S608
        f"SELECT {columns}, :maker, :operation_id, :created_us FROM detail_staging WHERE true "
        "ON CONFLICT (bucket, source, external_id) WHERE voided_us = 0 DO NOTHING"
    )
