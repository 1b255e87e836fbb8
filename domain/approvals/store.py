"""The SQL of approvals; one statement a function."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, literal, select, update

from domain.approvals.model import LIVE, Approval, State
from domain.approvals.tables import approval
from domain.kernel import scopes
from domain.kernel.columns import BYTES
from domain.kernel.ids import first_id

_a = approval.c
_TOLD = [column for column in approval.c if column.name != "digest"]


def add(tx: Connection, new: Approval, digest: bytes) -> None:
    """Insert the approval; a second live one of the same call violates `approval_of_a_call_unique`."""
    row: dict[str, Any] = {column.name: getattr(new, column.name) for column in _TOLD}
    tx.execute(insert(approval).values(**row, digest=digest))


def find(tx: Connection, approval_id: str, *, lock: bool = False) -> Approval | None:
    """The approval, if there is one; with `lock` it stays as it is until the transaction ends."""
    query = select(*_TOLD).where(_a.approval_id == approval_id)
    row = tx.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    return None if row is None else _from_row(row)


def find_live(tx: Connection, caller: str, method: str, digest: bytes) -> Approval | None:
    """The live approval of a call, locked until the transaction ends; by index."""
    of_call = (_a.caller == caller, _a.method == method, _a.digest == digest, _a.state.in_(LIVE))
    row = tx.execute(select(*_TOLD).where(*of_call).with_for_update()).mappings().one_or_none()
    return None if row is None else _from_row(row)


def page(
    tx: Connection, *, now_us: int, state: State | None, before_id: str, limit: int, seen: Collection[int] | None
) -> list[Approval]:
    """At most `limit` approvals, newest first, from the one before `before_id` on, without their requests.

    `seen` are the scopes (ids) whose approvals are asked for; None: all. What has expired by `now_us` is so.
    """
    columns = [literal(b"", BYTES).label("request") if column is _a.request else column for column in _TOLD]
    query = select(*columns).order_by(_a.approval_id.desc()).limit(limit)
    query = query.where(_a.approval_id < before_id) if before_id else query
    query = query.where(scopes.within(_a.scope_id, seen)) if seen is not None else query
    if state is State.EXPIRED:
        query = query.where(_a.state.in_((*LIVE, State.EXPIRED)), _a.expire_us <= now_us)
    elif state is not None:
        query = query.where(_a.state == state)
        query = query.where(_a.expire_us > now_us) if state in LIVE else query
    return [_from_row(row) for row in tx.execute(query).mappings()]


def change(tx: Connection, changed: Approval) -> None:
    """Put what changes of an approval in its place; the caller holds its lock."""
    statement = update(approval).where(_a.approval_id == changed.approval_id)
    tx.execute(
        statement.values(
            state=changed.state,
            decider=changed.decider,
            decided_us=changed.decided_us,
            reason=changed.reason,
            used_us=changed.used_us,
        )
    )


def forget_before(tx: Connection, before_us: int, limit: int) -> int:
    """Delete the oldest approvals that nobody could use any more by an instant, at most `limit`; gives how many."""
    old = select(_a.approval_id).where(_a.approval_id < first_id(before_us), _a.expire_us < before_us)
    ids = old.order_by(_a.approval_id).limit(limit).subquery()
    return tx.execute(delete(approval).where(_a.approval_id.in_(select(ids)))).rowcount


def _from_row(row: RowMapping) -> Approval:
    return Approval(**{**row, "state": State(row["state"]), "request": bytes(row["request"])})
