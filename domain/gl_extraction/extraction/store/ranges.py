"""Cutting a selection into key ranges (PLT-23): once, from what is there at that moment.

A range is some buckets and an interval of detail ids. Ids grow, so that the highest id seen when the ranges are cut
leaves out whatever arrives later: it is for the next run (GLX-20).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, Table, func, select

from domain.gl_extraction.tables import BUCKETS, accounting_detail, accounting_detail_pending, extraction_stamp


@dataclass(frozen=True, slots=True)
class Range:
    """Details of the buckets `bucket_from` to `bucket_to` with ids from `id_from` to `id_to`, all inclusive.

    `items` is how many rows there were when it was cut; 0 where counting would mean reading everything.
    """

    bucket_from: int
    bucket_to: int
    id_from: int
    id_to: int
    items: int

    @property
    def buckets(self) -> list[int]:
        """The buckets one by one: equality on the bucket lets every index on (bucket, …, id) be used to the full."""
        return list(range(self.bucket_from, self.bucket_to + 1))


def cut_pending(tx: Connection, size: int) -> list[Range]:
    """Ranges of about `size` pending details. Cost: reads the pending keys once, twice where they are many."""
    return _cut_counted(tx, accounting_detail_pending, (), size)


def cut_stamped(tx: Connection, batch_no: int, size: int) -> list[Range]:
    """Ranges of about `size` stamps of a batch. Cost: as `cut_pending`, on the batch's keys."""
    stamps = extraction_stamp.c
    return _cut_counted(tx, extraction_stamp, (stamps.bucket.in_(range(BUCKETS)), stamps.batch_no == batch_no), size)


def cut_all(tx: Connection, size: int) -> list[Range]:
    """Ranges of about `size` details, over all there are.

    Details are spread evenly by their hash, so that the first bucket stands for all. Cost: reads one bucket's keys.
    """
    table = accounting_detail
    highest: int | None = tx.execute(select(func.max(_highest_ids()))).scalar_one()
    if highest is None:
        return []
    points = list(_points(tx, select(table.c.detail_id).where(table.c.bucket == 0), table, highest, size))
    if points:
        bands = _bands(points, highest)
        return [Range(bucket, bucket, low, high, 0) for low, high in bands for bucket in range(BUCKETS)]
    few = tx.execute(select(func.count()).select_from(table).where(table.c.bucket == 0)).scalar_one()
    step = max(1, size // max(1, few))
    return [Range(at, min(at + step, BUCKETS) - 1, 0, highest, 0) for at in range(0, BUCKETS, step)]


def _highest_ids() -> Any:  # noqa: ANN401 - a union of scalar selects has no name worth spelling
    bucket = accounting_detail.c.bucket
    one = [select(func.max(accounting_detail.c.detail_id).label("highest")).where(bucket == n) for n in range(BUCKETS)]
    return one[0].union_all(*one[1:]).subquery().c.highest


def _cut_counted(tx: Connection, table: Table[Any], where: Sequence[Any], size: int) -> list[Range]:
    counted = select(table.c.bucket, func.count(), func.max(table.c.detail_id)).where(*where).group_by(table.c.bucket)
    counts = [(int(bucket), int(count), int(highest)) for bucket, count, highest in tx.execute(counted)]
    if not counts:
        return []
    highest = max(row[2] for row in counts)
    largest, most, _ = max(counts, key=lambda row: row[1])
    if most <= size:
        return list(_packed(sorted(counts), highest, size))
    keys = select(table.c.detail_id).where(*where, table.c.bucket == largest)
    bands = _bands(list(_points(tx, keys, table, highest, size)), highest)
    return [
        Range(bucket, bucket, low, high, _share(count, part, len(bands)))
        for part, (low, high) in enumerate(bands)
        for bucket, count, _ in sorted(counts)
    ]


def _packed(counts: Sequence[tuple[int, int, int]], highest: int, size: int) -> Iterator[Range]:
    """Neighbouring buckets together as long as they hold at most `size` rows."""
    first, last, items = counts[0][0], counts[0][0], counts[0][1]
    for bucket, count, _ in counts[1:]:
        if items + count > size:
            yield Range(first, last, 0, highest, items)
            first, items = bucket, 0
        last, items = bucket, items + count
    yield Range(first, last, 0, highest, items)


def _points(tx: Connection, keys: Select[int], table: Table[Any], highest: int, size: int) -> Iterator[int]:
    """The ids at which a new band of `size` rows begins, the first band's left out."""
    low = 0
    while True:
        following = keys.where(table.c.detail_id >= low, table.c.detail_id <= highest)
        point = tx.execute(following.order_by(table.c.detail_id).limit(1).offset(size)).scalar_one_or_none()
        if point is None:
            return
        yield point
        low = point


def _bands(points: Sequence[int], highest: int) -> list[tuple[int, int]]:
    """The intervals between the points, from 0 to the highest id."""
    return list(zip([0, *points], [*(point - 1 for point in points), highest], strict=True))


def _share(count: int, part: int, parts: int) -> int:
    """What the `part`-th of `parts` shares of `count` comes to, so that the shares sum to it."""
    return count * (part + 1) // parts - count * part // parts
