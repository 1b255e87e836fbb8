"""Reading a batch's elements in their order, by key ranges: they never change once the batch is prepared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, literal, select

from domain.gl_extraction.extraction.elements import TOLD_COLUMNS, GroupSums
from domain.gl_extraction.tables import extraction_element

_e = extraction_element.c
_ROWS_MAX = 2_000  # read at once


def read(tx: Connection, batch_no: int, columns: Sequence[str], *, first: int, last: int) -> Iterator[tuple[Any, ...]]:
    """The elements from number `first` to `last`, each as a tuple of `columns`. Cost: a statement for 2,000 of them."""
    query = select(*(_e[name] for name in columns)).where(_e.batch_no == batch_no).order_by(_e.element_no)
    for start in range(first, last + 1, _ROWS_MAX):
        end = min(start + _ROWS_MAX - 1, last)
        yield from map(tuple, tx.execute(query.where(_e.element_no.between(start, end))).all())


def groups(tx: Connection, batch_no: int, *, element_count: int) -> Iterator[GroupSums]:
    """What the elements of each bulking group and currency come to, in order. Cost: as `read`.

    A group whose elements lie on both sides of a page comes in two parts, one behind the other.
    """
    figures = (func.sum(_e.detail_count), func.count(), func.sum(_e.debit_minor), func.sum(_e.credit_minor))
    query = (
        select(_e.bulking_group, _e.currency, *figures, _any_emptied())
        .where(_e.batch_no == batch_no)
        .group_by(_e.bulking_group, _e.currency)
        .order_by(_e.bulking_group, _e.currency)
    )
    for start in range(1, element_count + 1, _ROWS_MAX):
        end = start + _ROWS_MAX - 1
        for group, currency, *sums in tx.execute(query.where(_e.element_no.between(start, end))).all():
            yield GroupSums(group, currency, *map(int, sums))


def _any_emptied() -> ColumnElement[int]:
    """The bits of `emptied` that any element of a group has set; SQLite has no bit_or."""
    bits: Any = literal(0)
    for bit in range(len(TOLD_COLUMNS)):
        bits = bits + func.max(_e.emptied.op("&")(1 << bit))
    return bits  # type: ignore[no-any-return]
