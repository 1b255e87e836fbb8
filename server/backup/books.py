"""What the books of a database come to: counts of rows and control totals, by which a copy is compared with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, Connection, func, select, text

from domain.gl_extraction.tables import accounting_detail, extraction_batch, extraction_element
from domain.kernel import secrets
from domain.kernel.columns import metadata
from domain.kernel.documents import Document
from domain.kernel.sequences import BLOCK, GROWING
from domain.kernel.tables import sequence

_HALF = 1_000_000_000  # amounts are added up in two parts, whose sums fit into 63 bits whatever the books come to

_d, _e, _b = accounting_detail.c, extraction_element.c, extraction_batch.c


def books(tx: Connection) -> Document:
    """Counts and control totals of everything that is kept, on one snapshot. Cost: reads every table once or twice.

    `tables` are rows by table; `details` and `elements` are count, debits and credits by currency, in minor units;
    `batches` are batches and their details by state; `sequences` the next numbers; `page_token_key` is a SHA-256.
    """
    present = set(metadata.tables) & _tables(tx)
    return {
        "tables": {name: _count(tx, name) for name in sorted(present)},
        "details": _sums(tx, _d.currency, _d.debit_minor, _d.credit_minor),
        "elements": _sums(tx, _e.currency, _e.debit_minor, _e.credit_minor),
        "batches": {
            row.state: {"count": int(row[1]), "details": int(row[2])}
            for row in tx.execute(select(_b.state, func.count(), func.sum(_b.detail_count)).group_by(_b.state))
        },
        "sequences": _rows_of_sequences(tx),
        "page_token_key": secrets.fingerprint(tx, secrets.PAGE_TOKENS),
    }


def next_numbers(tx: Connection) -> Document:
    """The number that each sequence gives next, by name."""
    found = _rows_of_sequences(tx)
    if tx.dialect.name == "postgresql":
        for name in GROWING:
            last, called = tx.execute(text(f"SELECT last_value, is_called FROM {name}")).one()  # noqa: S608 - our own name
            found[name] = int(last) + (BLOCK if called else 0)
    return found


def differences(one: Document, other: Document) -> list[str]:
    """Where two books differ, a line each: the place, and what stands there in the one and in the other."""
    ours, theirs = dict(_leaves(one)), dict(_leaves(other))
    return [
        f"{place}: {ours.get(place, 'nothing')} there, {theirs.get(place, 'nothing')} here"
        for place in sorted(ours.keys() | theirs.keys())
        if ours.get(place) != theirs.get(place)
    ]


def _tables(tx: Connection) -> set[str]:
    if tx.dialect.name == "postgresql":
        query = "SELECT relname FROM pg_class WHERE relkind = 'r' AND pg_table_is_visible(oid)"
    else:
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
    return set(tx.execute(text(query)).scalars())


def _count(tx: Connection, name: str) -> int:
    return int(tx.execute(select(func.count()).select_from(metadata.tables[name])).scalar_one())


def _sums(tx: Connection, currency: Column[str], debit: Column[int], credit: Column[int]) -> Document:
    halves = [part for amount in (debit, credit) for part in (func.sum(amount // _HALF), func.sum(amount % _HALF))]
    rows = tx.execute(select(currency, func.count(), *halves).group_by(currency)).all()
    return {
        row[0]: {
            "count": int(row[1]),
            "debit": int(row[2]) * _HALF + int(row[3]),
            "credit": int(row[4]) * _HALF + int(row[5]),
        }
        for row in rows
    }


def _rows_of_sequences(tx: Connection) -> Document:
    """Those that are rows: what PostgreSQL's own sequences give is of no snapshot."""
    query = select(sequence).order_by(sequence.c.name)
    return {row.name: int(row.next_value) for row in tx.execute(query)}


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - a document, or what it holds
    if isinstance(value, dict):
        for key, within in value.items():
            yield from _leaves(within, f"{place} {key}".strip())
    else:
        yield place, value
