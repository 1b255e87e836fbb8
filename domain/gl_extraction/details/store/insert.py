"""Sound rows into the tables: by set, the unique external id deciding (GLX-02).

PostgreSQL takes a few rows by one INSERT and more by COPY, which costs less a row. COPY has no way to leave out a row
whose external id is held: then it is taken back to where it began, and the rows go through a staging table of the
session instead. That way alone costs half as much again, and nearly all rows that come are new. SQLite inserts them by
prepared statements, and stages the keys when somebody holds one of them. Rows go in by the order of the unique index,
so that two writers with the same rows wait for each other instead of deadlocking.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import chain
from operator import itemgetter, or_
from typing import Any

from sqlalchemy import Column, Connection, Dialect, MetaData, Table, TextClause, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateTable

from domain.gl_extraction.details.model import Maker
from domain.gl_extraction.details.rows import CORE_COLUMNS, SoundRow, coded_columns
from domain.gl_extraction.stamps import SENT
from domain.gl_extraction.tables import BUCKETS, accounting_detail
from domain.kernel import sequences
from domain.kernel.bulk import Cell, copy_cell, copy_in, insert_new, insert_rows

Asked = tuple[int, int, str]
"""What is asked for a row: an id, the id of the detail that it reverses (0: none), and its period's code."""


@dataclass(frozen=True, slots=True)
class Making:
    """What all rows of one insert share.

    `discreet`: a row that clashes is not told with what: that may be of a ledger that the caller does not see.
    """

    maker: Maker
    operation_id: str
    created_us: int
    discreet: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows to be made, no two of one external id, and by position what is asked for each."""

    rows: Sequence[SoundRow]
    asked: Mapping[int, Asked]
    making: Making

    @property
    def coded_mask(self) -> int:
        """The coded columns that any of the rows fills."""
        return reduce(or_, {row.coded_mask for row in self.rows}, 0)

    def in_index_order(self) -> list[SoundRow]:
        """The rows as the unique index orders them."""
        return sorted(self.rows, key=itemgetter(SoundRow._fields.index("key")))


@dataclass(frozen=True, slots=True)
class Holder:
    """The detail that holds a row's external id already, and the hash of its content."""

    detail_id: int
    content_hash: bytes


_FEW = 8  # rows, above which COPY is the faster way (measured)
_UNIQUE_INDEX = "detail_external_id_unique"
_HELD_ALREADY = "ON CONFLICT (bucket, source, external_id) WHERE voided_us = 0 DO NOTHING"
_HEAD_COLUMNS = ("bucket", "detail_id", "content_hash", "reverses", "accounting_period_code")
_SHARED_COLUMNS = ("maker", "operation_id", "created_us")
_KEY_COLUMNS = ("bucket", "detail_id", "source", "external_id")
_staging = Table(
    "detail_staging",
    MetaData(),
    *(
        Column(name, accounting_detail.c[name].type)
        for name in (*_HEAD_COLUMNS, *CORE_COLUMNS, *coded_columns(-1), *_SHARED_COLUMNS)
    ),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DELETE ROWS",
)
_ANY_VOID = text(
    "SELECT 1 FROM accounting_detail WHERE voided_us > 0 ORDER BY bucket, source, external_id LIMIT 1"
)  # ordered as the index of void details is, so that it is read and nothing else
_UNMAKE = (
    text("DELETE FROM accounting_detail_pending WHERE bucket = :bucket AND detail_id = :detail_id"),
    text("DELETE FROM accounting_detail WHERE bucket = :bucket AND detail_id = :detail_id"),
)


def new_ids(tx: Connection, buckets: Sequence[int]) -> list[int]:
    """Fresh ids for rows of these buckets, growing in their order. Cost: one statement."""
    ranges = sequences.reserve(tx, "accounting_detail_no", len(buckets))
    numbers = chain.from_iterable(ranges)
    return [number * BUCKETS + bucket for bucket, number in zip(buckets, numbers, strict=False)]


def make(tx: Connection, batch: Batch) -> int:
    """Make details, pending for extraction, of the rows whose external id is free; gives how many were made.

    Who holds an id and has not committed yet is waited for. Cost: PostgreSQL one statement for a few rows, two COPYs
    for more, and where an id is held one more and a statement; SQLite two prepared statements for 50.
    """
    if tx.dialect.name != "postgresql":
        return _insert_each(tx, batch)
    made = _insert_few(tx, batch) if len(batch.rows) <= _FEW else _copy_all(tx, batch)
    if made < len(batch.rows):
        _empty_staging(tx)
        copy_in(tx, "detail_staging", *_copied(batch))
        made += make_again(tx, batch)
    return made


def make_again(tx: Connection, batch: Batch) -> int:
    """Once more for the staged rows: those that were made hold their own ids. PostgreSQL only."""
    return tx.execute(_make_staged(batch.coded_mask)).rowcount


