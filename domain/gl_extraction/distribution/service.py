"""Use cases of distribution codes: create, get, list, change, each with its audit entry (GLX-04, PLT-11).

A code belongs to its ledger for good: who sees the ledger sees the code, and what names two codes of one ledger today
does so when it is carried out. So that another ledger is meant, there is another code.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection

from domain.gl_extraction.details.rules import CODE, Books
from domain.gl_extraction.distribution import rules, store
from domain.gl_extraction.distribution.model import Distribution, DistributionCode
from domain.gl_extraction.names import DISTRIBUTION_CODE_TYPE, distribution_code_name
from domain.gl_extraction.reference import store as registers
from domain.gl_extraction.reference.model import GROUP_ACCOUNTS, LEDGERS
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.documents import Document
from domain.kernel.errors import CodeTaken, EtagMissing, EtagStale, Invalid, NotFound, Violation
from domain.kernel.paging import Page
from domain.kernel.scopes import EVERYTHING, Scope

WORD = "distribution_code"


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be of the code that was seen with this etag; `changes` are fields of its distribution."""

    code: str
    etag: str
    changes: Mapping[str, Any]


def create(tx: Connection, call: Call, code: str, distribution: Distribution) -> DistributionCode:
    """Add a distribution code.

    Raises: Invalid with every violation, a ledger outside the caller's scope being one that there is not; CodeTaken.
    """
    distribution = _sound(tx, distribution, call.scope)
    new = DistributionCode(code, distribution, version=1, created_us=call.now_us, updated_us=call.now_us)
    if not store.create(tx, new):
        raise CodeTaken(DISTRIBUTION_CODE_TYPE, new.name)
    _audit(tx, call, new, "created", {"from": None, "to": asdict(distribution)})
    return new


def get(tx: Connection, code: str, scope: Scope = EVERYTHING) -> DistributionCode:
    """The distribution code. Raises: NotFound, also for one of a ledger outside the scope."""
    found = store.find(tx, code)
    if found is None or not scope.has_ledger(found.distribution.ledger_code):
        raise NotFound(DISTRIBUTION_CODE_TYPE, distribution_code_name(code))
    return found


def known(tx: Connection, codes: Collection[str], scope: Scope = EVERYTHING) -> frozenset[str]:
    """Those of some codes that there are, of the scope's ledgers."""
    found = store.known(tx, codes).values()
    return frozenset(each.code for each in found if scope.has_ledger(each.distribution.ledger_code))


def list_page(tx: Connection, page: Page, scope: Scope = EVERYTHING) -> list[DistributionCode]:
    """One code of the scope's ledgers more than the page holds, if there is one; the key is the code."""
    after = str(page.after[0]) if page.after else ""
    return store.page(tx, after=after, limit=page.size + 1, ledgers=scope.ledgers)


def update(tx: Connection, call: Call, change: Change) -> DistributionCode:
    """Change the code that still has the etag; details that were made by it stay as they are.

    Raises: EtagMissing; NotFound; EtagStale, also for the loser of a race; Invalid with every violation.
    """
    if not change.etag:
        raise EtagMissing(f"{WORD}.etag")
    old = get(tx, change.code, call.scope)
    if old.etag != change.etag:
        raise EtagStale(DISTRIBUTION_CODE_TYPE, old.name, etag=change.etag)
    distribution = _sound(tx, _changed(old.distribution, change.changes), call.scope)
    new = replace(old, distribution=distribution, version=old.version + 1, updated_us=call.now_us)
    if not store.change(tx, new, from_version=old.version):
        raise EtagStale(DISTRIBUTION_CODE_TYPE, old.name, etag=change.etag)
    before, after = asdict(old.distribution), asdict(distribution)
    changed = [field for field in rules.FIELDS if before[field] != after[field]]
    told = {side: {field: of[field] for field in changed} for side, of in (("from", before), ("to", after))}
    _audit(tx, call, new, "changed", told)
    return new


def _changed(distribution: Distribution, changes: Mapping[str, Any]) -> Distribution:
    new = replace(distribution, **changes)
    if new.ledger_code != distribution.ledger_code:
        text = "never changes: make another code for another ledger"
        raise Invalid(Violation(f"{WORD}.ledger_code", "FIELD_IMMUTABLE", text))
    return new


def _sound(tx: Connection, distribution: Distribution, scope: Scope) -> Distribution:
    """The distribution, without the empty ends of its lists. Raises: Invalid with every violation."""
    trimmed = replace(
        distribution, gl_segments=_trimmed(distribution.gl_segments), attributes=_trimmed(distribution.attributes)
    )
    if found := tuple(rules.violations(trimmed, _books(tx, trimmed, scope))):
        raise Invalid(*(Violation(f"{WORD}.{v.field}", v.reason, v.description) for v in found))
    return trimmed


def _books(tx: Connection, distribution: Distribution, scope: Scope) -> Books:
    ledgers = filter(scope.has_ledger, filter(CODE.fullmatch, (distribution.ledger_code,)))
    accounts = filter(CODE.fullmatch, (distribution.group_account_code,))
    return Books(registers.known(tx, LEDGERS, ledgers), registers.known(tx, GROUP_ACCOUNTS, accounts), {})


def _trimmed(texts: tuple[str, ...]) -> tuple[str, ...]:
    filled = [place for place, text in enumerate(texts, start=1) if text]
    return texts[: max(filled, default=0)]


def _audit(tx: Connection, call: Call, code: DistributionCode, what: str, changes: Document) -> None:
    """Seen by those who see the ledger."""
    scope_id = scopes.intern(tx, scopes.of_ledgers((code.distribution.ledger_code,)))
    events.append(tx, call, code.name, f"{WORD}.{what}", changes, scope_id=scope_id)
