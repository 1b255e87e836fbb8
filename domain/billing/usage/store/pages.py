"""The SQL of what is kept of one profile, page by page: one statement along the primary key."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, select

from domain.billing.configuration.model import ProfileKind
from domain.billing.tables import interval_data, register_read
from domain.kernel.quantities import joined

_COLUMNS = {ProfileKind.INTERVALS: interval_data.c.start_us, ProfileKind.REGISTER: register_read.c.at_us}


class Kept(NamedTuple):
    """An interval or a read, with the value that holds; a quantity is attos, instants are microseconds UTC."""

    at_us: int
    attos: int
    estimated: bool
    revision: int
    received_us: int


def page(
    tx: Connection, kind: ProfileKind, key: tuple[str, str], *, from_us: int, until_us: int, limit: int
) -> list[Kept]:
    """At most `limit` rows of a profile by time, of those within [from, until)."""
    at = _COLUMNS[kind]
    c = at.table.c
    query = (
        select(at, c.units, c.nanos, c.attos, c.estimated, c.revision, c.received_us)
        .where(c.account_id == key[0], c.profile_id == key[1], at >= from_us, at < until_us)
        .order_by(at)
        .limit(limit)
    )
    return [
        Kept(row[0], joined(*row[1:4]), bool(row.estimated), row.revision, row.received_us) for row in tx.execute(query)
    ]
