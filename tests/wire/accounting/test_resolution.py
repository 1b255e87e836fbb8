"""The end of a claim: what allows it, what stands in the way, what would settle that, and going on again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Barrier
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from google.rpc.error_details_pb2 import PreconditionFailure
from sqlalchemy import Connection

from countinghouse.accounting.v1 import claims_pb2, feed_pb2
from countinghouse.accounting.v1 import resolution_pb2 as pb
from countinghouse.accounting.v1 import vocabulary_pb2 as words
from countinghouse.operations.v1 import audit_pb2, audit_pb2_grpc
from domain.accounting.channels.model import Channel
from domain.accounting.execution.states import AssignmentState
from domain.accounting.execution.store import assignments
from domain.kernel.script import Script
from tests.support.server import Refusal, Served, refusal, refusal_of
from tests.wire.accounting.behind import Behind
from tests.wire.accounting.desk import Desk
from tests.wire.accounting.samples import (
    CALLER,
    Accounting,
    create_collection,
    create_rule,
    create_table,
    update_client,
)

PAY, DENY = words.RESOLUTION_PAY, words.RESOLUTION_DENY
ALL = [words.RESOLUTION_PAY, words.RESOLUTION_PARTIAL_DENY, words.RESOLUTION_WRITE_OFF, words.RESOLUTION_DENY]
BY_HAND = "perform a free-form adjustment of 80.00 USD"


def check(accounting: Accounting, claim: str, resolution: Any = PAY, **more: Any) -> pb.CheckResolutionResponse:
    return accounting.CheckResolution(pb.CheckResolutionRequest(name=claim, resolution=resolution, **more))


def resolve(accounting: Accounting, claim: str, resolution: Any = PAY, **more: Any) -> claims_pb2.Claim:
    return accounting.ResolveClaim(pb.ResolveClaimRequest(name=claim, resolution=resolution, **more))


def reopen(accounting: Accounting, claim: str, **more: Any) -> claims_pb2.Claim:
    return accounting.ReopenClaim(pb.ReopenClaimRequest(name=claim, reason="more came in", **more))


def collections(found: pb.CheckResolutionResponse) -> list[tuple[str, str, str]]:
    """Dispute, collection and balance of what is not zero."""
    return [
        (each.dispute.rpartition("/")[2], each.collection.rpartition("/")[2], f"{each.amount.units}")
        for each in found.obstacles
        if each.kind == pb.OBSTACLE_KIND_BALANCE_NOT_ZERO
    ]


def remedies(obstacle: pb.Obstacle) -> list[str]:
    """What would settle it, in the server's words."""
    return [each.description for each in obstacle.remedies]


@pytest.mark.rule("ACC-52")
def test_a_claim_that_nothing_was_moved_for_may_end_in_any_way(accounting: Accounting, desk: Desk) -> None:
    """There is nothing in the way."""
    claim = desk.claim("MANUAL", "80.00 USD")
    for resolution in ALL:
        found = check(accounting, claim, resolution)
        assert (found.allowed, found.obstacle_count, list(found.obstacles)) == (True, 0, [])


@pytest.mark.rule("ACC-52")
def test_pay_needs_suspense_at_zero_and_deny_more(accounting: Accounting, desk: Desk) -> None:
    """Executed balances decide; the fees never stand in the way, unless their collection is configured so."""
    claim = desk.claim("MANUAL", "80.00 USD")
    desk.one(claim, "CHARGEBACK", "80.00 USD")
    for resolution in ALL[:3]:
        assert collections(check(accounting, claim, resolution)) == [("1", "SUSPENSE", "80")]
    assert collections(check(accounting, claim, DENY)) == [("1", "MERCHANT", "-80"), ("1", "SUSPENSE", "80")]
    desk.free(claim, "SUSPENSE", "ACCOUNT_HOLDER", "80.00 USD")
    assert [check(accounting, claim, each).allowed for each in ALL] == [True, True, True, False]
    assert collections(check(accounting, claim, DENY)) == [("1", "ACCOUNT_HOLDER", "80"), ("1", "MERCHANT", "-80")]
    desk.free(claim, "ACCOUNT_HOLDER", "FEES", "80.00 USD")
    desk.free(claim, "LOSS", "MERCHANT", "80.00 USD")
    assert collections(check(accounting, claim, DENY)) == [("1", "LOSS", "-80")]
    create_collection(accounting, "GIFTS", zero_for=["RESOLUTION_PAY"])
    create_table(accounting, "GIFTS", account="7100", distribution_code="LOSS")
    desk.free(claim, "GIFTS", "FEES", "5.00 USD")
    assert collections(check(accounting, claim, PAY)) == [("1", "GIFTS", "-5")]


