"""What the use cases of accounts share: refusing, changing by etag, and the entry of the audit trail (PLT-10, PLT-11).

Entries stand under the account, whatever of it was changed, so that one list tells its whole story.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import fields, replace
from typing import Any, TypeVar

from sqlalchemy import Connection

from domain.billing.accounts.model import Account, Premise, Profile, ServiceAgreement
from domain.billing.accounts.requests import Change
from domain.billing.configuration.model import Derivation
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.documents import Document
from domain.kernel.errors import EtagMissing, EtagStale, Invalid, Violation
from domain.kernel.scopes import Scope
from domain.kernel.structures import document_of

T = TypeVar("T", Account, Premise, ServiceAgreement, Profile)

_STAMPS = frozenset({"version", "created_us", "updated_us"})


def require(violations: Iterable[Violation]) -> None:
    """Refuse what violates a rule. Raises: Invalid with every violation."""
    if found := tuple(violations):
        raise Invalid(*found)


def require_etag(word: str, change: Change) -> None:
    """Refuse a change that does not say what was seen. Raises: EtagMissing."""
    if not change.etag:
        raise EtagMissing(f"{word}.etag")


def changed(call: Call, word: str, resource_type: str, old: T, change: Change) -> T:
    """What becomes of the one that still has the etag; it is locked.

    Raises: Invalid for another value of what never changes; EtagStale, also for the loser of a race.
    """
    text = "never changes: must be as it is, if given"
    differing = [field for field, (name, given) in change.fixed.items() if given not in {"", getattr(old, name)}]
    require(Violation(f"{word}.{field}", "FIELD_IMMUTABLE", text) for field in differing)
    if old.etag != change.etag:
        raise EtagStale(resource_type, old.name, etag=change.etag)
    stamps: dict[str, Any] = {"version": old.version + 1, "updated_us": call.now_us}
    return replace(old, **change.changes, **stamps)


def scope_of(cycles: Iterable[str]) -> Scope:
    """The scope of what concerns accounts of these bill cycles; of one without a cycle: all of them (PLT-14)."""
    codes = frozenset(cycles)
    return Scope(frozenset(), frozenset(), None if "" in codes else codes)


def record(
    tx: Connection,
    call: Call,
    account: Account,
    value: T,
    *,
    kind: str,
    old: T | None = None,
    cycles: Collection[str] = (),
) -> None:
    """Note that something of the account was created, or was `old` before; those see it who see all of the cycles."""
    scope_id = scopes.intern(tx, scope_of((account.cycle_code, *cycles)))
    events.append(tx, call, account.name, kind, payload(value, old), scope_id=scope_id)


def payload(value: T, old: T | None) -> Document:
    """What an entry tells: which resource, and of what it has what was and what is."""
    after = _told(value)
    before = None if old is None else _told(old)
    if before is None:
        return {"name": value.name, "from": None, "to": after}
    names = [name for name in after if before[name] != after[name]]
    told = {side: {name: of[name] for name in names} for side, of in (("from", before), ("to", after))}
    return {"name": value.name, **told}


def _told(value: Account | Premise | ServiceAgreement | Profile) -> Document:
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value) if field.name not in _STAMPS}


def _plain(value: Any) -> Any:  # noqa: ANN401 - a value of a field
    return document_of(value) if isinstance(value, Derivation) else value
