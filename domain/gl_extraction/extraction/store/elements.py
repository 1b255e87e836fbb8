"""Reading a batch's elements in their order, by key ranges: they never change once the batch is prepared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select

from domain.gl_extraction.tables import extraction_element

_e = extraction_element.c
_ROWS_MAX = 2_000  # read at once


def read(tx: Connection, batch_no: int, columns: Sequence[str], *, first: int, last: int) -> Iterator[tuple[Any, ...]]:
    """The elements from number `first` to `last`, each as a tuple of `columns`. Cost: a statement for 2,000 of them."""
    query = select(*(_e[name] for name in columns)).where(_e.batch_no == batch_no).order_by(_e.element_no)
    for start in range(first, last + 1, _ROWS_MAX):
        end = min(start + _ROWS_MAX - 1, last)
        yield from map(tuple, tx.execute(query.where(_e.element_no.between(start, end))).all())


def groups(tx: Connection, batch_no: int, *, element_count: int) -> Iterator[RowMapping]:
    """By bulking group and currency, in order: elements, details, debits, credits. Cost: as `read`.

    A group whose elements lie on both sides of a page comes in two parts, one behind the other.
    """
    query = (
        select(
            _e.bulking_group,
            _e.currency,
            func.count().label("element_count"),
            func.sum(_e.detail_count).label("detail_count"),
            func.sum(_e.debit_minor).label("debit_minor"),
            func.sum(_e.credit_minor).label("credit_minor"),
        )
        .where(_e.batch_no == batch_no)
        .group_by(_e.bulking_group, _e.currency)
        .order_by(_e.bulking_group, _e.currency)
    )
    for start in range(1, element_count + 1, _ROWS_MAX):
        end = start + _ROWS_MAX - 1
        yield from tx.execute(query.where(_e.element_no.between(start, end))).mappings().all()
