"""Details are marked as invoiced once an invoice is published (INV-08): a mark, as all that ever changes of a detail.

A stamp stays as it is: of a detail that was sent, the mark is sent by a resend alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

from domain.gl_extraction.details.rows import bucket_of_external_id

SourceKey = tuple[str, str]
"""The source of a detail and its external id."""

_WHERE = "d.voided_us = 0 AND d.invoiced_us = 0"
_ON_POSTGRESQL = text(
    "UPDATE accounting_detail d SET invoiced_us = :now_us"  # noqa: S608 - words of ours
    " FROM unnest(CAST(:buckets AS int[]), CAST(:sources AS text[]), CAST(:ids AS text[]))"
    " k(bucket, source, external_id)"
    f" WHERE d.bucket = k.bucket AND d.source = k.source AND d.external_id = k.external_id AND {_WHERE}"
)
_ON_SQLITE = text(
    "UPDATE accounting_detail AS d SET invoiced_us = :now_us"  # noqa: S608 - as above
    f" WHERE d.bucket = :bucket AND d.source = :source AND d.external_id = :id AND {_WHERE}"
)


def mark_invoiced(tx: Connection, keys: Sequence[SourceKey], now_us: int) -> int:
    """Mark those of some details that there are, and that are neither void nor marked yet; gives how many.

    Cost: on PostgreSQL one statement, on SQLite one for each key, along detail_external_id_unique.
    """
    if not keys:
        return 0
    placed = sorted((bucket_of_external_id(source, external_id), source, external_id) for source, external_id in keys)
    if tx.dialect.name == "postgresql":
        buckets, sources, ids = map(list, zip(*placed, strict=True))
        values = {"now_us": now_us, "buckets": buckets, "sources": sources, "ids": ids}
        return tx.execute(_ON_POSTGRESQL, values).rowcount
    rows = [{"now_us": now_us, "bucket": each[0], "source": each[1], "id": each[2]} for each in placed]
    return tx.execute(_ON_SQLITE, rows).rowcount
