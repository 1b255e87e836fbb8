"""What happens to bills is told to the audit trail (PLT-11)."""

from __future__ import annotations

from domain.billing.accounts.model import Account
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.documents import Document
from domain.kernel.script import Script


def tell(script: Script, call: Call, account: Account, entry: tuple[str, str, Document]) -> None:
    """Note what happened to a bill or segment of the account, for those who see its cycle: name, kind and payload.

    Cost: one statement of the script; the scopes of cycles are there since they were created.
    """
    name, kind, payload = entry
    cycle = account.cycle_code
    scope_id = scopes.id_of(scopes.of_one("cycles", cycle)) if cycle else 0
    events.add(script, call, name, kind, payload, scope_id=scope_id)
