"""The two-person rule: a guarded call takes effect once somebody else has agreed, and once only (PLT-10, PLT-11)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest

from countinghouse.gl_extraction.v1 import reference_pb2
from countinghouse.operations.v1 import approvals_pb2 as pb
from server.settings import BadSettings
from tests.support.server import Refusal, Served, refusal
from tests.wire.scope.world import (
    APPROVALS,
    AUDIT,
    GL,
    OURS,
    SCHEDULES,
    Caller,
    fill,
    needed,
    newest_operation,
    open_books,
    served_to_callers,
)

PERIOD = f"ledgers/{OURS}/accountingPeriods/FY"
HOUR_US = 3_600_000_000
_STREAM = "which cannot wait for a second person; name methods instead"


class Clock:
    """The server's clock; the test sets it forward."""

    def __init__(self) -> None:
        self.ahead_us = 0

    def now_us(self) -> int:
        return time.time_ns() // 1_000 + self.ahead_us


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guarded(migrated_url: str, tmp_path: Path, clock: Clock) -> Iterator[Served]:
    """A server on which reopening, extracting and correcting take two people; a ledger with a closed period."""
    names = "ReopenAccountingPeriod, generateaccountingmessage,correctaccountingdetails"
    chosen = {"two_person": names, "approval_hours": 2, "jobs": False, "carries_out": ()}
    with served_to_callers(migrated_url, tmp_path, clock_us=clock.now_us, **chosen) as served:
        root = Caller(served, "root")
        open_books(root, OURS)
        root.gl("CloseAccountingPeriod", name=PERIOD)
        yield served


@pytest.fixture
def ann(guarded: Served) -> Caller:
    return Caller(guarded, "ann")


@pytest.fixture
def root(guarded: Served) -> Caller:
    return Caller(guarded, "root")


def reopen(caller: Caller, **more: Any) -> Callable[[], reference_pb2.AccountingPeriod]:
    fields = {"name": PERIOD, "reason": "a late invoice", **more}
    return partial(caller.gl, "ReopenAccountingPeriod", **fields)


def approve(caller: Caller, name: str, **more: Any) -> pb.Approval:
    answer: pb.Approval = caller.call(f"{APPROVALS}/ApproveApproval", {"name": name, **more})
    return answer


def reject(caller: Caller, name: str) -> pb.Approval:
    answer: pb.Approval = caller.call(f"{APPROVALS}/RejectApproval", {"name": name, "reason": "not now"})
    return answer


def get(caller: Caller, name: str) -> pb.Approval:
    answer: pb.Approval = caller.call(f"{APPROVALS}/GetApproval", {"name": name})
    return answer


def listed(caller: Caller, **wanted: Any) -> list[pb.Approval]:
    return list(caller.call(f"{APPROVALS}/ListApprovals", wanted).approvals)


def state_of(caller: Caller) -> int:
    period: reference_pb2.AccountingPeriod = caller.gl("GetAccountingPeriod", name=PERIOD)
    return period.state


def code_and_reason(refused: Refusal) -> tuple[grpc.StatusCode, str]:
    return refused.code, refused.reason


@pytest.mark.rule("PLT-10", "PLT-11", "PLT-06")
def test_a_call_takes_effect_once_somebody_else_has_agreed(ann: Caller, root: Caller) -> None:
    """Refused at first, and kept; nobody agrees to a call of their own; then it is let through, once."""
    first = refusal(reopen(ann, request_id="one"))
    assert code_and_reason(first) == (grpc.StatusCode.FAILED_PRECONDITION, "APPROVAL_NEEDED")
    name = first.metadata["approval"]
    assert name in first.message
    assert state_of(ann) == reference_pb2.ACCOUNTING_PERIOD_STATE_CLOSED
    assert needed(reopen(ann, request_id="two")) == name  # the same call, whatever its id
    seen = get(root, name)
    assert (seen.state, seen.caller, seen.permission) == (pb.APPROVAL_STATE_PENDING, "ann", "reopenaccountingperiod")
    asked = reference_pb2.ReopenAccountingPeriodRequest()
    assert seen.request.Unpack(asked)
    assert asked == reference_pb2.ReopenAccountingPeriodRequest(name=PERIOD, reason="a late invoice")

    own = refusal(partial(approve, ann, name))
    assert code_and_reason(own) == (grpc.StatusCode.PERMISSION_DENIED, "APPROVAL_OWN")
    agreed = approve(root, name, reason="seen the invoice", request_id="yes")
    assert (agreed.state, agreed.decider, agreed.reason) == (pb.APPROVAL_STATE_APPROVED, "root", "seen the invoice")
    assert approve(root, name, reason="seen the invoice", request_id="yes") == agreed

    period = reopen(ann, request_id="one")()
    assert period.state == reference_pb2.ACCOUNTING_PERIOD_STATE_OPEN
    assert reopen(ann, request_id="one")() == period  # the first answer, and no second use
    assert get(ann, name).state == pb.APPROVAL_STATE_USED
    root.gl("CloseAccountingPeriod", name=PERIOD)
    assert needed(reopen(ann, request_id="three")) != name
    entries = root.call(f"{AUDIT}/ListAuditEntries", {"resource": name}).audit_entries
    told = [(entry.type, entry.caller) for entry in reversed(entries)]
    assert told == [("approval.asked", "ann"), ("approval.approved", "root"), ("approval.used", "ann")]


