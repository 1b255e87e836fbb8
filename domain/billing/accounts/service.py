"""Use cases of accounts: create, get, list, change, each with its audit entry.

What is of a bill cycle outside the caller's scope is not there (PLT-14). Whatever changes an account, or what belongs
to it, locks the account first: there is no other lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace

from sqlalchemy import Connection

from domain.billing.accounts import facts, rules, store, trail
from domain.billing.accounts.errors import AccountIdTaken, AccountNotFound
from domain.billing.accounts.model import Account
from domain.billing.accounts.requests import Change, NewAccount
from domain.billing.accounts.store import AccountFilter
from domain.billing.configuration.snapshot import Configurations
from domain.billing.names import ACCOUNT_TYPE
from domain.kernel.call import Call
from domain.kernel.errors import Violation
from domain.kernel.ids import new_id
from domain.kernel.paging import Page
from domain.kernel.scopes import EVERYTHING, Scope


def create(tx: Connection, call: Call, configurations: Configurations, new: NewAccount) -> Account:
    """Add an account. Raises: Invalid with every violation; AccountIdTaken."""
    known = facts.gather(tx, call, configurations, billing_cycles={new.invoice_cycle_code})
    trail.require(rules.account_violations("account", new, known))
    account = made(new, call.now_us)
    if not store.create_account(tx, account):
        raise AccountIdTaken(account.name)
    trail.record(tx, call, account, account, kind="account.created")
    return account


def made(new: NewAccount, now_us: int) -> Account:
    """The account that is made of what was asked for."""
    asked = {field.name: getattr(new, field.name) for field in fields(NewAccount)}
    asked["account_id"] = new.account_id or new_id(now_us)
    return Account(**asked, version=1, created_us=now_us, updated_us=now_us)


def get_account(tx: Connection, account_id: str, scope: Scope = EVERYTHING) -> Account:
    """The account. Raises: AccountNotFound, also for one outside the scope."""
    return _inside(store.find_account(tx, account_id), account_id, scope)


def lock_account(tx: Connection, account_id: str, scope: Scope = EVERYTHING) -> Account:
    """The account, held against all that changes it. Raises: AccountNotFound, also for one outside the scope."""
    return _inside(store.lock_accounts(tx, (account_id,)).get(account_id), account_id, scope)


def list_page(tx: Connection, wanted: AccountFilter, page: Page, scope: Scope = EVERYTHING) -> list[Account]:
    """One account of the scope more than the page holds, if there is one; the key is the id."""
    after = str(page.after[0]) if page.after else ""
    return store.page_of_accounts(tx, replace(wanted, cycles=scope.cycles), after=after, limit=page.size + 1)


def update(tx: Connection, call: Call, configurations: Configurations, account_id: str, change: Change) -> Account:
    """Change the account that still has the etag, for the bills to come.

    Its currency stays once it has an agreement, its time zone once it has an agreement or a profile.

    Raises: EtagMissing; AccountNotFound; EtagStale, also for the loser of a race; Invalid with every violation.
    """
    trail.require_etag("account", change)
    old = lock_account(tx, account_id, call.scope)
    new = trail.changed(call, "account", ACCOUNT_TYPE, old, change)
    known = facts.gather(tx, call, configurations, billing_cycles={new.invoice_cycle_code})
    trail.require([*rules.account_violations("account", _asked(new), known), *_in_use(tx, old, new)])
    store.change_account(tx, new)
    if (old.customer_class_code, old.attributes) != (new.customer_class_code, new.attributes):
        store.unsettle_segments(tx, account_id)  # conditions of rates read both
    trail.record(tx, call, new, new, kind="account.changed", old=old, cycles=(old.cycle_code,))
    return new


def _inside(account: Account | None, account_id: str, scope: Scope) -> Account:
    if account is None or not scope.has("cycles", account.cycle_code):
        raise AccountNotFound(account_id)
    return account


def _asked(account: Account) -> NewAccount:
    return NewAccount(**{field.name: getattr(account, field.name) for field in fields(NewAccount)})


def _in_use(tx: Connection, old: Account, new: Account) -> Iterator[Violation]:
    """What cannot change any more. Cost: two statements if it would, else none."""
    if (old.currency, old.time_zone) == (new.currency, new.time_zone):
        return
    has_agreement = bool(store.page_of_agreements(tx, old.account_id, after="", limit=1))
    has_profile = bool(store.page_of_profiles(tx, old.account_id, after="", limit=1))
    if old.currency != new.currency and has_agreement:
        text = f"must stay {old.currency}: the account has service agreements"
        yield Violation("account.currency_code", "CURRENCY_IN_USE", text)
    if old.time_zone != new.time_zone and (has_agreement or has_profile):
        text = f"must stay {old.time_zone}: the account has service agreements or profiles"
        yield Violation("account.time_zone", "TIME_ZONE_IN_USE", text)
