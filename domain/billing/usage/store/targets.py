"""The SQL of which profiles data come in for: one statement, by primary key."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection

from domain.kernel.documents import to_text
from domain.kernel.script import Script

_READ = (
    "SELECT p.account_id, p.profile_id, p.agreement_id, p.time_zone, p.type_code, a.cycle_code FROM {keys}"
    " CROSS JOIN profile p JOIN billing_account a ON a.account_id = p.account_id"
    " WHERE p.account_id = {account} AND p.profile_id = {profile}"
)
_POSTGRESQL = _READ.format(
    keys="unnest(CAST(? AS text[]), CAST(? AS text[])) k (account_id, profile_id)",
    account="k.account_id",
    profile="k.profile_id",
)
_SQLITE = _READ.format(
    keys="json_each(?) k", account="json_extract(k.value, '$[0]')", profile="json_extract(k.value, '$[1]')"
)


class Found(NamedTuple):
    """A profile, and the bill cycle of its account."""

    account: str
    profile: str
    agreement: str
    zone: str
    type_code: str
    cycle_code: str


def profiles(tx: Connection, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Found]:
    """Those of the profiles that there are, by account and profile. Cost: one statement."""
    if not keys:
        return {}
    if tx.dialect.name == "postgresql":
        accounts, names = zip(*sorted(keys), strict=True)
        rows = Script(tx).ask(_POSTGRESQL, list(accounts), list(names))
    else:
        rows = Script(tx).ask(_SQLITE, to_text([list(key) for key in sorted(keys)]))
    return {(row[0], row[1]): Found(*row) for row in rows}
