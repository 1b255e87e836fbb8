"""How far extraction lags behind, for the figures of the house."""

from __future__ import annotations

from sqlalchemy import Connection, and_, func, literal, select, text, union_all

from domain.gl_extraction.tables import BUCKETS, accounting_detail, accounting_detail_pending

COUNTED_MAX = 100_000
"""So many pending details are counted; more are estimated."""

_ESTIMATE = text("SELECT reltuples::bigint FROM pg_class WHERE oid = 'accounting_detail_pending'::regclass")

_p, _d = accounting_detail_pending.c, accounting_detail.c


def pending(tx: Connection) -> int:
    """How many details are not extracted; beyond COUNTED_MAX an estimate on PostgreSQL, and that number on SQLite.

    Cost: reads at most so many keys, and one row of the catalog.
    """
    some = select(literal(1)).select_from(accounting_detail_pending).limit(COUNTED_MAX).subquery()
    counted: int = tx.execute(select(func.count()).select_from(some)).scalar_one()
    if counted < COUNTED_MAX or tx.dialect.name != "postgresql":
        return counted
    return max(counted, int(tx.execute(_ESTIMATE).scalar_one()))


def oldest_us(tx: Connection) -> int:
    """When the oldest detail that is not extracted was created; 0 when there is none.

    Ids grow with time, so the first of each bucket is its oldest. Cost: one statement, a key and a row for each bucket.
    """
    buckets = union_all(*(select(literal(bucket).label("bucket")) for bucket in range(BUCKETS))).subquery()
    first = select(func.min(_p.detail_id)).where(_p.bucket == buckets.c.bucket).scalar_subquery()
    firsts = select(buckets.c.bucket, first.label("detail_id")).subquery()
    same = and_(_d.bucket == firsts.c.bucket, _d.detail_id == firsts.c.detail_id)
    query = select(func.coalesce(func.min(_d.created_us), 0)).select_from(firsts.join(accounting_detail, same))
    return int(tx.execute(query).scalar_one())
