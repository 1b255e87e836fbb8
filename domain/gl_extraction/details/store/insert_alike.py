"""Sound rows that are alike into the tables, column by column: all of them, or none.

They go in by the order of the unique index, as all rows do (`store.insert`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import reduce
from operator import or_

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from domain.gl_extraction.details.alike import Sheet
from domain.gl_extraction.details.rows import CORE_COLUMNS, coded_columns
from domain.gl_extraction.details.store.insert import Making, awaiting_resend
from domain.kernel.bulk import Sheet as Rows
from domain.kernel.bulk import insert_sheets

_PENDING = ("bucket", "detail_id")

Asked = tuple[Sequence[int], str]
"""What is asked for the rows of a sheet: an id for each, and the code of their period."""


class _NotFree(Exception):
    """An external id awaits the resend of a batch."""


def make(tx: Connection, sheets: Sequence[Sheet], asked: Sequence[Asked], making: Making) -> bool:
    """Make details, pending for extraction; False, and nothing is done, when an external id is not free.

    It is not while somebody holds it, or a void detail whose batch awaits its resend. Who holds one and has not
    committed yet is waited for. Cost: those of two times `insert_sheets`, and that of `awaiting_resend`.
    """
    mask = reduce(or_, {sheet.like.coded_mask for sheet in sheets}, 0)
    details = [_cells(*each, mask, making) for each in zip(sheets, asked, strict=True)]
    pending = [(rows, {name: cells[name] for name in _PENDING}) for rows, cells in details]
    keys = [key for sheet in sheets for key in sheet.index_keys()]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    ids = {detail_id for of_sheet, _ in asked for detail_id in of_sheet}
    try:
        with tx.begin_nested():
            insert_sheets(tx, "accounting_detail", details, order=order)
            insert_sheets(tx, "accounting_detail_pending", pending, order=order)
            _require_free(tx, ids)
    except (IntegrityError, _NotFree):
        return False
    return True


def _require_free(tx: Connection, ids: Collection[int]) -> None:
    if awaiting_resend(tx, ids):
        raise _NotFree


def _cells(sheet: Sheet, asked: Asked, mask: int, making: Making) -> Rows:
    """The columns of a sheet, with empty cells for the coded ones of `mask` that it leaves empty."""
    like, (ids, period) = sheet.like, asked
    coded = dict(zip(coded_columns(like.coded_mask), like.cells[len(CORE_COLUMNS) :], strict=True))
    return len(ids), {
        "bucket": sheet.buckets,
        "detail_id": list(ids),
        "content_hash": sheet.hashes,
        "reverses": 0,
        "accounting_period_code": period,
        **dict(zip(CORE_COLUMNS, like.cells, strict=False)),
        **sheet.own,
        **dict.fromkeys(coded_columns(mask), ""),
        **coded,
        "maker": making.maker.value,
        "operation_id": making.operation_id,
        "created_us": making.created_us,
    }