@pytest.mark.rule("ACC-52", "PLT-03")
def test_each_dispute_and_currency_is_checked_by_itself(accounting: Accounting, desk: Desk) -> None:
    """What two disputes or two currencies come to together does not matter."""
    claim = desk.claim("MANUAL", "80.00 USD", "80.00 USD", "8000 JPY")
    desk.execute(claim, "CHARGEBACK", "80.00 USD", "70.00 USD", "8000 JPY")
    desk.free(claim, "SUSPENSE", "MERCHANT", "230.00 USD")  # of dispute 1: over the three, dollars come to zero
    desk.free(claim, "SUSPENSE", "MERCHANT", "8000 JPY")
    assert collections(check(accounting, claim)) == [
        ("1", "SUSPENSE", "-8000"),
        ("1", "SUSPENSE", "-150"),
        ("2", "SUSPENSE", "70"),
        ("3", "SUSPENSE", "8000"),
    ]


_STATES = (
    (
        {"state": AssignmentState.FAILED},
        pb.OBSTACLE_KIND_FAILED,
        ["retry A", "carry it out and complete A", "re-route A", "cancel O"],
    ),
    (
        {"state": AssignmentState.IN_DOUBT},
        pb.OBSTACLE_KIND_IN_DOUBT,
        ["record what the system of record shows of A", "retry A"],
    ),
    ({"state": AssignmentState.SCHEDULED}, pb.OBSTACLE_KIND_PENDING, ["wait for O to be carried out", "cancel O"]),
    ({"state": AssignmentState.PENDING}, pb.OBSTACLE_KIND_PENDING, ["wait for O to be carried out", "cancel O"]),
    (
        {"state": AssignmentState.PENDING, "channel": Channel.BATCH},
        pb.OBSTACLE_KIND_PENDING,
        ["have the files of clients/SERVICE written now", "cancel O"],
    ),
    (
        {"state": AssignmentState.IN_PROGRESS, "channel": Channel.MANUAL},
        pb.OBSTACLE_KIND_PENDING,
        ["carry it out and complete A", "cancel O"],
    ),
)


@pytest.mark.rule("ACC-52")
@pytest.mark.parametrize("case", _STATES)
def test_an_operation_that_is_not_executed_stands_in_the_way(
    accounting: Accounting, desk: Desk, behind: Behind, case: tuple[dict[str, Any], Any, list[str]]
) -> None:
    """Named with its assignment, and with what would settle it, whatever its assignment's state."""
    how, kind, expected = case
    claim = desk.claim("SERVICE", "150.00 USD")
    operation = desk.one(claim, "CREDIT")
    assignment = replace(behind.assignment(operation), **how)

    def put(tx: Connection) -> None:
        script = Script(tx)
        assignments.change(script, [assignment])
        script.run()

    behind.database.write(put)
    for resolution in ALL:
        found = check(accounting, claim, resolution)
        (obstacle,) = found.obstacles
        assert (found.allowed, found.obstacle_count, obstacle.kind) == (False, 1, kind)
        assert (obstacle.operation, obstacle.assignment) == (operation.name, assignment.name)
        assert (obstacle.dispute, obstacle.amount.units) == (f"{claim}/disputes/1", 150)
        told = [each.replace(operation.name, "O").replace(assignment.name, "A") for each in remedies(obstacle)]
        assert told == expected


