"""How the tables grow, and what retention makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Select, func, select, text

from domain.approvals.tables import approval
from domain.deliveries.tables import delivery
from domain.kernel import duties
from domain.kernel.clock import now_us
from domain.kernel.columns import metadata
from domain.kernel.ids import first_id
from domain.kernel.tables import event, idempotency
from domain.operations.tables import operation
from server.database.failures import DatabaseTooSlow
from server.database.transaction import Database
from server.doctor.model import Finding, Patient, ago, ok, size, warn
from server.work.retention import DAY_US, DUTY, KINDS

_SHOWN = 5
_COUNT_S = 2.0  # so long a table is counted
_LATE_S = 3 * 3_600
_POSTGRESQL = text(
    "SELECT c.relname AS name, pg_total_relation_size(c.oid) AS bytes, greatest(c.reltuples, s.n_live_tup, 0) AS rows,"
    " s.n_dead_tup AS dead FROM pg_class c JOIN pg_stat_user_tables s ON s.relid = c.oid WHERE c.relkind = 'r'"
)
_DEAD_SHARE, _DEAD_MIN = 0.4, 100_000


@dataclass(frozen=True, slots=True)
class _Size:
    name: str
    rows: int | None  # None: more than could be counted
    bytes: int | None
    dead: int = 0


def tables(_patient: Patient, database: Database) -> Iterator[Finding]:
    """The largest tables, by rows and bytes."""
    sizes = database.read(_on_postgresql) if database.dialect == "postgresql" else list(_on_sqlite(database))
    largest = sorted(sizes, key=lambda one: (one.bytes or 0, one.rows is None, one.rows or 0), reverse=True)[:_SHOWN]
    yield ok("largest: " + "; ".join(map(_told, largest)))
    whole = database.read(_whole_size)
    yield ok(f"the database takes {size(whole)}")
    for one in sizes:
        if one.dead > _DEAD_MIN and one.dead > _DEAD_SHARE * (one.rows or 0):
            yield warn(f"{one.name} holds {one.dead:,} dead rows", f"let autovacuum keep up, or run VACUUM {one.name}")


def forgetting(patient: Patient, database: Database) -> Iterator[Finding]:
    """Whether what is old is being forgotten, and how much of it there is."""
    duty = database.read(lambda tx: duties.look(tx, DUTY))
    at_us = database.read(now_us)
    waiting = {kind: count for kind, count in _waiting(patient, database, at_us) if count != 0}
    lots = ", ".join(f"{'very many' if count is None else f'{count:,}'} of {kind}" for kind, count in waiting.items())
    would = f"; would free {lots}" if lots else ""
    advice = "see that a worker process runs: countinghouse work, or serve without --no-jobs"
    if not duty.done_us:
        yield (warn(f"nothing was ever forgotten{would}", advice) if lots else ok("nothing is old enough yet"))
        return
    age_s = (at_us - duty.done_us) / 1_000_000
    failed = duty.outcome.get("failed") or []
    done = f"last done {ago(age_s)} ago, {sum((duty.outcome.get('forgotten') or {}).values()):,} rows{would}"
    if failed:
        yield warn(f"{done}; failed for {', '.join(map(str, failed))}", "the worker's log says why")
    elif age_s > _LATE_S:
        yield warn(done, advice)
    else:
        yield ok(done)


def _waiting(patient: Patient, database: Database, at_us: int) -> Iterator[tuple[str, int | None]]:
    """How many rows are older than their setting says, by kind."""
    for kind in KINDS:
        query = _old(kind.name, at_us - getattr(patient.settings, kind.days) * DAY_US)
        if query is not None:
            yield kind.name, _counted(database, query)


def _old(kind: str, before_us: int) -> Select[int] | None:
    """Counts, along an index, what is old of a kind; None where no index goes by age."""
    conditions = {
        "idempotency": idempotency.c.created_us < before_us,
        "deliveries": (delivery.c.ended_us > 0) & (delivery.c.ended_us < before_us),
        "approvals": (approval.c.approval_id < first_id(before_us)) & (approval.c.expire_us < before_us),
        "operations": (operation.c.operation_id < first_id(before_us))
        & (operation.c.ended_us > 0)
        & (operation.c.state != "FAILED"),
        "audit": event.c.event_id < first_id(before_us),
    }
    return select(func.count()).where(conditions[kind]) if kind in conditions else None


def _counted(database: Database, query: Select[int]) -> int | None:
    try:
        return database.read(lambda tx: tx.execute(query).scalar_one(), timeout_s=_COUNT_S)
    except DatabaseTooSlow:
        return None


def _on_postgresql(tx: Connection) -> list[_Size]:
    """By the statistics, which cost nothing. Rows are those of the last ANALYZE."""
    return [_Size(row.name, int(row.rows), int(row.bytes), int(row.dead)) for row in tx.execute(_POSTGRESQL)]


def _on_sqlite(database: Database) -> Iterator[_Size]:
    for table in metadata.sorted_tables:
        yield _Size(table.name, _counted(database, select(func.count()).select_from(table)), None)


def _whole_size(tx: Connection) -> int:
    if tx.dialect.name == "postgresql":
        return int(tx.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    pages = tx.execute(text("PRAGMA page_count")).scalar_one()
    return int(pages) * int(tx.execute(text("PRAGMA page_size")).scalar_one())


def _told(one: _Size) -> str:
    rows = "very many rows" if one.rows is None else f"{one.rows:,} rows"
    return f"{one.name} {rows}" if one.bytes is None else f"{one.name} {rows}, {size(one.bytes)}"