@pytest.mark.rule("PLT-10")
def test_an_approval_is_good_for_that_call_alone(ann: Caller, root: Caller) -> None:
    """Other content, or another caller, asks anew; so does the same caller who sees more or less by now."""
    name = needed(reopen(ann))
    approve(root, name)
    others = (reopen(ann, reason="another"), reopen(root), reopen(Caller(ann.served, "cat")))
    assert len({needed(other) for other in others} | {name}) == 4
    assert reopen(ann)().state == reference_pb2.ACCOUNTING_PERIOD_STATE_OPEN


@pytest.mark.rule("PLT-10", "PLT-12")
def test_who_agrees_holds_the_permission_of_the_method(ann: Caller, root: Caller) -> None:
    """The permission to approve is not enough."""
    name = needed(reopen(ann))
    for decide in (approve, reject):
        refused = refusal(partial(decide, Caller(ann.served, "eve"), name))
        assert code_and_reason(refused) == (grpc.StatusCode.PERMISSION_DENIED, "APPROVAL_PERMISSION")
        assert refused.metadata["permission"] == "reopenaccountingperiod"
    assert get(root, name).state == pb.APPROVAL_STATE_PENDING


@pytest.mark.rule("PLT-10")
def test_what_was_rejected_or_withdrawn_is_asked_for_anew(ann: Caller, root: Caller) -> None:
    """Also after somebody had agreed; what is decided is decided."""
    name = needed(reopen(ann))
    approve(root, name)
    assert reject(root, name).state == pb.APPROVAL_STATE_REJECTED
    second = needed(reopen(ann))
    assert second != name
    assert reject(ann, second).decider == "ann"
    for decide in (approve, reject):
        late = refusal(partial(decide, root, second))
        assert code_and_reason(late) == (grpc.StatusCode.FAILED_PRECONDITION, "APPROVAL_STATE")
        assert late.metadata["state"] == "REJECTED"
    assert needed(reopen(ann)) not in {name, second}


@pytest.mark.rule("PLT-10", "PLT-04")
def test_an_approval_expires(ann: Caller, root: Caller, clock: Clock) -> None:
    """Pending or approved, after two hours it is good for nothing, and the same call asks anew."""
    pending = needed(reopen(ann))
    clock.ahead_us += 2 * HOUR_US
    late = refusal(partial(approve, root, pending))
    assert (late.reason, late.metadata["state"]) == ("APPROVAL_STATE", "EXPIRED")
    approved = needed(reopen(ann))
    approve(root, approved)
    clock.ahead_us += 2 * HOUR_US
    assert get(ann, approved).state == pb.APPROVAL_STATE_EXPIRED
    assert needed(reopen(ann)) not in {pending, approved}
    expired = listed(root, state="APPROVAL_STATE_EXPIRED")
    assert [each.name for each in expired] == [approved, pending]
    assert len(listed(root, state="APPROVAL_STATE_PENDING")) == 1
    assert listed(root, state="APPROVAL_STATE_APPROVED") == []


@pytest.mark.rule("PLT-10", "PLT-23")
def test_of_many_who_use_one_approval_at_once_one_wins(ann: Caller, root: Caller) -> None:
    """Each under a request id of its own: one operation is started, and the others are told to ask."""
    asked = {"origin": "ORIGIN_FINANCIAL"}
    approve(root, needed(partial(ann.gl, "GenerateAccountingMessage", **asked)))

    def start(number: int) -> str:
        try:
            ann.gl("GenerateAccountingMessage", **asked, request_id=f"r-{number}")
        except grpc.RpcError as error:
            return refusal_reason(error)
        return "started"

    with ThreadPoolExecutor(8) as callers:
        outcomes = list(callers.map(start, range(8)))
    assert sorted(outcomes) == ["APPROVAL_NEEDED"] * 7 + ["started"]
    assert len(listed(root, state="APPROVAL_STATE_USED")) == 1
    assert len(listed(root, state="APPROVAL_STATE_PENDING")) == 1
    operations = root.call("google.longrunning.Operations/ListOperations", {"name": "operations"}).operations
    assert [operation.name for operation in operations] == [newest_operation(ann).name]


