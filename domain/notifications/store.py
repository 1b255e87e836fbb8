"""The SQL of notification endpoints; one statement a function, by primary key unless said otherwise."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from domain.kernel import scopes
from domain.kernel.documents import from_text, to_text
from domain.notifications.model import Endpoint
from domain.notifications.tables import notification_endpoint as table

Seen = frozenset[int] | None


def insert_endpoint(tx: Connection, endpoint: Endpoint) -> None:
    """Insert it."""
    tx.execute(insert(table).values(**_columns(endpoint)))


def change(tx: Connection, endpoint: Endpoint, *, from_version: int) -> bool:
    """Put it in place of its `from_version`; False when that version is no longer there."""
    here = (table.c.endpoint_id == endpoint.endpoint_id, table.c.version == from_version)
    return tx.execute(update(table).where(*here).values(**_columns(endpoint))).rowcount == 1


def delete_endpoint(tx: Connection, endpoint: Endpoint) -> bool:
    """Delete this version of it; False when that is no longer there."""
    here = (table.c.endpoint_id == endpoint.endpoint_id, table.c.version == endpoint.version)
    return tx.execute(delete(table).where(*here)).rowcount == 1


def find(tx: Connection, endpoint_id: str, seen: Seen = None) -> Endpoint | None:
    """The endpoint, if its scope is among those seen (None: all)."""
    here = (table.c.endpoint_id == endpoint_id, scopes.within(table.c.scope_id, seen))
    row = tx.execute(select(table).where(*here)).mappings().one_or_none()
    return None if row is None else _endpoint_from_row(row)


def page(tx: Connection, *, after: str, limit: int, seen: Seen = None) -> list[Endpoint]:
    """By id, which is by age, those behind `after`."""
    query = select(table).where(scopes.within(table.c.scope_id, seen), table.c.endpoint_id > after)
    return [_endpoint_from_row(row) for row in tx.execute(query.order_by(table.c.endpoint_id).limit(limit)).mappings()]


def enabled(tx: Connection) -> list[Endpoint]:
    """All that are not disabled. Cost: one statement over a small table."""
    query = select(table).where(table.c.disabled == 0).order_by(table.c.endpoint_id)
    return [_endpoint_from_row(row) for row in tx.execute(query).mappings()]


def count(tx: Connection) -> int:
    """How many there are. Cost: one statement over a small table."""
    return tx.execute(select(func.count()).select_from(table)).scalar_one()


def _columns(endpoint: Endpoint) -> dict[str, Any]:
    changes = {"event_types": to_text(list(endpoint.event_types)), "disabled": int(endpoint.disabled)}
    return {**asdict(endpoint), **changes}


def _endpoint_from_row(row: RowMapping) -> Endpoint:
    changes = {"event_types": tuple(from_text(row["event_types"])), "disabled": bool(row["disabled"])}
    return Endpoint(**{**row, **changes})
