"""The SQL of recipients; by primary key."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, select

from domain.invoicing.configuration.model import Recipient, RecipientSettings
from domain.invoicing.tables import recipient, recipient_version
from domain.kernel.documents import from_text, to_text
from domain.kernel.script import Script
from domain.kernel.structures import document_of, value_from

_r, _v = recipient.c, recipient_version.c
_UNMADE = 0
"""The version of a row that a transaction has put down to have it locked, before it says what it is."""


def find(tx: Connection, account: str) -> Recipient | None:
    """The recipient of an account, if there is one."""
    found = _all(tx, select(recipient).where(_r.account_id == account))
    return found[0] if found else None


def find_version(tx: Connection, account: str, version: int) -> Recipient | None:
    """A recipient as of a version, if there was one; an old one has no times. Cost: two statements."""
    newest = find(tx, account)
    if newest is None or newest.version == version:
        return newest
    document = tx.execute(
        select(_v.document).where(_v.account_id == account, _v.version == version)
    ).scalar_one_or_none()
    return None if document is None else Recipient(account, _settings(document), version, 0, 0)


def as_of(tx: Connection, keys: AbstractSet[tuple[str, int]]) -> dict[tuple[str, int], RecipientSettings]:
    """By account and version, 0 for the newest, the recipients that there are. Cost: two statements at most."""
    if not keys:
        return {}
    accounts = sorted({account for account, _ in keys})
    query = select(recipient).where(_r.account_id.in_(accounts), _r.version > _UNMADE)
    newest = {each.account_id: each for each in _all(tx, query)}
    found = {}
    for account, version in keys:
        if (known := newest.get(account)) is not None and version in {0, known.version}:
            found[account, version] = known.settings
    if older := keys - found.keys():
        of, versions = ({key[at] for key in older} for at in (0, 1))
        kept = select(_v.account_id, _v.version, _v.document).where(_v.account_id.in_(of), _v.version.in_(versions))
        found |= {(row[0], row[1]): _settings(row[2]) for row in tx.execute(kept) if (row[0], row[1]) in older}
    return found


def page(tx: Connection, *, after: str, limit: int) -> list[Recipient]:
    """At most `limit` recipients by account, those behind the account `after`."""
    return _all(tx, select(recipient).where(_r.account_id > after).order_by(_r.account_id).limit(limit))


def lock(tx: Connection, accounts: Collection[str], *, missing_us: int = 0) -> dict[str, Recipient]:
    """The recipients of accounts, locked until the transaction ends; of those that have none, the right to give one.

    `missing_us` is the instant at which the latter come to be; 0: they are left alone. Cost: two statements for 200.
    """
    wanted = sorted(set(accounts))
    if missing_us:
        script = Script(tx)
        rows = [(account, _UNMADE, "{}", missing_us, missing_us) for account in wanted]
        columns = ("account_id", "version", "document", "created_us", "updated_us")
        script.insert("recipient", columns, rows, then="ON CONFLICT DO NOTHING")
        script.run()
    query = select(recipient).where(_r.account_id.in_(wanted), _r.version > _UNMADE)
    return {each.account_id: each for each in _all(tx, query.order_by(_r.account_id).with_for_update())}


def put(tx: Connection, new: Sequence[Recipient], replaced: Sequence[tuple[Recipient, str]], *, now_us: int) -> None:
    """Put recipients down that are locked, and keep those that they replace, with who has replaced them."""
    script = Script(tx)
    rows = [(each.account_id, each.version, _text(each), each.updated_us) for each in new]
    script.update("recipient", ("account_id",), ("version", "document", "updated_us"), rows)
    kept = [(each.account_id, each.version, _text(each), now_us, caller) for each, caller in replaced]
    columns = ("account_id", "version", "document", "replaced_us", "replaced_by")
    script.insert("recipient_version", columns, kept)
    script.run()


def _all(tx: Connection, query: Select[Any]) -> list[Recipient]:
    return [_from_row(row) for row in tx.execute(query).mappings()]


def _from_row(row: RowMapping) -> Recipient:
    stamps = (row["version"], row["created_us"], row["updated_us"])
    return Recipient(row["account_id"], _settings(row["document"]), *stamps)


def _settings(text: str) -> RecipientSettings:
    return value_from(RecipientSettings, from_text(text))


def _text(found: Recipient) -> str:
    return to_text(document_of(found.settings))