@pytest.mark.rule("PLT-06", "PLT-10")
def test_the_same_call_at_once_under_one_request_id_is_answered_alike(ann: Caller, root: Caller) -> None:
    """Those who find the approval used are given the answer of the one who used it."""
    approve(root, needed(reopen(ann)))
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda _: reopen(ann, request_id="same")(), range(8)))
    assert all(answer == answers[0] for answer in answers)
    assert len(listed(root)) == 1


@pytest.mark.rule("PLT-06", "PLT-07")
def test_what_is_refused_anyway_or_only_rehearsed_asks_nobody(ann: Caller, root: Caller) -> None:
    """A rehearsal takes one person; a call that cannot be done is refused as it is without the rule."""
    missing = refusal(
        partial(ann.gl, "ReopenAccountingPeriod", name=f"ledgers/{OURS}/accountingPeriods/NO", reason="r")
    )
    assert missing.code is grpc.StatusCode.NOT_FOUND
    looked = ann.gl("GenerateAccountingMessage", origin="ORIGIN_FINANCIAL", validate_only=True)
    assert looked.done
    assert listed(root) == []


@pytest.mark.rule("PLT-08")
def test_lists_come_by_page_without_requests(ann: Caller, root: Caller) -> None:
    """Newest first."""
    names = [needed(reopen(ann, reason=f"reason {number}")) for number in range(5)]
    found, token = [], ""
    for size in (2, 2, 1):
        page = root.call(f"{APPROVALS}/ListApprovals", {"page_size": 2, "page_token": token})
        assert len(page.approvals) == size
        assert not any(each.HasField("request") for each in page.approvals)
        found += [each.name for each in page.approvals]
        token = page.next_page_token
    assert not token
    assert found == names[::-1]


@pytest.mark.rule("PLT-10", "GLX-03")
def test_nothing_of_a_call_stays_before_it_is_approved(ann: Caller, root: Caller) -> None:
    """A correction makes nothing and marks nothing, and comes out whole afterwards."""
    approve(root, needed(reopen(ann)))
    reopen(ann)()
    (detail,) = fill(ann, OURS, range(1))
    correct = partial(ann.gl, "UndoAccountingDetails", subject={"subject": "P-1"}, reason="wrong")
    name = needed(correct)
    assert not ann.gl("GetAccountingDetail", name=detail).HasField("void_time")
    approve(root, name)
    assert correct().voided_count == 1


@pytest.mark.rule("PLT-10", "PLT-26")
def test_no_schedule_leads_round_the_rule(ann: Caller, root: Caller) -> None:
    """What takes two people takes two to schedule, and to have a schedule run now."""
    message = "type.googleapis.com/countinghouse.gl_extraction.v1.GenerateAccountingMessageRequest"
    request = {"@type": message, "origin": "ORIGIN_FINANCIAL"}
    schedule = {"code": "nightly", "cron": "30 22 * * *", "request": request}
    create = partial(ann.call, f"{SCHEDULES}/CreateSchedule", {"schedule": schedule})
    approve(root, needed(create))
    made = create()
    assert needed(partial(ann.call, f"{SCHEDULES}/RunSchedule", {"name": made.name}))
    changed = {"schedule": {"name": made.name, "cron": "0 1 * * *", "etag": made.etag}, "update_mask": "cron"}
    assert needed(partial(ann.call, f"{SCHEDULES}/UpdateSchedule", changed))
    assert ann.call(f"{SCHEDULES}/PauseSchedule", {"name": made.name}).name == made.name


@pytest.mark.rule("PLT-44")
@pytest.mark.parametrize(
    ("names", "line"),
    [
        ("reopen", "'reopen' is the name of no method and no permission"),
        ("GetLedger", "'GetLedger' changes nothing that a second person could agree to"),
        ("ApproveApproval", "'ApproveApproval' changes nothing that a second person could agree to"),
        (
            "ingestaccountingdetails",
            f"'ingestaccountingdetails' lets in {GL}/IngestAccountingDetails, a stream, {_STREAM}",
        ),
    ],
)
def test_what_cannot_be_guarded_is_refused_at_start(
    migrated_sqlite_url: str, tmp_path: Path, names: str, line: str
) -> None:
    """One clear line for each name."""
    with (
        pytest.raises(BadSettings) as refused,
        served_to_callers(migrated_sqlite_url, tmp_path, two_person=f"{names},ReopenAccountingPeriod"),
    ):
        pass
    assert refused.value.lines == [f"COUNTINGHOUSE_TWO_PERSON: {line}"]


def refusal_reason(error: grpc.RpcError) -> str:
    """The reason in an error of a call."""

    def again() -> None:
        raise error

    return refusal(again).reason
