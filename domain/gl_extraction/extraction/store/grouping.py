"""SQL that adds details up into elements, in one statement (GLX-16).

The order is total and the same everywhere: by the bytes of the bulking group and the currency, then by the indicators.
Whatever does not fit into a bounded memory goes to disk while it is grouped: memory stays flat (GLX-22).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, and_, case, cast, func, insert, literal, select

from domain.gl_extraction.extraction.elements import AGREED_COLUMNS, DAY_COLUMNS, KEY_COLUMNS, TOLD_COLUMNS
from domain.gl_extraction.extraction.model import Selection
from domain.gl_extraction.extraction.store import stamping
from domain.gl_extraction.extraction.store.planner import group_by_hash, probe_by_key, with_details
from domain.gl_extraction.tables import BUCKETS, accounting_detail, extraction_element, extraction_stamp
from domain.kernel.columns import INT64

_GATHERED = "gathered_elements"  # a temporary table, of the connection alone
_READ = (
    "bulking_group",
    "currency",
    "reversal",
    "invoiced_us",
    "voided_us",
    "debit_minor",
    "credit_minor",
    "subject_type",
)


def group(tx: Connection, batch_no: int, coded: Sequence[str]) -> None:
    """Add the batch's stamped, non-void details up into its elements, numbered from 1.

    `coded` are the free fields that any of them uses; the others stay empty. Raises, from the driver: a sum beyond 63
    bits. Cost: one statement, which reads each detail by its key.
    """
    probe_by_key(tx)
    group_by_hash(tx)
    elements = _elements(tx, batch_no, coded).subquery("grouped")
    order = [elements.c[name] for name in KEY_COLUMNS]
    rows = select(literal(batch_no, INT64), func.row_number().over(order_by=order), *elements.c)
    tx.execute(insert(extraction_element).from_select(["batch_no", "element_no", *elements.c.keys()], rows))


def gather(tx: Connection, batch_no: int, coded: Sequence[str]) -> None:
    """Add them up into a temporary table, for `copy_gathered` to take over: SQLite's writer is free meanwhile."""
    statement = _elements(tx, batch_no, coded).order_by(*KEY_COLUMNS)
    text = statement.compile(tx, compile_kwargs={"literal_binds": True})
    tx.exec_driver_sql(f"DROP TABLE IF EXISTS temp.{_GATHERED}")
    tx.exec_driver_sql(f"CREATE TEMP TABLE {_GATHERED} AS {text}")


def copy_gathered(tx: Connection, batch_no: int, coded: Sequence[str]) -> None:
    """Take over what `gather` left on this connection, in its order."""
    names = ", ".join(_elements(tx, batch_no, coded).selected_columns.keys())
    rows = f"SELECT {batch_no}, rowid, {names} FROM temp.{_GATHERED} ORDER BY rowid"  # noqa: S608 - names of ours
    tx.exec_driver_sql(f"INSERT INTO extraction_element (batch_no, element_no, {names}) {rows}")


def sums_of_selection(tx: Connection, selection: Selection) -> Select[Any]:
    """What the selection would now come to: of each element the key, the sums, the count and what was emptied."""
    keys = stamping.candidates(selection)
    return _added_up(tx, keys, (), stamping.WANTED_COLUMNS, partial(stamping.wanted, selection))


def _elements(tx: Connection, batch_no: int, coded: Sequence[str]) -> Select[Any]:
    """The elements that the batch's stamped details come to, with all their fields."""
    stamps = extraction_stamp.c
    mine = (stamps.bucket.in_(range(BUCKETS)), stamps.batch_no == batch_no)
    keys = select(stamps.bucket, stamps.detail_id).where(*mine).subquery("stamped")
    return _added_up(tx, keys, (*AGREED_COLUMNS, *coded), (), lambda d: [d.voided_us == 0])


def _added_up(
    tx: Connection,
    keys: FromClause,
    fields: Sequence[str],
    asked: Sequence[str],
    condition: Callable[[Any], Sequence[ColumnElement[bool]]],
) -> Select[Any]:
    """The elements, with `fields` beside key and sums, of the details that `keys` names by `bucket` and `detail_id`.

    `condition` says which of them count, by their columns; `asked` are those it needs that elements do not.
    """
    read = dict.fromkeys((*_READ, *TOLD_COLUMNS, *fields, *asked))
    joined, d = with_details(tx, keys, [accounting_detail.c[name] for name in read])
    invoiced = case((d.invoiced_us > 0, 1), else_=0)
    key = (d.bulking_group, d.currency, d.reversal, invoiced)
    return (
        select(
            *key[:3],
            invoiced.label("invoiced"),
            cast(func.sum(d.debit_minor), INT64).label("debit_minor"),
            cast(func.sum(d.credit_minor), INT64).label("credit_minor"),
            func.count().label("detail_count"),
            _emptied(d).label("emptied"),
            *(_agreed(d, name).label(name) for name in fields),
        )
        .select_from(joined)
        .where(*condition(d))
        .group_by(*key)
    )


def _emptied(d: Any) -> ColumnElement[int]:  # noqa: ANN401
    """Bit i says that the details disagree on TOLD_COLUMNS[i]."""
    bits: Any = literal(0)
    for bit, name in enumerate(TOLD_COLUMNS):
        bits = bits + case((func.min(d[name]) == func.max(d[name]), 0), else_=1 << bit)
    return bits  # type: ignore[no-any-return]


def _agreed(d: Any, name: str) -> ColumnElement[Any]:  # noqa: ANN401
    """The value on which all details agree, else none; a subject agrees with its type."""
    agrees = func.min(d[name]) == func.max(d[name])
    if name == "subject":
        agrees = and_(agrees, func.min(d.subject_type) == func.max(d.subject_type))
    return case((agrees, func.min(d[name])), else_=0 if name in DAY_COLUMNS else "")
