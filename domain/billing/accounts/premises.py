"""Use cases of premises: create, get, list, change, each with its audit entry.

They are seen by all, and changed by those whose scope has all bill cycles (PLT-14).
"""

from __future__ import annotations

from dataclasses import fields

from sqlalchemy import Connection

from domain.billing.accounts import rules, store, trail
from domain.billing.accounts.errors import PremiseIdTaken, PremiseNotFound
from domain.billing.accounts.model import Premise
from domain.billing.accounts.requests import Change, NewPremise
from domain.billing.names import PREMISE_TYPE
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.ids import new_id
from domain.kernel.paging import Page


def create(tx: Connection, call: Call, new: NewPremise) -> Premise:
    """Add a premise. Raises: SharedBeyondScope; Invalid with every violation; PremiseIdTaken."""
    scopes.refuse_shared(call.scope, "cycles")
    trail.require(rules.premise_violations("premise", new))
    premise = made(new, call.now_us)
    if not store.create_premise(tx, premise):
        raise PremiseIdTaken(premise.name)
    _record(tx, call, "premise.created", premise)
    return premise


def made(new: NewPremise, now_us: int) -> Premise:
    """The premise that is made of what was asked for."""
    asked = {field.name: getattr(new, field.name) for field in fields(NewPremise)}
    asked["premise_id"] = new.premise_id or new_id(now_us)
    return Premise(**asked, version=1, created_us=now_us, updated_us=now_us)


def get(tx: Connection, premise_id: str, *, lock: bool = False) -> Premise:
    """The premise; `lock` holds it until the transaction ends. Raises: PremiseNotFound."""
    found = store.premises(tx, (premise_id,), lock=lock).get(premise_id)
    if found is None:
        raise PremiseNotFound(premise_id)
    return found


def list_page(tx: Connection, page: Page) -> list[Premise]:
    """One premise more than the page holds, if there is one; the key is the id."""
    return store.page_of_premises(tx, after=str(page.after[0]) if page.after else "", limit=page.size + 1)


def update(tx: Connection, call: Call, premise_id: str, change: Change) -> Premise:
    """Change the premise that still has the etag; its time zone never changes.

    Conditions of rates read its attributes: what is not frozen of accounts that are served there is made again before
    it can be. These accounts are locked, in the order of their ids.

    Raises: EtagMissing; SharedBeyondScope; PremiseNotFound; EtagStale, also for the loser of a race; Invalid with every
    violation.
    """
    trail.require_etag("premise", change)
    scopes.refuse_shared(call.scope, "cycles")
    old = get(tx, premise_id, lock=True)
    new = trail.changed(call, "premise", PREMISE_TYPE, old, change)
    trail.require(rules.text_violations("premise", new.description, new.attributes))
    store.change_premise(tx, new)
    if old.attributes != new.attributes:
        store.unsettle_segments(tx, *store.lock_accounts(tx, store.served_at(tx, premise_id)))
    _record(tx, call, "premise.changed", new, old)
    return new


def _record(tx: Connection, call: Call, kind: str, new: Premise, old: Premise | None = None) -> None:
    events.append(tx, call, new.name, kind, trail.payload(new, old), scope_id=0)
