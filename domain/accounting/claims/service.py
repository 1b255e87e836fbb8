"""Use cases of claims and disputes: create, get, list, change, each with its audit entry and its event.

What is of a client outside the caller's scope is not there (PLT-14). A change locks the claim first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from sqlalchemy import Connection

from domain.accounting.claims import rules, store
from domain.accounting.claims.errors import (
    ClaimIdTaken,
    ClaimNotFound,
    ClaimResolved,
    DisputeIdTaken,
    DisputeNotFound,
)
from domain.accounting.claims.model import Claim, ClaimChange, Dispute, DisputeChange, NewClaim, NewDispute
from domain.accounting.claims.states import ClaimState
from domain.accounting.claims.store import ClaimFilter
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.feed import service as feed
from domain.accounting.feed.model import EventKind, NewEvent
from domain.accounting.names import CLAIM_TYPE, DISPUTE_TYPE
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.documents import Document
from domain.kernel.errors import EtagMissing, EtagStale, Invalid, Violation
from domain.kernel.ids import new_id
from domain.kernel.money import Money
from domain.kernel.paging import Page
from domain.kernel.scopes import EVERYTHING, Scope


def create(tx: Connection, call: Call, configurations: Configurations, new: NewClaim) -> Claim:
    """Add an open claim, with the disputes that it brings along.

    Raises: Invalid with every violation, a client outside the caller's scope being one that there is not; ClaimIdTaken.
    """
    known = configurations.current(tx)
    client_known = new.client_code in known.clients and call.scope.has_client(new.client_code)
    claim_type_known = new.claim_type_code in known.claim_types
    _require(rules.claim_violations(new, client_known=client_known, claim_type_known=claim_type_known))
    claim = Claim(
        claim_id=new.claim_id or new_id(call.now_us),
        client_code=new.client_code,
        claim_type_code=new.claim_type_code,
        description=new.description,
        account=new.account,
        attributes=new.attributes,
        dates=new.dates,
        state=ClaimState.OPEN,
        resolution="",
        events_made=0,
        version=1,
        created_us=call.now_us,
        updated_us=call.now_us,
        resolved_us=0,
    )
    if not store.create(tx, claim):
        raise ClaimIdTaken(claim.claim_id)
    disputes = [_dispute(claim, each, call.now_us) for each in new.disputes]
    store.create_disputes(tx, disputes)
    told = {**_told(claim, _CLAIM_FIELDS), "disputes": {each.dispute_id: _told(each) for each in disputes}}
    _record(tx, call, claim, EventKind.CLAIM_CREATED)
    _audit(tx, call, claim, claim.name, kind="claim.created", payload={"from": None, "to": told})
    return claim


def get(tx: Connection, claim_id: str, scope: Scope = EVERYTHING) -> Claim:
    """The claim. Raises: ClaimNotFound, also for one outside the scope."""
    return _existing(store.find(tx, claim_id, scope.clients), claim_id)


def lock(tx: Connection, claim_id: str, scope: Scope = EVERYTHING) -> Claim:
    """The claim, held against every other use case on it. Raises: ClaimNotFound, also for one outside the scope."""
    return _existing(store.lock(tx, claim_id, scope.clients), claim_id)


def list_page(tx: Connection, wanted: ClaimFilter, page: Page, scope: Scope = EVERYTHING) -> list[Claim]:
    """One claim of the scope more than the page holds, if there is one; the key is the id."""
    after = str(page.after[0]) if page.after else ""
    return store.page(tx, replace(wanted, clients=scope.clients), after=after, limit=page.size + 1)


def update(tx: Connection, call: Call, change: ClaimChange) -> Claim:
    """Change the claim that still has the etag, for the operations to come.

    Raises: EtagMissing; ClaimNotFound; Invalid with every violation; EtagStale, also for the loser of a race.
    """
    if not change.etag:
        raise EtagMissing("claim.etag")
    old = lock(tx, change.claim_id, call.scope)
    texts = {name: value for name, value in change.changes.items() if isinstance(value, str)}
    faults = rules.texts_violations("claim", texts, change.changes.get("attributes", {}))
    _require([*_immutable(old, change), *faults])
    if old.etag != change.etag:
        raise EtagStale(CLAIM_TYPE, old.name, etag=change.etag)
    new = replace(old, **change.changes, version=old.version + 1, updated_us=call.now_us)
    store.change(tx, new)
    _record(tx, call, new, EventKind.CLAIM_CHANGED)
    _audit(tx, call, new, new.name, kind="claim.changed", payload=_differences(old, new))
    return new


def create_dispute(tx: Connection, call: Call, claim_id: str, given: NewDispute) -> Dispute:
    """Add a dispute to an open claim.

    Raises: Invalid with every violation; ClaimNotFound; ClaimResolved; DisputeIdTaken.
    """
    _require(rules.dispute_violations("dispute", given))
    claim = _open(lock(tx, claim_id, call.scope))
    new = _dispute(claim, given, call.now_us)
    if store.find_dispute(tx, claim_id, new.dispute_id) is not None:
        raise DisputeIdTaken(new.name)
    store.create_disputes(tx, [new])
    _record(tx, call, claim, EventKind.CLAIM_CHANGED)
    _audit(tx, call, claim, new.name, kind="dispute.created", payload={"from": None, "to": _told(new)})
    return new


def get_dispute(tx: Connection, claim_id: str, dispute_id: str, scope: Scope = EVERYTHING) -> Dispute:
    """The dispute. Raises: DisputeNotFound, also for one outside the scope."""
    claim = store.find(tx, claim_id, scope.clients)
    return _existing_dispute(tx, claim, claim_id, dispute_id)


def list_disputes(tx: Connection, claim_id: str, page: Page, scope: Scope = EVERYTHING) -> list[Dispute]:
    """One dispute of the claim more than the page holds, if there is one; the key is the id. Raises: ClaimNotFound."""
    get(tx, claim_id, scope)
    after = str(page.after[0]) if page.after else ""
    return store.page_of_disputes(tx, claim_id, after=after, limit=page.size + 1)


def update_dispute(tx: Connection, call: Call, change: DisputeChange) -> Dispute:
    """Change the dispute that still has the etag; operations that were performed for it keep their amounts.

    Raises: EtagMissing; DisputeNotFound; ClaimResolved; EtagStale, also for the loser of a race; Invalid with every
    violation.
    """
    if not change.etag:
        raise EtagMissing("dispute.etag")
    claim = store.lock(tx, change.claim_id, call.scope.clients)
    old = _existing_dispute(tx, claim, change.claim_id, change.dispute_id)
    assert claim is not None
    _open(claim)
    if old.etag != change.etag:
        raise EtagStale(DISPUTE_TYPE, old.name, etag=change.etag)
    new = replace(old, **change.changes, version=old.version + 1, updated_us=call.now_us)
    _require(rules.dispute_violations("dispute", _given(new)))
    store.change_dispute(tx, new)
    _record(tx, call, claim, EventKind.CLAIM_CHANGED)
    _audit(tx, call, claim, new.name, kind="dispute.changed", payload=_differences(old, new))
    return new


def _existing(claim: Claim | None, claim_id: str) -> Claim:
    if claim is None:
        raise ClaimNotFound(claim_id)
    return claim


def _existing_dispute(tx: Connection, claim: Claim | None, claim_id: str, dispute_id: str) -> Dispute:
    found = None if claim is None else store.find_dispute(tx, claim_id, dispute_id)
    if found is None:
        raise DisputeNotFound(claim_id, dispute_id)
    return found


def _open(claim: Claim) -> Claim:
    if not claim.is_open:
        raise ClaimResolved(claim)
    return claim


def _immutable(claim: Claim, change: ClaimChange) -> Iterable[Violation]:
    for field in ("client_code", "claim_type_code"):
        if getattr(change, field) not in {"", getattr(claim, field)}:
            yield Violation(f"claim.{field}", "FIELD_IMMUTABLE", "never changes: must be the claim's, if given")


def _require(violations: Iterable[Violation]) -> None:
    if found := tuple(violations):
        raise Invalid(*found)


def _dispute(claim: Claim, given: NewDispute, now_us: int) -> Dispute:
    return Dispute(
        claim_id=claim.claim_id,
        dispute_id=given.dispute_id or new_id(now_us),
        description=given.description,
        amount=given.amount,
        transaction_day=given.transaction_day,
        attributes=given.attributes,
        amounts=given.amounts,
        version=1,
        created_us=now_us,
        updated_us=now_us,
    )


def _given(dispute: Dispute) -> NewDispute:
    return NewDispute(**{field.name: getattr(dispute, field.name) for field in fields(NewDispute)})


def _record(tx: Connection, call: Call, claim: Claim, kind: EventKind) -> None:
    feed.record(tx, [NewEvent(claim.claim_id, claim.client_code, kind, operation_id="", at_us=call.now_us)])


def _audit(tx: Connection, call: Call, claim: Claim, owner: str, *, kind: str, payload: Document) -> None:
    """Seen by those who see the client."""
    scope_id = scopes.intern(tx, scopes.of_clients((claim.client_code,)))
    events.append(tx, call, owner, kind, payload, scope_id=scope_id)


_CLAIM_FIELDS = ("client_code", "claim_type_code", "description", "account", "attributes", "dates")
_DISPUTE_FIELDS = ("description", "amount", "transaction_day", "attributes", "amounts")


def _told(of: Claim | Dispute, names: Sequence[str] = _DISPUTE_FIELDS) -> Document:
    return {name: _plain(getattr(of, name)) for name in names}


def _differences(old: Claim | Dispute, new: Claim | Dispute) -> Document:
    names = _CLAIM_FIELDS if isinstance(old, Claim) else _DISPUTE_FIELDS
    changed = [name for name in names if getattr(old, name) != getattr(new, name)]
    return {"from": _told(old, changed), "to": _told(new, changed)}


def _plain(value: Any) -> Any:  # noqa: ANN401 - a value of a field
    """As a document holds it."""
    if isinstance(value, Money):
        return {"minor": value.minor, "currency": value.currency}
    return {key: _plain(each) for key, each in value.items()} if isinstance(value, Mapping) else value
