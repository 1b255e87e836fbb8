"""Joins whose cost does not hang on what the planner happens to know.

The rows of a run are few beside all that is there, and fresh: statistics know nothing of them. Left alone, PostgreSQL
has been seen to pair a million stamps with a scan of all details for each (hours), and to walk a whole bucket by an
index that has no use for the id. Going by key costs the same whatever else is there: 1.1 µs a detail, against 0.5 µs
for the best plan and no bound for the worst. SQLite joins by key anyway, if it begins at the right end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Join, and_, case, select, true
from sqlalchemy.sql.selectable import ScalarSelect

from domain.gl_extraction.tables import accounting_detail

_OTHERS = ("hashjoin", "mergejoin", "seqscan", "bitmapscan", "material")
_BY_KEY = "; ".join(["SET LOCAL jit = off", *(f"SET LOCAL enable_{other} = off" for other in _OTHERS)])
_BY_HASH = "SET LOCAL enable_sort = off; SET LOCAL work_mem = '64MB'"
_d = accounting_detail.c


def probe_by_key(tx: Connection) -> None:
    """For the rest of the transaction, have PostgreSQL go by index, row by row; compiling that gains nothing."""
    if tx.dialect.name == "postgresql":
        tx.exec_driver_sql(_BY_KEY)


def group_by_hash(tx: Connection) -> None:
    """For the rest of the transaction, have PostgreSQL group by hash, in twice 64 MB at most; beyond that on disk.

    Sorting a million rows to group them costs a fifth more; SQLite knows no other way.
    """
    if tx.dialect.name == "postgresql":
        tx.exec_driver_sql(_BY_HASH)


def with_details(tx: Connection, keys: FromClause, columns: Sequence[ColumnElement[Any]]) -> tuple[Join, Any]:
    """`keys` (of `bucket` and `detail_id`) joined with `columns` of their details; gives the join and those columns."""
    if tx.dialect.name != "postgresql":
        return keys.join(accounting_detail, of_key(keys.c)), _d
    # OFFSET 0 keeps the subquery as it is written: one look by primary key for each key.
    details = select(*columns).where(_same(keys.c)).offset(0).lateral("detail")
    return keys.join(details, true()), details.c


def of_key(keys: Any) -> ColumnElement[bool]:  # noqa: ANN401
    """The detail that a row's `bucket` and `detail_id` name: looked up for the row, never the row for it (`+ 0`)."""
    return and_(_d.bucket == keys.bucket + 0, _d.detail_id == keys.detail_id + 0)


def asked_of_pair(keys: Any, terms: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:  # noqa: ANN401
    """Conditions on the detail, written as one on the pair of key and detail, that they may not begin a join.

    Without statistics PostgreSQL takes a few conditions on details to leave two of a million, begins with a walk
    through all of them, and looks for each at all keys of the range.
    """
    return case((keys.bucket >= 0, and_(*terms)))


def fact_of_detail(keys: Any, fact: ColumnElement[bool]) -> ScalarSelect[Any]:  # noqa: ANN401
    """A condition on the detail that a row's `bucket` and `detail_id` name, as a subquery that stays as it is."""
    return select(fact).where(_same(keys)).correlate_except(accounting_detail).scalar_subquery()


def _same(keys: Any) -> ColumnElement[bool]:  # noqa: ANN401
    return and_(_d.bucket == keys.bucket, _d.detail_id == keys.detail_id)