@pytest.mark.rule("ACC-52", "ACC-57")
def test_an_operation_that_waits_for_approval_stands_in_the_way(accounting: Accounting, desk: Desk) -> None:
    """Another person approves it, or it is canceled; then nothing is in the way."""
    update_client(accounting, "MANUAL", approval_limits=[{"currency_code": "USD", "units": "10"}])
    claim = desk.claim("MANUAL", "80.00 USD")
    (waiting,) = desk.free(claim, "SUSPENSE", "MERCHANT", "80.00 USD")
    (obstacle,) = check(accounting, claim).obstacles
    assert (obstacle.kind, obstacle.operation, obstacle.assignment) == (
        pb.OBSTACLE_KIND_AWAITING_APPROVAL,
        waiting.name,
        "",
    )
    assert remedies(obstacle) == [f"approve {waiting.name}", f"cancel {waiting.name}"]
    desk.cancel(waiting.name)
    assert check(accounting, claim).allowed


@pytest.mark.rule("ACC-52", "ACC-06")
def test_a_second_operation_names_the_first(accounting: Accounting, desk: Desk) -> None:
    """It is carried out once the first is: both stand in the way."""
    create_collection(accounting, "CLEARING", suspense=True)
    create_table(accounting, "CLEARING", account="1991", distribution_code="SUSPENSE")
    settlement = {
        "debit_collection_code": "CLEARING",
        "credit_collection_code": "SUSPENSE",
        "entry_reason": "SETTLE",
    }
    create_rule(accounting, "SETTLING", workflow_point="SETTLING", settlement=settlement)
    claim = desk.claim("SERVICE", "80.00 USD")
    first, second = desk.execute(claim, "SETTLING", "80.00 USD").operations
    of_first, of_second = check(accounting, claim).obstacles
    assert (of_first.operation, of_second.operation) == (first.name, second.name)
    assert remedies(of_second) == [f"see to {first.name}, on which it follows", f"cancel {second.name}"]


@pytest.mark.rule("ACC-52")
def test_rules_that_would_settle_a_balance_are_named(accounting: Accounting, desk: Desk) -> None:
    """Those that may be used by hand, move the right way, by the right amount; first what settles two at once."""
    by_hand: dict[str, Any] = {"manual": True, "entry_amount": CALLER}
    create_rule(accounting, "TO_HOLDER", debit_collection_code="SUSPENSE", workflow_point="X", **by_hand)
    create_rule(
        accounting,
        "TO_MERCHANT",
        debit_collection_code="SUSPENSE",
        credit_collection_code="MERCHANT",
        workflow_point="Y",
        **by_hand,
    )
    create_rule(accounting, "NOT_BY_HAND", debit_collection_code="SUSPENSE", workflow_point="Z", entry_amount=CALLER)
    claim = desk.claim("MANUAL", "80.00 USD")
    desk.one(claim, "CHARGEBACK", "80.00 USD")
    (pay,) = check(accounting, claim, PAY).obstacles
    assert remedies(pay) == [f"perform accountingRules/{code} for 80.00 USD" for code in ("TO_MERCHANT", "TO_HOLDER")]
    assert (pay.remedies[0].kind, pay.remedies[0].amount.units) == (pb.REMEDY_KIND_PERFORM_RULE, 80)
    merchant, suspense = check(accounting, claim, DENY).obstacles
    assert remedies(merchant) == remedies(suspense) == ["perform accountingRules/TO_MERCHANT for 80.00 USD"]
    desk.by_rule(claim, "TO_MERCHANT", "80.00 USD")
    assert [check(accounting, claim, each).allowed for each in ALL] == [False] * 4  # it is to be carried out
    desk.free(claim, "FEES", "SUSPENSE", "1.00 USD")
    suspense = check(accounting, claim, PAY).obstacles[0]
    assert remedies(suspense)[0].startswith("perform accountingRules/TO_")


