"""The SQL of workers and their leases."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, and_, delete, insert, select, update

from domain.operations.tables import worker


def insert_worker(tx: Connection, worker_id: str, *, host: str, pid: int, now_us: int, lease_until_us: int) -> None:
    """Cost: one statement."""
    tx.execute(
        insert(worker).values(worker_id=worker_id, host=host, pid=pid, started_us=now_us, lease_until_us=lease_until_us)
    )


def extend_lease(tx: Connection, worker_id: str, *, now_us: int, lease_until_us: int) -> bool:
    """Extend a lease that is not over; says whether it was. Cost: one statement by primary key."""
    mine = and_(worker.c.worker_id == worker_id, worker.c.lease_until_us >= now_us)
    return tx.execute(update(worker).where(mine).values(lease_until_us=lease_until_us)).rowcount == 1


def delete_workers(tx: Connection, worker_ids: Collection[str]) -> None:
    """Cost: one statement by primary keys."""
    tx.execute(delete(worker).where(worker.c.worker_id.in_(worker_ids)))


def workers_on(tx: Connection, host: str) -> dict[str, int]:
    """Process ids of the workers of a host, by worker id. Cost: one statement over a table of a few rows."""
    return {row.worker_id: row.pid for row in tx.execute(select(worker).where(worker.c.host == host))}
