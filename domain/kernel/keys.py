"""Many rows by keys of several columns, so asked for that either database goes along an index."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, and_, tuple_


def among(columns: Collection[Any], keys: Collection[tuple[Any, ...]]) -> ColumnElement[bool]:
    """Whether the columns hold one of the keys; there is an index that begins with the first column.

    SQLite looks through the whole table for rows of values alone; the first column's values beside them lead it.
    """
    assert keys, "nothing is among no keys: ask for nothing"
    first, *_ = columns
    return and_(first.in_(sorted({key[0] for key in keys})), tuple_(*columns).in_(sorted(keys)))
