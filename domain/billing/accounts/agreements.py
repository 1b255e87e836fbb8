"""Use cases of service agreements: create, get, list, change, each with its audit entry under the account.

What is billed stays as it was billed: a change is for the days to come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields

from sqlalchemy import Connection

from domain.billing.accounts import facts, rules, service, store, trail
from domain.billing.accounts.errors import AgreementIdTaken, AgreementNotFound
from domain.billing.accounts.facts import Known
from domain.billing.accounts.model import Account, ServiceAgreement
from domain.billing.accounts.requests import Change, Key, NewAgreement
from domain.billing.configuration.snapshot import Configurations
from domain.billing.names import AGREEMENT_TYPE
from domain.kernel.call import Call
from domain.kernel.errors import Violation
from domain.kernel.ids import new_id
from domain.kernel.paging import Page
from domain.kernel.scopes import EVERYTHING, Scope

_WORD = "service_agreement"
_BILLED_BY = ("master_id", "rate_code", "start_day", "end_day", "attributes")
"""What segments are made by; as others are charged on them, all of the account are made again."""


def create(
    tx: Connection, call: Call, configurations: Configurations, account_id: str, new: NewAgreement
) -> ServiceAgreement:
    """Add an agreement to an account; its pending bill lacks it, and is not completed before it is made again.

    Raises: AccountNotFound; Invalid with every violation; AgreementIdTaken.
    """
    account = service.lock_account(tx, account_id, call.scope)
    known = _gather(tx, call, configurations, new)
    agreement = made(account, new, known, call.now_us)
    others = store.agreements_of(tx, (account_id,))[account_id]
    if any(other.agreement_id == agreement.agreement_id for other in others):
        raise AgreementIdTaken(agreement.name)
    trail.require(
        [
            *rules.agreement_violations(_WORD, new, known),
            *rules.rate_violations(_WORD, new, account.currency, known),
            *_master_violations(agreement.agreement_id, new.master, account_id, others, known),
        ]
    )
    assert store.create_agreement(tx, agreement), "whoever holds the account alone adds agreements"
    store.unsettle_segments(tx, account_id, rebilling=False)  # others may be charged on it
    trail.record(tx, call, account, agreement, kind="service_agreement.created")
    return agreement


def made(account: Account, new: NewAgreement, known: Known, now_us: int) -> ServiceAgreement:
    """The agreement that is made of what was asked for; one whose master is sound is a whole one."""
    premise = known.premise(new.premise_id)
    return ServiceAgreement(
        account_id=account.account_id,
        agreement_id=new.agreement_id or new_id(now_us),
        description=new.description,
        type_code=new.type_code,
        premise_id=new.premise_id,
        time_zone=premise.time_zone if premise else account.time_zone,
        master_id=new.master[1] if new.master else "",
        rate_code=new.rate_code,
        start_day=new.start_day,
        end_day=new.end_day,
        attributes=new.attributes,
        version=1,
        created_us=now_us,
        updated_us=now_us,
    )


def get(tx: Connection, account_id: str, agreement_id: str, scope: Scope = EVERYTHING) -> ServiceAgreement:
    """The agreement. Raises: AgreementNotFound, also for one outside the scope."""
    account = store.find_account(tx, account_id)
    seen = account is not None and scope.has("cycles", account.cycle_code)
    found = store.find_agreement(tx, account_id, agreement_id) if seen else None
    if found is None:
        raise AgreementNotFound(account_id, agreement_id)
    return found


def list_page(tx: Connection, account_id: str, page: Page, scope: Scope = EVERYTHING) -> list[ServiceAgreement]:
    """One agreement of the account more than the page holds, if there is one; the key is the id.

    Raises: AccountNotFound.
    """
    service.get_account(tx, account_id, scope)
    after = str(page.after[0]) if page.after else ""
    return store.page_of_agreements(tx, account_id, after=after, limit=page.size + 1)


def update(tx: Connection, call: Call, configurations: Configurations, key: Key, change: Change) -> ServiceAgreement:
    """Change the agreement that still has the etag; `master` among the changes is a key, or None.

    It starts when it did once something of it is billed, and does not end before what is billed. What is on the
    account's pending bill is not frozen before it is made again, if the change matters to it.

    Raises: EtagMissing; AccountNotFound; AgreementNotFound; EtagStale, also for the loser of a race; Invalid with every
    violation.
    """
    trail.require_etag(_WORD, change)
    account_id, agreement_id = key
    account = service.lock_account(tx, account_id, call.scope)
    old = store.find_agreement(tx, account_id, agreement_id)
    if old is None:
        raise AgreementNotFound(account_id, agreement_id)
    master: Key | None = (account_id, old.master_id) if old.master_id else None
    changes = dict(change.changes)
    master = changes.pop("master", master)
    changes["master_id"] = master[1] if master else ""
    new = trail.changed(call, _WORD, AGREEMENT_TYPE, old, Change(change.etag, changes, change.fixed))
    asked = _asked(new, master)
    known = _gather(tx, call, configurations, asked)
    others = store.agreements_of(tx, (account_id,))[account_id]
    found = [
        *rules.agreement_violations(_WORD, asked, known),
        *_master_violations(agreement_id, master, account_id, others, known),
        *_billed_violations(tx, old, new),
    ]
    if old.rate_code != new.rate_code:
        found += rules.rate_violations(_WORD, asked, account.currency, known)
    trail.require(found)
    store.change_agreement(tx, new)
    if any(getattr(old, field) != getattr(new, field) for field in _BILLED_BY):
        store.unsettle_segments(tx, account_id)
    trail.record(tx, call, account, new, kind="service_agreement.changed", old=old)
    return new


def _billed_violations(tx: Connection, old: ServiceAgreement, new: ServiceAgreement) -> Iterator[Violation]:
    """Cost: one statement where the days change, else none."""
    if (old.start_day, old.end_day) != (new.start_day, new.end_day):
        billed_until = store.billed_until(tx, new.account_id, new.agreement_id)
        yield from rules.billed_violations(
            _WORD, start_changes=old.start_day != new.start_day, end_day=new.end_day, billed_until=billed_until
        )


def _gather(tx: Connection, call: Call, configurations: Configurations, new: NewAgreement) -> Known:
    return facts.gather(
        tx,
        call,
        configurations,
        premises=(new.premise_id,) if new.premise_id else (),
        agreements=(new.master,) if new.master else (),
        rates=bool(new.rate_code),
    )


def _master_violations(
    agreement_id: str, master: Key | None, account_id: str, others: Iterable[ServiceAgreement], known: Known
) -> Iterator[Violation]:
    """What is wrong with the masters of the account as it would be."""
    masters = {each.agreement_id: (account_id, each.master_id) if each.master_id else None for each in others}
    return rules.master_violations(account_id, {**masters, agreement_id: master}, known, {agreement_id: _WORD})


def _asked(agreement: ServiceAgreement, master: Key | None) -> NewAgreement:
    asked = {field.name: getattr(agreement, field.name) for field in fields(NewAgreement) if field.name != "master"}
    return NewAgreement(**asked, master=master)
