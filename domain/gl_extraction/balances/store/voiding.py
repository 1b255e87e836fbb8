"""SQL that says what voiding details takes from the balances; their rows are locked, and so is what runs take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, FromClause, case, func, select

from domain.gl_extraction.balances.model import Place, Sums
from domain.gl_extraction.balances.store.movements import place_of, sums_of
from domain.gl_extraction.extraction.store.planner import with_details
from domain.gl_extraction.stamps import is_stamped, unfinished
from domain.gl_extraction.tables import accounting_detail, extraction_stamp

_NONE = 0


@dataclass(frozen=True, slots=True)
class Voided:
    """Details at a place that are alike: sent, taken by a batch that is under way (0 for none), or neither."""

    place: Place
    extracted: bool
    batch_no: int
    sums: Sums


def sums(tx: Connection, keys: FromClause) -> list[Voided]:
    """What the details come to that `keys` names by `bucket` and `detail_id`.

    Cost: one statement; each detail and its stamps by key.
    """
    names = (*Place._fields, "debit_minor", "credit_minor")
    joined, d = with_details(tx, keys, [accounting_detail.c[name] for name in names])
    sent = case((is_stamped(keys.c), 1), else_=0).label("sent")
    facts = select(*(d[name] for name in names), sent, _taker(keys).label("batch_no")).select_from(joined).subquery()
    f = facts.c
    taker = case((f.sent == 1, _NONE), else_=func.coalesce(f.batch_no, _NONE)).label("taker")
    place = [f[name] for name in Place._fields]
    figures = (func.sum(f.debit_minor), func.sum(f.credit_minor), func.count())
    query = select(*place, *figures, f.sent, taker).group_by(*place, f.sent, taker)
    return [Voided(place_of(row), bool(row.sent), row.taker, sums_of(row, len(place))) for row in tx.execute(query)]


def _taker(keys: FromClause) -> Any:  # noqa: ANN401
    """The batch under way that has taken a detail; at most one has that was not sent."""
    stamp = extraction_stamp.alias("taken").c
    return (
        select(func.max(stamp.batch_no + 0))
        .where(stamp.bucket == keys.c.bucket, stamp.detail_id == keys.c.detail_id)
        .where(stamp.batch_no.in_(unfinished()))
        .correlate(keys)
        .scalar_subquery()
    )