def holders(tx: Connection, batch: Batch) -> dict[int, Holder]:
    """By the id that a row asked for, the detail that holds its external id instead; some row was not made."""
    _stage_keys(tx, batch)
    return {row.asked: Holder(row.holder, bytes(row.content_hash)) for row in tx.execute(_holders(tx.dialect.name))}


def awaiting_resend(tx: Connection, ids: Collection[int]) -> dict[int, int]:
    """By the id of a detail made just now, the batch that sent a void detail of its external id and must be resent.

    Asked for are `ids`. A batch is resent once a completed batch is its resend: that took all of its details that were
    not void. Cost: a look by primary key and one by external id for each row, if there is any void detail at all.
    """
    if tx.execute(_ANY_VOID).one_or_none() is None:
        return {}
    made = tx.execute(_awaiting(tx.dialect.name), {"first": min(ids), "last": max(ids)})
    return {row.made: row.batch_no for row in made if row.made in ids}


def unmake(tx: Connection, ids: Sequence[int]) -> None:
    """Take back details that this transaction made."""
    for statement in _UNMAKE:
        tx.execute(statement, [{"bucket": detail_id % BUCKETS, "detail_id": detail_id} for detail_id in ids])


def _copied(batch: Batch) -> tuple[Sequence[str], bytes]:
    """The rows, in the order of the unique index, in COPY's text format, and the columns that it has."""
    making, mask = batch.making, batch.coded_mask
    columns = (*_HEAD_COLUMNS, *CORE_COLUMNS, *coded_columns(mask), *_SHARED_COLUMNS)
    shared = "\t".join(map(copy_cell, (making.maker.value, making.operation_id, making.created_us))).encode()
    return columns, b"".join(
        [_copy_line(row, batch.asked[row.position], mask, shared) for row in batch.in_index_order()]
    )


def _insert_few(tx: Connection, batch: Batch) -> int:
    """Insert the rows, and make them pending; gives how many were made."""
    making = batch.making
    shared = (making.maker.value, making.operation_id, making.created_us)
    parameters = tuple(chain.from_iterable((*cells, *shared) for cells in _own_cells(batch)))
    return tx.exec_driver_sql(_make_few(batch.coded_mask, len(batch.rows)), parameters).rowcount


def _copy_all(tx: Connection, batch: Batch) -> int:
    """Copy all rows into the tables; 0, and nothing is done, when an external id is held."""
    keys = b"".join([b"%d\t%d\n" % (detail_id % BUCKETS, detail_id) for detail_id, _, _ in batch.asked.values()])
    try:
        with tx.begin_nested():
            copy_in(tx, "accounting_detail", *_copied(batch))
            copy_in(tx, "accounting_detail_pending", ("bucket", "detail_id"), keys)
    except IntegrityError as error:
        driver: Any = error.orig
        if driver.diag.constraint_name != _UNIQUE_INDEX:
            raise
        return 0
    return len(batch.rows)


def _stage_keys(tx: Connection, batch: Batch) -> None:
    """Stage what the rows are known by; on PostgreSQL they are staged as a whole."""
    if tx.dialect.name == "postgresql":
        return
    _empty_staging(tx)
    keys = ((row.bucket, batch.asked[row.position][0], row.source, row.external_id) for row in batch.rows)
    insert_rows(tx, "detail_staging", _KEY_COLUMNS, keys)


def _insert_each(tx: Connection, batch: Batch) -> int:
    columns = (*_HEAD_COLUMNS, *CORE_COLUMNS, *coded_columns(batch.coded_mask))
    making = batch.making
    shared = dict(zip(_SHARED_COLUMNS, (making.maker.value, making.operation_id, making.created_us), strict=True))
    made = insert_new(tx, "accounting_detail", columns, _own_cells(batch), shared, otherwise=_HELD_ALREADY)
    rows = batch.in_index_order()
    keys = [(row.bucket, batch.asked[row.position][0]) for row in rows]
    if made < len(rows):
        held = holders(tx, batch)
        keys = [key for key in keys if key[1] not in held]
    if keys:
        insert_rows(tx, "accounting_detail_pending", ("bucket", "detail_id"), keys)
    return made


def _own_cells(batch: Batch) -> list[tuple[Cell, ...]]:
    """The rows' columns but for those that all share, in the order of the unique index."""
    mask = batch.coded_mask
    return [
        (row.bucket, detail_id, row.content_hash, reverses, period, *_padded(row, mask))
        for row in batch.in_index_order()
        for detail_id, reverses, period in (batch.asked[row.position],)
    ]


def _empty_staging(tx: Connection) -> None:
    tx.exec_driver_sql(_create_staging(tx.dialect))
    tx.exec_driver_sql("DELETE FROM detail_staging")


