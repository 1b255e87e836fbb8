"""What happens to bills is told to the audit trail (PLT-11)."""

from __future__ import annotations

from collections.abc import Sequence

from domain.billing.accounts.model import Account
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.documents import Document
from domain.kernel.script import Script


def tell_all(script: Script, call: Call, entries: Sequence[tuple[Account, str, str, Document]]) -> None:
    """As `tell`, of several: account, name, kind and payload of each, no name twice. Cost: one statement."""
    events.add_all(script, call, [(name, kind, payload, scope_of(account)) for account, name, kind, payload in entries])


def tell(script: Script, call: Call, account: Account, entry: tuple[str, str, Document]) -> None:
    """Note what happened to a bill or segment of the account, for those who see its cycle: name, kind and payload.

    Cost: one statement of the script; the scopes of cycles are there since they were created.
    """
    name, kind, payload = entry
    events.add(script, call, name, kind, payload, scope_id=scope_of(account))


def scope_of(account: Account) -> int:
    """The id of the scope of those who see what happens to the account's bills."""
    return scopes.id_of(scopes.of_one("cycles", account.cycle_code)) if account.cycle_code else 0