@pytest.mark.rule("ACC-52", "ACC-53")
@pytest.mark.parametrize("resolution", ALL)
@pytest.mark.parametrize("below_zero", [False, True])
def test_what_is_said_to_settle_a_balance_does(
    accounting: Accounting, desk: Desk, resolution: Any, *, below_zero: bool
) -> None:
    """The rule and the amount that are named, performed by hand: that collection is zero, and no other is put out."""
    sides: dict[str, Any] = {"debit_collection_code": "SUSPENSE", "credit_collection_code": "MERCHANT"}
    back: dict[str, Any] = {"debit_collection_code": "MERCHANT", "credit_collection_code": "SUSPENSE"}
    for code, says in (("TO_MERCHANT", sides), ("FROM_MERCHANT", back)):
        tracked: dict[str, Any] = {
            "manual": True,
            "entry_amount": CALLER,
            "processing_type": "PROCESSING_TYPE_TRACKING_ONLY",
        }
        create_rule(accounting, code, workflow_point=code, **says, **tracked)
    claim = desk.claim("MANUAL", "80.00 USD")
    debit, credit = ("SUSPENSE", "MERCHANT") if below_zero else ("MERCHANT", "SUSPENSE")
    desk.free(claim, debit, credit, "80.00 USD")
    best = check(accounting, claim, resolution).obstacles[-1].remedies[0]
    assert best.kind == pb.REMEDY_KIND_PERFORM_RULE
    desk.by_rule(claim, best.resource.removeprefix("accountingRules/"), "80.00 USD")
    assert check(accounting, claim, resolution).allowed


@pytest.mark.rule("ACC-52")
def test_where_no_rule_would_settle_it_a_free_form_adjustment_does(accounting: Accounting, desk: Desk) -> None:
    """WRITE_OFF would move it the other way, and is not named."""
    claim = desk.claim("MANUAL", "80.00 USD")
    desk.one(claim, "CHARGEBACK", "80.00 USD")
    (obstacle,) = check(accounting, claim).obstacles
    assert obstacle.description == "collections/SUSPENSE is 80.00 USD, and must be zero"
    assert remedies(obstacle) == [BY_HAND]
    desk.free(claim, "SUSPENSE", "FEES", "160.00 USD")
    (obstacle,) = check(accounting, claim).obstacles
    assert remedies(obstacle) == ["perform accountingRules/WRITE_OFF for 80.00 USD"]
    desk.by_rule(claim, "WRITE_OFF")
    assert check(accounting, claim).obstacles[0].kind == pb.OBSTACLE_KIND_BALANCE_NOT_ZERO


@pytest.mark.rule("ACC-52", "PLT-08")
def test_what_stands_in_the_way_is_told_page_by_page(accounting: Accounting, desk: Desk) -> None:
    """Balances first, then operations, none left out or told twice."""
    claim = desk.claim("SERVICE", "80.00 USD", "70.00 USD", "60.00 USD")
    desk.execute(claim, "CHARGEBACK", "80.00 USD", "70.00 USD", "60.00 USD")
    pending = desk.execute(claim, "CREDIT", None, None, None).operations
    whole = check(accounting, claim, DENY)
    assert (whole.obstacle_count, len(whole.obstacles)) == (9, 9)
    assert [each.operation for each in whole.obstacles[6:]] == [each.name for each in pending]
    for size in (1, 2, 3, 6, 7):
        found: list[pb.Obstacle] = []
        token = ""
        while True:
            page = check(accounting, claim, DENY, page_size=size, page_token=token)
            assert page.obstacle_count == 9
            found += page.obstacles
            token = page.next_page_token
            if not token:
                break
            assert len(page.obstacles) == size
        assert found == list(whole.obstacles), size


@pytest.mark.rule("ACC-58", "ACC-52")
def test_a_claim_whose_accounting_does_not_allow_it_is_not_resolved(accounting: Accounting, desk: Desk) -> None:
    """Everything in the way is named; the claim stays open and as it was."""
    claim = desk.claim("SERVICE", "80.00 USD")
    desk.one(claim, "CHARGEBACK", "80.00 USD")
    pending = desk.one(claim, "CREDIT")
    before = accounting.GetClaim(claims_pb2.GetClaimRequest(name=claim))
    found = refusal(lambda: resolve(accounting, claim))
    assert (found.code, found.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "RESOLUTION_BLOCKED")
    assert found.metadata["obstacle_count"] == "2"
    assert [(each.type, each.subject) for each in _preconditions(found)] == [
        ("BALANCE_NOT_ZERO", f"{claim}/disputes/1"),
        ("PENDING", pending.name),
    ]
    assert _preconditions(found)[0].description == f"collections/SUSPENSE is 80.00 USD, and must be zero: {BY_HAND}"
    assert accounting.GetClaim(claims_pb2.GetClaimRequest(name=claim)) == before


