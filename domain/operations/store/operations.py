"""The SQL of operations."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, and_, delete, insert, select, text, tuple_, update

from domain.kernel import scopes
from domain.kernel.documents import from_text, to_text
from domain.kernel.ids import first_id
from domain.operations.model import Notice, Operation, Severity, StageProgress, State
from domain.operations.states import Standing
from domain.operations.store.failures import failure_from_text, failure_to_text
from domain.operations.tables import operation

_SETTLED = (State.SUCCEEDED, State.CANCELED)  # a failed one may still be recovered, or put back


def insert_operation(tx: Connection, standing: Standing) -> None:
    """Cost: one statement."""
    tx.execute(insert(operation).values(**_fixed_columns(standing.operation), **_moving_columns(standing)))


def save_operation(tx: Connection, standing: Standing) -> None:
    """Cost: one statement by primary key; the row is locked already."""
    tx.execute(
        update(operation)
        .where(operation.c.operation_id == standing.operation.operation_id)
        .values(**_moving_columns(standing))
    )


def find_operation(tx: Connection, operation_id: str) -> Operation | None:
    """Cost: one statement by primary key."""
    standing = _standing(tx, select(operation).where(operation.c.operation_id == operation_id))
    return standing.operation if standing else None


def lock_operation(tx: Connection, operation_id: str) -> Standing | None:
    """Lock the operation's row until the transaction ends. Cost: one statement by primary key."""
    return _standing(tx, select(operation).where(operation.c.operation_id == operation_id).with_for_update())


def list_operations(
    tx: Connection,
    *,
    states: Collection[State],
    method: str,
    after: tuple[int, str] | None,
    limit: int,
    seen: Collection[int] | None = None,
) -> list[Operation]:
    """Newest first, after the key (created_us, operation_id), those of the scopes (ids) `seen`; None: all.

    Cost: one statement along ix_operation_created, or along ix_operation_scope and sorted.
    """
    key = tuple_(operation.c.created_us, operation.c.operation_id)
    query = select(operation).order_by(operation.c.created_us.desc(), operation.c.operation_id.desc()).limit(limit)
    query = query.where(operation.c.state.in_(sorted(states))) if states else query
    query = query.where(operation.c.method == method) if method else query
    query = query.where(key < after) if after else query
    query = query.where(scopes.within(operation.c.scope_id, seen)) if seen is not None else query
    return [_standing_from_row(row).operation for row in tx.execute(query).mappings()]


_CHANGED = {
    "postgresql": text(
        "SELECT known.key AS operation_id, o.revision FROM json_each_text(:known) known"
        ' LEFT JOIN operation o ON o.operation_id = known.key COLLATE "C"'
        " WHERE o.revision IS DISTINCT FROM CAST(known.value AS BIGINT)"
    ),
    "sqlite": text(
        "SELECT known.key AS operation_id, o.revision FROM json_each(:known) known"
        " LEFT JOIN operation o ON o.operation_id = known.key WHERE o.revision IS NOT known.value"
    ),
}


def changed_revisions(tx: Connection, known: Mapping[str, int]) -> dict[str, int | None]:
    """The present revision of each operation that has another one than known; None for those that are gone.

    Cost: one statement by primary keys, whose answer is as long as there are changes.
    """
    return {
        row.operation_id: row.revision for row in tx.execute(_CHANGED[tx.dialect.name], {"known": to_text(dict(known))})
    }


def delete_operation(tx: Connection, operation_id: str) -> None:
    """Cost: one statement by primary key."""
    tx.execute(delete(operation).where(operation.c.operation_id == operation_id))


def ids_before(tx: Connection, before_us: int, *, after_id: str, limit: int) -> list[str]:
    """The ids of the oldest operations behind `after_id` that were made before an instant.

    Cost: one statement along the primary key.
    """
    query = select(operation.c.operation_id).where(operation.c.operation_id > after_id)
    query = query.where(operation.c.operation_id < first_id(before_us))
    return list(tx.execute(query.order_by(operation.c.operation_id).limit(limit)).scalars())


def delete_settled(tx: Connection, ids: Collection[str], before_us: int) -> list[tuple[str, State, int]]:
    """Delete those of the operations that ended well, or were canceled, before an instant.

    Gives id, state and scope of each.

    Cost: one statement by primary keys.
    """
    settled = and_(operation.c.ended_us > 0, operation.c.ended_us < before_us, operation.c.state.in_(_SETTLED))
    statement = delete(operation).where(operation.c.operation_id.in_(ids), settled)
    deleted = tx.execute(statement.returning(operation.c.operation_id, operation.c.state, operation.c.scope_id))
    return sorted((row.operation_id, State(row.state), row.scope_id) for row in deleted)


def _standing(tx: Connection, query: Select[Any]) -> Standing | None:
    row = tx.execute(query).mappings().one_or_none()
    return _standing_from_row(row) if row else None


def _standing_from_row(row: RowMapping) -> Standing:
    progress, failure = from_text(row["progress"]), failure_from_text(row["error"])
    state = State(row["state"])
    value = Operation(
        operation_id=row["operation_id"],
        kind=row["kind"],
        method=row["method"],
        state=state,
        stage=row["stage"],
        description=row["description"],
        caller=row["caller"],
        request_id=row["request_id"],
        revision=row["revision"],
        cancel_requested=bool(row["cancel_requested"]),
        recoveries=row["recoveries"],
        created_us=row["created_us"],
        started_us=row["started_us"],
        updated_us=row["updated_us"],
        ended_us=row["ended_us"],
        request=from_text(row["request"]),
        stages=tuple(StageProgress(**stage) for stage in progress["stages"]),
        counts=progress["counts"],
        notices=tuple(Notice(**{**notice, "severity": Severity(notice["severity"])}) for notice in progress["notices"]),
        result=from_text(row["result"]),
        failure=failure if state in {State.FAILED, State.CANCELED} else None,
        scope_id=row["scope_id"],
        traceparent=row["traceparent"],
    )
    return Standing(
        operation=value,
        chunks_made=row["chunks_made"],
        chunks_open=row["chunks_open"],
        chunks_failed=row["chunks_failed"],
        failure=failure,
    )


def _fixed_columns(value: Operation) -> dict[str, Any]:
    return {
        "operation_id": value.operation_id,
        "kind": value.kind,
        "method": value.method,
        "description": value.description,
        "caller": value.caller,
        "request_id": value.request_id,
        "created_us": value.created_us,
        "request": to_text(value.request),
        "scope_id": value.scope_id,
        "traceparent": value.traceparent,
    }


def _moving_columns(standing: Standing) -> dict[str, Any]:
    value = standing.operation
    progress = {
        "stages": [asdict(stage) for stage in value.stages],
        "counts": value.counts,
        "notices": [asdict(notice) for notice in value.notices],
    }
    return {
        "state": value.state,
        "stage": value.stage,
        "revision": value.revision,
        "cancel_requested": int(value.cancel_requested),
        "recoveries": value.recoveries,
        "chunks_made": standing.chunks_made,
        "chunks_open": standing.chunks_open,
        "chunks_failed": standing.chunks_failed,
        "started_us": value.started_us,
        "updated_us": value.updated_us,
        "ended_us": value.ended_us,
        "progress": to_text(progress),
        "result": to_text(value.result),
        "error": failure_to_text(standing.failure),
    }
