"""Use cases of the two-person rule: ask, look, approve, reject, use.

An approval is good for one call: the same caller, method and content. It is asked for in a transaction of its own, as
that of the call is rolled back, and used in the transaction of the call, so that it is used exactly when the call has
its effect. The order of locks is what the call changes, then the approval.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import Connection

from domain.approvals import store
from domain.approvals.errors import ApprovalNotFound, ApprovalOwn, ApprovalTransition, PermissionMissing
from domain.approvals.model import LIVE, Approval, Asked, State
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.ids import new_id
from domain.kernel.paging import Page
from domain.kernel.scopes import Scope


def ask(tx: Connection, call: Call, asked: Asked) -> Approval:
    """The approval that the call waits for: the one that there is, or a new one.

    Two who make the same call at once are told of the same approval.
    """
    live = store.find_live(tx, call.caller, call.method, asked.digest)
    if live is not None and live.expire_us > call.now_us:
        return live
    if live is not None:
        store.change(tx, replace(live, state=State.EXPIRED))
    new = Approval(
        approval_id=new_id(call.now_us),
        state=State.PENDING,
        method=call.method,
        permission=asked.permission,
        caller=call.caller,
        request_type=asked.request_type,
        request=asked.request,
        created_us=call.now_us,
        expire_us=call.now_us + asked.patience_us,
        decider="",
        decided_us=0,
        reason="",
        used_us=0,
        scope_id=scopes.intern(tx, call.scope),
    )
    store.add(tx, new, asked.digest)
    _record(tx, call, None, new, "approval.asked")
    return new


def use(tx: Connection, call: Call, digest: bytes) -> bool:
    """Use the approval of the call, once; False when there is none that was approved and is still good.

    Of two transactions that would use it one waits for the other, and finds it used.
    """
    live = store.find_live(tx, call.caller, call.method, digest)
    if live is None or live.state is not State.APPROVED or live.expire_us <= call.now_us:
        return False
    used = replace(live, state=State.USED, used_us=call.now_us)
    store.change(tx, used)
    _record(tx, call, live, used, "approval.used")
    return True


def get(tx: Connection, call: Call, approval_id: str) -> Approval:
    """The approval as it stands. Raises: ApprovalNotFound, also for what lies outside the caller's scope."""
    return _as_of(_seen(tx, call.scope, approval_id, lock=False), call.now_us)


def list_page(tx: Connection, call: Call, state: State | None, page: Page) -> list[Approval]:
    """One approval more than the page holds, if there is one, newest first, without requests; the key is the id."""
    before_id = str(page.after[0]) if page.after else ""
    seen = scopes.visible(tx, call.scope)
    found = store.page(tx, now_us=call.now_us, state=state, before_id=before_id, limit=page.size + 1, seen=seen)
    return [_as_of(each, call.now_us) for each in found]


def approve(tx: Connection, call: Call, approval_id: str, *, reason: str, held: Collection[str]) -> Approval:
    """Agree to the call; `held` are the permissions of who agrees.

    Raises: ApprovalNotFound; PermissionMissing; ApprovalOwn; ApprovalTransition.
    """
    before = _decidable(tx, call, approval_id, held, wanted=State.APPROVED, among=(State.PENDING,), reason=reason)
    if before.caller == call.caller:
        raise ApprovalOwn
    return _decided(tx, call, before, State.APPROVED, reason)


def reject(tx: Connection, call: Call, approval_id: str, *, reason: str, held: Collection[str]) -> Approval:
    """Refuse the call, or take back one's own. Raises: ApprovalNotFound; PermissionMissing; ApprovalTransition."""
    before = _decidable(tx, call, approval_id, held, wanted=State.REJECTED, among=LIVE, reason=reason)
    return _decided(tx, call, before, State.REJECTED, reason)


def forget_before(tx: Connection, before_us: int, limit: int) -> int:
    """Delete the oldest approvals that expired before an instant, at most `limit`; gives how many.

    What was asked, decided and used stays in the audit trail. Cost: one statement, by primary key.
    """
    return store.forget_before(tx, before_us, limit)


def _decidable(
    tx: Connection,
    call: Call,
    approval_id: str,
    held: Collection[str],
    *,
    wanted: State,
    among: Collection[State],
    reason: str,
) -> Approval:
    require_storable(reason=reason)
    before = _as_of(_seen(tx, call.scope, approval_id, lock=True), call.now_us)
    if before.permission not in held:
        raise PermissionMissing(permission=before.permission, method=before.method)
    if before.state not in among:
        raise ApprovalTransition(before.name, state=before.state, wanted=wanted)
    return before


def _decided(tx: Connection, call: Call, before: Approval, state: State, reason: str) -> Approval:
    after = replace(before, state=state, decider=call.caller, decided_us=call.now_us, reason=reason)
    store.change(tx, after)
    _record(tx, call, before, after, f"approval.{state.lower()}")
    return after


def _seen(tx: Connection, scope: Scope, approval_id: str, *, lock: bool) -> Approval:
    found = store.find(tx, approval_id)
    if found is not None and scopes.sees(tx, scope, found.scope_id):
        locked = store.find(tx, approval_id, lock=True) if lock else found
        if locked is not None:
            return locked
    raise ApprovalNotFound(approval_id)


def _as_of(approval: Approval, now_us: int) -> Approval:
    """The approval as it stands at an instant: what has expired need not be written to be so."""
    expired = approval.state in LIVE and approval.expire_us <= now_us
    return replace(approval, state=State.EXPIRED) if expired else approval


def _record(tx: Connection, call: Call, before: Approval | None, after: Approval, kind: str) -> None:
    payload = {
        "from": None if before is None else {"state": before.state},
        "to": {"state": after.state},
        "method": after.method,
        "permission": after.permission,
        "caller": after.caller,
        "reason": after.reason,
    }
    events.append(tx, call, after.name, kind, payload, scope_id=after.scope_id)
