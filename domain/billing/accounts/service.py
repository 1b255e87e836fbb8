"""Use cases of accounts: create, get, list, change, each with its audit entry.

What is of a bill cycle outside the caller's scope is not there (PLT-14). Whatever changes an account, or what belongs
to it, locks the account first: there is no other lock.
"""

from __future__ import annotations

from sqlalchemy import Connection

from domain.billing.accounts import store
from domain.billing.accounts.errors import AccountNotFound
from domain.billing.accounts.model import Account
from domain.kernel.scopes import EVERYTHING, Scope


def get_account(tx: Connection, account_id: str, scope: Scope = EVERYTHING) -> Account:
    """The account. Raises: AccountNotFound, also for one outside the scope."""
    return _inside(store.find_account(tx, account_id), account_id, scope)


def lock_account(tx: Connection, account_id: str, scope: Scope = EVERYTHING) -> Account:
    """The account, held against all that changes it. Raises: AccountNotFound, also for one outside the scope."""
    return _inside(store.lock_accounts(tx, (account_id,)).get(account_id), account_id, scope)


def _inside(account: Account | None, account_id: str, scope: Scope) -> Account:
    if account is None or not scope.has("cycles", account.cycle_code):
        raise AccountNotFound(account_id)
    return account
