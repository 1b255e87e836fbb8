"""Use cases of a claim's end: check whether its accounting allows it, resolve, reopen (ACC-52, ACC-58)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from domain.accounting.claims import service as claims
from domain.accounting.claims import store as claims_store
from domain.accounting.claims.model import Claim
from domain.accounting.claims.states import ClaimState, may_become
from domain.accounting.configuration.model import Resolution, RuleVersion
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.feed import service as feed
from domain.accounting.feed.model import EventKind, NewEvent
from domain.accounting.names import CLAIM_TYPE
from domain.accounting.performing.store import balances
from domain.accounting.resolution import rules, store
from domain.accounting.resolution.errors import ClaimTransition, ResolutionBlocked
from domain.accounting.resolution.model import Check, Obstacle, Unfinished, Unsettled
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.documents import Document
from domain.kernel.errors import EtagStale
from domain.kernel.paging import Key, Page

_TOLD_MAX = 100  # obstacles that a refusal names, where they fit
_UNSETTLED, _UNFINISHED = 0, 1


@dataclass(frozen=True, slots=True)
class Ending:
    """A claim, and how it is to end; `etag` empty: whatever changed."""

    claim_id: str
    resolution: Resolution
    etag: str = ""


def check(
    tx: Connection, call: Call, configurations: Configurations, claim_id: str, resolution: Resolution, *, page: Page
) -> Check:
    """Whether a claim's accounting allows a resolution; one obstacle more than the page holds, if there is one.

    Balances by dispute, collection and currency come first, then operations by age; `key_of` gives an obstacle's key.

    Raises: ClaimNotFound. Cost: eight statements; where anything is pending, one looks at the claim's operations.
    """
    return _check(tx, call, configurations, claims.get(tx, claim_id, call.scope), resolution, page=page)


def key_of(obstacle: Obstacle) -> Key:
    """Where an obstacle stands."""
    if isinstance(obstacle.of, Unsettled):
        return [_UNSETTLED, obstacle.of.dispute_id, obstacle.of.collection, obstacle.of.balance.currency]
    return [_UNFINISHED, obstacle.of.operation.operation_id]


def resolve(tx: Connection, call: Call, configurations: Configurations, wanted: Ending) -> Claim:
    """Resolve an open claim whose accounting allows it.

    Raises: ClaimNotFound; EtagStale; ClaimTransition; ResolutionBlocked with what stands in the way.
    """
    claim = _locked(tx, call, wanted.claim_id, wanted.etag, ClaimState.RESOLVED)
    found = _check(tx, call, configurations, claim, wanted.resolution, page=Page(_TOLD_MAX, None))
    if not found.allowed:
        raise ResolutionBlocked(claim.name, wanted.resolution, found.obstacles[:_TOLD_MAX], found.count)
    resolved = replace(claim, state=ClaimState.RESOLVED, resolution=wanted.resolution.value, resolved_us=call.now_us)
    return _change(tx, call, claim, resolved, {})


def reopen(tx: Connection, call: Call, claim_id: str, *, reason: str, etag: str = "") -> Claim:
    """Reopen a resolved claim. Raises: ClaimNotFound; EtagStale; ClaimTransition; Invalid for the reason's text."""
    require_storable(reason=reason)
    claim = _locked(tx, call, claim_id, etag, ClaimState.OPEN)
    opened = replace(claim, state=ClaimState.OPEN, resolution="", resolved_us=0)
    return _change(tx, call, claim, opened, {"reason": reason})


def _check(
    tx: Connection, call: Call, configurations: Configurations, claim: Claim, resolution: Resolution, *, page: Page
) -> Check:
    snapshot = configurations.current(tx)
    zero = {code for code, each in snapshot.collections.items() if resolution in each.zero_for}
    unsettled, unfinished = _page(tx, claim.claim_id, zero, page)
    manual = snapshot.manual_rules_at(claim.claim_type_code, call.now_us)
    obstacles = [*_unsettled(tx, unsettled, manual, zero), *map(rules.unfinished_obstacle, unfinished)]
    count = store.count_unsettled(tx, claim.claim_id, zero) + store.count_unfinished(tx, claim.claim_id)
    return Check(tuple(obstacles), count)


def _page(
    tx: Connection, claim_id: str, zero: Collection[str], page: Page
) -> tuple[Sequence[Unsettled], Sequence[Unfinished]]:
    room, after = page.size + 1, page.after
    if after and after[0] == _UNFINISHED:
        return (), store.unfinished(tx, claim_id, after=str(after[1]), limit=room)
    behind = (str(after[1]), str(after[2]), str(after[3])) if after else store.FIRST
    unsettled = store.unsettled(tx, claim_id, zero, after=behind, limit=room)
    left = room - len(unsettled)
    return unsettled, store.unfinished(tx, claim_id, after="", limit=left) if left else ()


def _unsettled(
    tx: Connection, found: Sequence[Unsettled], manual: Sequence[RuleVersion], zero: Collection[str]
) -> Iterator[Obstacle]:
    if not found:
        return
    keys = {(each.claim_id, each.dispute_id) for each in found}
    disputes = claims_store.disputes_of_many(tx, keys)
    executed: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for (_, dispute_id, collection, currency), minor in balances.executed(tx, keys).items():
        executed[dispute_id, currency][collection] = minor
    for each in found:
        dispute, own = disputes[each.claim_id, each.dispute_id], executed[each.dispute_id, each.balance.currency]
        yield rules.unsettled_obstacle(each, dispute, manual, balances=own, must_be_zero=zero)


def _locked(tx: Connection, call: Call, claim_id: str, etag: str, wanted: ClaimState) -> Claim:
    claim = claims.lock(tx, claim_id, call.scope)
    if etag not in {"", claim.etag}:
        raise EtagStale(CLAIM_TYPE, claim.name, etag=etag)
    if not may_become(claim.state, wanted):
        raise ClaimTransition(claim.name, state=claim.state, wanted=wanted)
    return claim


def _change(tx: Connection, call: Call, old: Claim, new: Claim, more: Document) -> Claim:
    new = replace(new, version=old.version + 1, updated_us=call.now_us)
    claims_store.change(tx, new)
    event, kind = _TOLD[new.state]
    feed.record(tx, [NewEvent(new.claim_id, new.client_code, event, operation_id="", at_us=call.now_us)])
    told = {
        "from": {"state": old.state.value, "resolution": old.resolution},
        "to": {"state": new.state.value, "resolution": new.resolution},
    }
    scope_id = scopes.intern(tx, scopes.of_clients((new.client_code,)))
    events.append(tx, call, new.name, kind, told | more, scope_id=scope_id)
    return new


_TOLD = {
    ClaimState.RESOLVED: (EventKind.CLAIM_RESOLVED, "claim.resolved"),
    ClaimState.OPEN: (EventKind.CLAIM_REOPENED, "claim.reopened"),
}