@pytest.mark.rule("ACC-52", "ACC-58", "PLT-07")
def test_a_refusal_that_would_not_fit_says_how_much_is_in_the_way(accounting: Accounting, desk: Desk) -> None:
    """The first obstacles are named, and how many there are; the check tells all of them."""
    claim = desk.claim("MANUAL", *["80.00 USD"] * 60)
    desk.execute(claim, "CHARGEBACK", *["80.00 USD"] * 60)
    found = refusal(lambda: resolve(accounting, claim, DENY))
    assert (found.metadata["obstacle_count"], found.metadata["violations_total"]) == ("120", "100")
    named = [each.subject for each in _preconditions(found)]
    assert 5 < len(named) < 100
    assert named == [each.dispute for each in check(accounting, claim, DENY, page_size=len(named)).obstacles]


def _preconditions(found: Refusal) -> list[PreconditionFailure.Violation]:
    return list(found.detail(PreconditionFailure).violations)


@pytest.mark.rule("ACC-58")
def test_a_resolved_claim_refuses_new_operations_but_reversals_until_it_is_reopened(
    accounting: Accounting, desk: Desk
) -> None:
    """By a rule, by hand, by workflow: all are refused; a reversal is not; reopened, it goes on."""
    claim = desk.claim("MANUAL", "80.00 USD")
    moved = desk.one(claim, "CHARGEBACK", "80.00 USD")
    desk.free(claim, "SUSPENSE", "ACCOUNT_HOLDER", "80.00 USD")
    resolved = resolve(accounting, claim)
    assert (resolved.state, resolved.resolution) == (claims_pb2.CLAIM_STATE_RESOLVED, "PAY")
    assert resolved.resolve_time.seconds
    assert resolved == accounting.GetClaim(claims_pb2.GetClaimRequest(name=claim))
    refused: list[Callable[[], object]] = [
        lambda: desk.execute(claim, "CHARGEBACK", "1.00 USD"),
        lambda: desk.by_rule(claim, "FEE"),
        lambda: desk.free(claim, "FEES", "LOSS", "1.00 USD"),
    ]
    for each in refused:
        found = refusal(each)
        assert (found.code, found.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CLAIM_RESOLVED")
    (reversal,) = desk.reverse(moved.name).reversals
    assert reversal.reverses == moved.name
    opened = reopen(accounting, claim)
    assert (opened.state, opened.resolution, opened.HasField("resolve_time")) == (
        claims_pb2.CLAIM_STATE_OPEN,
        "",
        False,
    )
    desk.one(claim, "CHARGEBACK", "80.00 USD")
    assert resolve(accounting, claim).resolution == "PAY"


@pytest.mark.rule("ACC-58", "PLT-10")
def test_claims_are_resolved_and_reopened_once(accounting: Accounting, desk: Desk) -> None:
    """What a claim is already it does not become; both states are named, and a stale etag wins over that."""
    claim = desk.claim("MANUAL")
    first = accounting.GetClaim(claims_pb2.GetClaimRequest(name=claim))
    found = refusal(lambda: reopen(accounting, claim))
    assert (found.code, found.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CLAIM_STATE")
    assert (found.metadata["state"], found.metadata["wanted"]) == ("OPEN", "OPEN")
    assert resolve(accounting, claim, etag=first.etag).etag != first.etag
    found = refusal(lambda: resolve(accounting, claim, DENY))
    assert (found.metadata["state"], found.metadata["wanted"]) == ("RESOLVED", "RESOLVED")
    for call in (
        lambda: resolve(accounting, claim, etag=first.etag),
        lambda: reopen(accounting, claim, etag=first.etag),
    ):
        found = refusal(call)
        assert (found.code, found.reason) == (grpc.StatusCode.ABORTED, "ETAG_STALE")
    assert refusal(lambda: resolve(accounting, "claims/none")).reason == "CLAIM_NOT_FOUND"
    assert refusal(lambda: reopen(accounting, "claims/none")).reason == "CLAIM_NOT_FOUND"
    assert refusal(lambda: check(accounting, "claims/none")).reason == "CLAIM_NOT_FOUND"


@pytest.mark.rule("ACC-58", "PLT-06")
def test_a_resolution_is_safe_to_repeat_and_can_be_tried(accounting: Accounting, desk: Desk) -> None:
    """The same request id gives the first answer; validate_only answers alike and changes nothing."""
    claim = desk.claim("MANUAL")
    tried = resolve(accounting, claim, validate_only=True)
    assert tried.state == claims_pb2.CLAIM_STATE_RESOLVED
    assert accounting.GetClaim(claims_pb2.GetClaimRequest(name=claim)).state == claims_pb2.CLAIM_STATE_OPEN
    first = resolve(accounting, claim, request_id="end-1")
    assert resolve(accounting, claim, request_id="end-1") == first
    again = reopen(accounting, claim, request_id="open-1")
    assert reopen(accounting, claim, request_id="open-1") == again


@pytest.mark.rule("ACC-58", "ACC-56", "PLT-11")
def test_the_end_of_a_claim_is_told(shop: Served, accounting: Accounting, desk: Desk) -> None:
    """To those who watch the claim, and to the audit trail, with both states and the reason."""
    claim = desk.claim("MANUAL")
    resolve(accounting, claim, DENY)
    reopen(accounting, claim)
    events = accounting.ListAccountingEvents(feed_pb2.ListAccountingEventsRequest(parent=claim)).accounting_events
    assert [each.kind for each in events][-2:] == [
        feed_pb2.ACCOUNTING_EVENT_KIND_CLAIM_RESOLVED,
        feed_pb2.ACCOUNTING_EVENT_KIND_CLAIM_REOPENED,
    ]
    audit = shop.stub(audit_pb2_grpc.AuditServiceStub)
    request = audit_pb2.ListAuditEntriesRequest(resource=claim)
    reopened, resolved = audit.ListAuditEntries(request).audit_entries[:2]
    assert (resolved.type, reopened.type) == ("claim.resolved", "claim.reopened")
    end, beginning = {"state": "RESOLVED", "resolution": "DENY"}, {"state": "OPEN", "resolution": ""}
    assert MessageToDict(resolved.changes) == {"from": beginning, "to": end}
    assert MessageToDict(reopened.changes) == {"from": end, "to": beginning, "reason": "more came in"}


@pytest.mark.rule("ACC-58", "PLT-06")
def test_resolving_and_executing_at_once_is_as_one_after_the_other(accounting: Accounting, desk: Desk) -> None:
    """Either the claim is resolved and nothing was moved, or it was moved and the claim stays open."""
    ended = Counter[str]()
    with ThreadPoolExecutor(2) as pool:
        for _ in range(25):
            claim = desk.claim("MANUAL", "80.00 USD")
            barrier = Barrier(2)
            calls = (partial(resolve, accounting, claim), partial(desk.one, claim, "CHARGEBACK", "80.00 USD"))
            refused = [each.result() for each in [pool.submit(_at_once, barrier, call) for call in calls]]
            found = accounting.GetClaim(claims_pb2.GetClaimRequest(name=claim))
            moved = [*collections(check(accounting, claim, PAY))]
            if found.state == claims_pb2.CLAIM_STATE_RESOLVED:
                assert (refused, moved) == (["", "CLAIM_RESOLVED"], [])
            else:
                assert (refused, moved) == (["RESOLUTION_BLOCKED", ""], [("1", "SUSPENSE", "80")])
            ended[claims_pb2.ClaimState.Name(found.state)] += 1
    assert sum(ended.values()) == 25


def _at_once(barrier: Barrier, call: Callable[[], object]) -> str:
    """The reason of the refusal; empty when there was none."""
    barrier.wait(10)
    try:
        call()
    except grpc.RpcError as error:
        return refusal_of(error).reason
    return ""