def _copy_line(row: SoundRow, asked: Asked, mask: int, shared: bytes) -> bytes:
    detail_id, reverses, period = asked
    line = row.line
    if row.coded_mask != mask:
        line = "\t".join(map(copy_cell, _padded(row, mask))).encode()
    head = (row.bucket, detail_id, row.content_hash.hex().encode(), reverses, period.encode())
    return b"%d\t%d\t\\\\x%b\t%d\t%b\t%b\t%b\n" % (*head, line, shared)


def _padded(row: SoundRow, mask: int) -> tuple[str, ...]:
    """The row's cells, with an empty one for each coded column of `mask` that the row leaves empty."""
    if row.coded_mask == mask:
        return row.cells
    core, coded = row.cells[: len(CORE_COLUMNS)], iter(row.cells[len(CORE_COLUMNS) :])
    places = (place for place in range(mask.bit_length()) if mask >> place & 1)
    return (*core, *(next(coded) if row.coded_mask >> place & 1 else "" for place in places))


@lru_cache
def _holders(dialect: str) -> TextClause:
    holders = _same_id(dialect, _UNIQUE_INDEX, "h.voided_us = 0")
    return text(
        "SELECT s.detail_id AS asked, h.detail_id AS holder, h.content_hash "  # noqa: S608
        f"FROM detail_staging s {holders} WHERE h.detail_id <> s.detail_id"
    )


@lru_cache
def _awaiting(dialect: str) -> TextClause:
    sent = (
        "SELECT max(t.batch_no + 0) FROM extraction_stamp t JOIN extraction_batch b ON b.batch_no = t.batch_no "  # noqa: S608
        f"WHERE t.bucket = s.bucket AND t.detail_id = h.detail_id AND b.state IN {SENT}"
    )
    void = _same_id(dialect, "ix_accounting_detail_void", "h.voided_us > 0")
    buckets = ", ".join(map(str, range(BUCKETS)))
    return text(
        "SELECT made, max(batch_no) AS batch_no FROM ("  # noqa: S608
        f"SELECT s.detail_id AS made, ({sent}) AS batch_no FROM accounting_detail s {void} "
        f"WHERE s.bucket IN ({buckets}) AND s.detail_id BETWEEN :first AND :last) AS held "
        "WHERE batch_no IS NOT NULL AND NOT EXISTS (SELECT 1 FROM extraction_batch r "
        "WHERE r.resend_of = held.batch_no AND r.state = 'COMPLETED') GROUP BY made"
    )


def _same_id(dialect: str, index: str, which: str) -> str:
    """Joins rows `s` with details `h` of the same external id, by key: one look into `index` for each row.

    Left to themselves, both have been seen to read far more: PostgreSQL the whole table, as it knows nothing of
    rows just staged (OFFSET 0 keeps it from that), SQLite the row's whole bucket.
    """
    same = f"h.bucket = s.bucket AND h.source = s.source AND h.external_id = s.external_id AND {which}"
    if dialect == "postgresql":
        found = f"SELECT h.detail_id, h.content_hash FROM accounting_detail h WHERE {same} OFFSET 0"  # noqa: S608
        return f"CROSS JOIN LATERAL ({found}) AS h"
    return f"CROSS JOIN accounting_detail AS h INDEXED BY {index} ON {same}"


@lru_cache
def _create_staging(dialect: Dialect) -> str:
    return str(CreateTable(_staging, if_not_exists=True).compile(dialect=dialect))


@lru_cache
def _make_staged(mask: int) -> TextClause:
    names = (*_HEAD_COLUMNS, *CORE_COLUMNS, *coded_columns(mask), *_SHARED_COLUMNS)
    statement = _made_pending(_insert(names, f"SELECT {', '.join(names)} FROM detail_staging"))  # noqa: S608
    return text(statement).execution_options(preserve_rowcount=True)


@lru_cache
def _make_few(mask: int, count: int) -> str:
    columns = (*_HEAD_COLUMNS, *CORE_COLUMNS, *coded_columns(mask), *_SHARED_COLUMNS)
    row = f"({', '.join(['%s'] * len(columns))})"
    return _made_pending(_insert(columns, f"VALUES {', '.join([row] * count)}"))


def _made_pending(insert: str) -> str:
    """PostgreSQL: what is inserted becomes pending in the same statement."""
    return (
        f"WITH made AS ({insert} RETURNING bucket, detail_id) "  # noqa: S608
        "INSERT INTO accounting_detail_pending (bucket, detail_id) SELECT bucket, detail_id FROM made"
    )


def _insert(columns: Sequence[str], rows: str) -> str:
    return f"INSERT INTO accounting_detail ({', '.join(columns)}) {rows} {_HELD_ALREADY}"
