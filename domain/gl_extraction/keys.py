"""Finding details by their ids: by key, on either database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from domain.gl_extraction.names import bucket_of


def is_one_of(columns: Any, ids: Iterable[int]) -> ColumnElement[bool]:  # noqa: ANN401 - a table's columns
    """Whether a row's `bucket` and `detail_id` are those of one of the details; there must be one.

    Said bucket by bucket: given a list of pairs, SQLite reads the whole table (seen with 3.40).
    """
    by_bucket: dict[int, list[int]] = {}
    for detail_id in ids:
        by_bucket.setdefault(bucket_of(detail_id), []).append(detail_id)
    assert by_bucket
    terms = (and_(columns.bucket == bucket, columns.detail_id.in_(some)) for bucket, some in sorted(by_bucket.items()))
    return or_(*terms)
