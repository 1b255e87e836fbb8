"""SQL that looks over elements: what they come to, and what adding up emptied (GLX-15, GLX-16)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Select, cast, func, literal, null, select, union_all

from domain.data_files.model import Total
from domain.gl_extraction.extraction.elements import TOLD_COLUMNS, Emptied, Survey
from domain.gl_extraction.tables import extraction_element
from domain.kernel.columns import INT64

_NAMES_SHOWN = 20
_TOTAL, _COUNT, _NAME = "total", "count", "name"
_e = extraction_element.c


def survey(tx: Connection, elements: Select[Any]) -> Survey:
    """What the elements of a query come to; it gives the key, the sums, the count and what was emptied.

    Raises, from the driver: a total beyond 63 bits. Cost: one statement, which runs the query once.
    """
    looked_over = elements.cte("looked_over")
    rows = tx.execute(union_all(*_parts(looked_over))).all()
    totals = {name: Total(int(debit), int(credit)) for kind, name, *_, debit, credit in rows if kind == _TOTAL}
    return Survey(
        element_count=sum(int(row[2]) for row in rows if row[0] == _TOTAL),
        detail_count=sum(int(row[3]) for row in rows if row[0] == _TOTAL),
        totals=dict(sorted(totals.items())),
        emptied=tuple(_emptied(rows)),
    )


def survey_batch(tx: Connection, batch_no: int) -> Survey:
    """As `survey`, of a batch's elements."""
    return survey(tx, elements_of(batch_no))


def elements_of(batch_no: int) -> Select[Any]:
    """What a survey needs of a batch's elements."""
    columns = (_e.bulking_group, _e.currency, _e.invoiced, _e.debit_minor, _e.credit_minor, _e.detail_count, _e.emptied)
    return select(*columns).where(_e.batch_no == batch_no)


def _parts(elements: Any) -> Iterator[Any]:  # noqa: ANN401
    """Rows of kind, name, and four figures."""
    e = elements.c
    yield select(
        literal(_TOTAL),
        e.currency,
        func.count(),
        func.sum(e.detail_count),
        cast(func.sum(e.debit_minor), INT64),  # PostgreSQL's sums have no end; SQLite's end by themselves
        cast(func.sum(e.credit_minor), INT64),
    ).group_by(e.currency)
    for bit, column in enumerate(TOLD_COLUMNS):
        hit = e.emptied.op("&")(1 << bit) > 0
        groups = func.count(e.bulking_group.distinct())
        yield select(literal(_COUNT), literal(column), func.count(), groups, null(), null()).where(hit)
        names = select(e.bulking_group).where(hit).distinct().order_by(e.bulking_group).limit(_NAMES_SHOWN).subquery()
        yield select(literal(_NAME), names.c.bulking_group, literal(bit), null(), null(), null())


def _emptied(rows: Sequence[Any]) -> Iterator[Emptied]:
    for bit, column in enumerate(TOLD_COLUMNS):
        elements, groups = next((int(row[2]), int(row[3])) for row in rows if row[0] == _COUNT and row[1] == column)
        if elements:
            names = sorted(row[1] for row in rows if row[0] == _NAME and row[2] == bit)
            yield Emptied(column, elements, groups, tuple(names))
