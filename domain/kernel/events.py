"""One append-only event table, which the audit trail reads.

An event is written in the use case's own transaction, so that it is there exactly when what it tells of is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, exists, or_, select

from domain.kernel import scopes
from domain.kernel.bulk import Cell, insert_sheets
from domain.kernel.documents import Document, from_text, to_text
from domain.kernel.ids import first_id, new_id, some_ids
from domain.kernel.scopes import EVERYTHING, Scope
from domain.kernel.script import Script
from domain.kernel.tables import event

if TYPE_CHECKING:
    from domain.kernel.call import Call


_COLUMNS = (
    "owner",
    "sequence",
    "event_id",
    "type",
    "at_us",
    "caller",
    "method",
    "request_id",
    "operation_id",
    "audit",
    "payload",
    "scope_id",
)
_NEXT = "(SELECT coalesce(max(sequence), 0) + 1 FROM event WHERE owner = ?)"
_VALUES = f"?, {_NEXT}, {', '.join('?' * (len(_COLUMNS) - 2))}"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to `owner` (a resource name), the `sequence`-th of its events."""

    owner: str
    sequence: int
    event_id: str
    type: str
    at_us: int
    caller: str
    method: str
    request_id: str
    operation_id: str
    payload: Document


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which audit entries; the empty string and 0 mean any. `before_us` is exclusive."""

    resource: str = ""
    caller: str = ""
    type: str = ""
    operation_id: str = ""
    from_us: int = 0
    before_us: int = 0


def append(
    tx: Connection,
    call: Call,
    owner: str,
    kind: str,
    payload: Document,
    *,
    audit: bool = True,
    scope_id: int | None = None,
) -> str:
    """Record that `kind` happened to `owner`; gives the event's id.

    `payload` holds `from` and `to` for a change of one thing; selection, counts and totals for bulk work (PLT-11).
    `scope_id` is that of what the event concerns, where this is told apart from the call's: those who see so much see
    the event (PLT-14).

    Cost: one statement, and one more for a call of limited scope; two writers of one owner's events collide on the
    primary key, and the transaction is run again.
    """
    script = Script(tx)
    known_id = scopes.intern(tx, call.scope) if scope_id is None else scope_id
    event_id = add(script, call, owner, kind, payload, audit=audit, scope_id=known_id)
    script.run()
    return event_id


def add(
    script: Script, call: Call, owner: str, kind: str, payload: Document, *, scope_id: int, audit: bool = True
) -> str:
    """As `append`, by a script. Cost: one statement of the script."""
    row = _row(call, owner, kind, payload, scope_id, audit=audit)
    script.insert("event", _COLUMNS, [row], values=_VALUES)
    return str(row[2])


def add_all(script: Script, call: Call, entries: Sequence[tuple[str, str, Document, int]]) -> None:
    """As `add`, for several owners, each once: owner, kind, payload and scope id. Cost: one statement for 200."""
    rows = [_row(call, *entry, audit=True) for entry in entries]
    script.insert("event", _COLUMNS, rows, values=_VALUES)


def add_first(
    tx: Connection, call: Call, owners: Sequence[str], kind: str, payload: Document, *, scope_id: int
) -> None:
    """The first event of each of these owners, which are new, with one payload. Cost: that of `insert_sheets`."""
    rows = len(owners)
    ids = some_ids(call.now_us, new_id(call.now_us), rows)
    told = (ids, kind, call.now_us, call.caller, call.method, call.request_id, call.operation_id, 1, to_text(payload))
    insert_sheets(tx, "event", [(rows, dict(zip(_COLUMNS, (list(owners), 1, *told, scope_id), strict=True)))])


def _row(call: Call, owner: str, kind: str, payload: Document, scope_id: int, *, audit: bool) -> tuple[Cell, ...]:
    told = (owner, owner, new_id(call.now_us), kind, call.now_us, call.caller, call.method, call.request_id)
    return (*told, call.operation_id, int(audit), to_text(payload), scope_id)


def list_audit(
    tx: Connection, wanted: AuditFilter, *, before_id: str, limit: int, scope: Scope = EVERYTHING
) -> list[Event]:
    """Audit entries that the scope covers, newest first, from the one before `before_id` on (empty: the newest)."""
    query = select(event).where(event.c.audit == 1).order_by(event.c.event_id.desc()).limit(limit)
    query = query.where(scopes.within(event.c.scope_id, scopes.visible(tx, scope))) if scope.limited else query
    for column, value in (
        (event.c.owner, wanted.resource),
        (event.c.caller, wanted.caller),
        (event.c.type, wanted.type),
        (event.c.operation_id, wanted.operation_id),
    ):
        query = query.where(column == value) if value else query
    query = query.where(event.c.at_us >= wanted.from_us) if wanted.from_us else query
    query = query.where(event.c.at_us < wanted.before_us) if wanted.before_us else query
    query = query.where(event.c.event_id < before_id) if before_id else query
    return [_event_from_row(row._mapping) for row in tx.execute(query)]  # noqa: SLF001


def forget_before(
    tx: Connection, before_us: int, *, after_id: str, limit: int, last_words: Collection[str]
) -> tuple[int, str]:
    """Delete events from before an instant, among the `limit` oldest behind `after_id`.

    The newest event of an owner stays, as it holds the place of the sequence, unless its type is one of `last_words`,
    after which nothing is ever said of the owner again. Gives how many were deleted, and the id to go on from; empty
    once there are no more. Cost: two statements along event_id_unique.
    """
    old = select(event.c.event_id).where(event.c.event_id > after_id, event.c.event_id < first_id(before_us))
    ids = tx.execute(old.order_by(event.c.event_id).limit(limit)).scalars().all()
    if not ids:
        return 0, ""
    later = event.alias("later")
    outlived = exists().where(later.c.owner == event.c.owner, later.c.sequence > event.c.sequence)
    over = or_(outlived, event.c.type.in_(last_words))
    count = tx.execute(delete(event).where(event.c.event_id.in_(ids), over)).rowcount
    return count, ids[-1] if len(ids) == limit else ""


def _event_from_row(row) -> Event:  # type: ignore[no-untyped-def]  # noqa: ANN001
    return Event(
        owner=row["owner"],
        sequence=row["sequence"],
        event_id=row["event_id"],
        type=row["type"],
        at_us=row["at_us"],
        caller=row["caller"],
        method=row["method"],
        request_id=row["request_id"],
        operation_id=row["operation_id"],
        payload=from_text(row["payload"]),
    )
