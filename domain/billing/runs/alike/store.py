"""The SQL of what accounts have in common; one statement a function, rows by account and id."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import starmap

from sqlalchemy import Connection

from domain.billing.runs.alike.likeness import AccountRow, AgreementRow, ProfileRow
from domain.billing.segments.states import LIVE, BillKind, BillState, SegmentKind
from domain.kernel.documents import to_text
from domain.kernel.script import Script

_AMONG = {"postgresql": "= ANY (CAST(? AS text[]))", "sqlite": "IN (SELECT value FROM json_each(?))"}
_LOCK = {"postgresql": " FOR UPDATE", "sqlite": ""}
_LIVE = ", ".join(f"'{each}'" for each in sorted(LIVE))
_BILLED_THROUGH = (
    "(SELECT s.end_day FROM bill_segment s WHERE s.account_id = a.account_id AND s.agreement_id = a.agreement_id"  # noqa: S608 - words of ours
    f" AND s.kind = '{SegmentKind.USAGE}' AND s.state IN ({_LIVE}) ORDER BY s.start_day DESC LIMIT 1)"
)


def accounts(tx: Connection, cycle: str, account_ids: Sequence[str], *, lock: bool) -> list[AccountRow]:
    """Those of the accounts that are in the cycle; `lock` holds them, as `accounts.store.lock_accounts`."""
    columns = "account_id, customer_class_code, invoice_cycle_code, currency, cycle_code"
    query = f"SELECT {columns} FROM billing_account WHERE account_id"  # noqa: S608 - words of ours
    rows = _ask(tx, query, account_ids, f"ORDER BY account_id{_LOCK[tx.dialect.name] if lock else ''}")
    return [row[:-1] for row in rows if row[-1] == cycle]


def with_pending_bill(tx: Connection, account_ids: Sequence[str]) -> set[str]:
    """Those of the accounts that have a pending bill. Cost: along bill_open_once."""
    query = (
        f"SELECT account_id FROM bill WHERE state = '{BillState.PENDING}' AND kind = '{BillKind.REGULAR}'"  # noqa: S608 - as above
        " AND account_id"
    )
    return {row[0] for row in _ask(tx, query, account_ids)}


def agreements(tx: Connection, account_ids: Sequence[str]) -> list[AgreementRow]:
    """The agreements of accounts, and up to when each was billed. Cost: a look along ix_bill_segment_agreement each."""
    query = (
        "SELECT a.account_id, a.agreement_id, a.type_code, a.rate_code, a.time_zone, a.master_id, a.start_day,"  # noqa: S608 - as above
        f" a.end_day, coalesce({_BILLED_THROUGH}, 0) FROM service_agreement a WHERE a.account_id"
    )
    return list(starmap(AgreementRow, _ask(tx, query, account_ids, "ORDER BY a.account_id, a.agreement_id")))


def attributes(tx: Connection, account_ids: Sequence[str]) -> list[tuple[str, str, str, str, str, str]]:
    """Of the agreements of accounts, attributes of account and agreement, premise and its attributes, as documents."""
    query = (
        "SELECT s.account_id, s.agreement_id, a.attributes, s.attributes, s.premise_id, coalesce(p.attributes, '{}')"
        " FROM service_agreement s JOIN billing_account a ON a.account_id = s.account_id"
        " LEFT JOIN premise p ON p.premise_id = s.premise_id WHERE s.account_id"
    )
    return _ask(tx, query, account_ids)


def profiles(tx: Connection, account_ids: Sequence[str]) -> list[ProfileRow]:
    """The profiles of accounts that agreements own."""
    query = (
        "SELECT account_id, profile_id, type_code, agreement_id FROM profile WHERE agreement_id <> '' AND account_id"
    )
    return _ask(tx, query, account_ids, "ORDER BY account_id, profile_id")


def _ask(tx: Connection, query: str, account_ids: Sequence[str], then: str = "") -> list[tuple]:  # type: ignore[type-arg]
    ids = list(account_ids)
    together = tx.dialect.name == "postgresql"
    return Script(tx).ask(f"{query} {_AMONG[tx.dialect.name]} {then}", ids if together else to_text(ids))
