"""`countinghouse accounting overview`, `steps`, `resolve`, `reopen`: screens, and what they ask for."""

import json
import re
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from google.type.date_pb2 import Date

from countinghouse.accounting.v1 import claims_pb2, vocabulary_pb2
from countinghouse.accounting.v1 import operations_pb2 as operations_pb
from countinghouse.accounting.v1 import overview_pb2 as pb
from countinghouse.accounting.v1 import resolution_pb2 as resolution_pb
from tests.client.command import money, run
from tests.client.server import refuse, serve
from tests.client.test_cli_accounting import ID, OPERATION, Recorder
from tests.client.test_cli_terminal import in_terminal

NOW = Timestamp(seconds=1_780_000_000)


def _line(collection: str, currency: str, executed: int, *, pending: int = 0, **more: Any) -> pb.CollectionOverview:
    balance = pb.CollectionBalance(
        currency_code=currency,
        executed=money(currency, executed),
        pending=money(currency, pending),
        executed_count=int(executed != 0),
        pending_count=int(pending != 0),
        **more,
    )
    return pb.CollectionOverview(collection=f"collections/{collection}", balances=[balance])


OUT: dict[str, Any] = {"flags": [pb.BALANCE_FLAG_OUT_OF_BALANCE]}
OVERVIEW = pb.AccountingOverview(
    name="claims/C-1/accountingOverview",
    as_of_time=NOW,
    collections=[_line("MERCHANT", "USD", -1080, pending=-5), _line("SUSPENSE", "USD", 1080, pending=5, **OUT)],
    out_of_balance=True,
)


@pytest.mark.rule("ACC-50")
def test_what_is_out_of_balance_is_red_and_said_in_words() -> None:
    """In a terminal its line is red; in a pipe the words alone tell; the next command is shown."""
    overview = Recorder(OVERVIEW)
    with serve(GetAccountingOverview=overview) as address:
        shown = in_terminal(address, "accounting", "overview", "C-1")
        result = run(address, "accounting", "overview", "C-1", "--dispute", "2", "--at", "2026-05-01T10:00")
    red = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in shown.splitlines() if "\x1b[1;31m" in line]
    assert [line.split() for line in red] == [["SUSPENSE", "USD", "1,080.00", "1", "5.00", "1", "OUT", "OF", "BALANCE"]]
    assert "overview C-1 --operations SUSPENSE" in shown
    assert "\x1b" not in result.stdout
    assert [line.split() for line in result.stdout.splitlines()[1:3]] == [
        ["MERCHANT", "USD", "-1,080.00", "1", "-5.00", "1"],
        red[0].split(),
    ]
    assert "--dispute 2 --operations SUSPENSE" in result.stderr
    assert overview.seen[1].name == "claims/C-1/disputes/2/accountingOverview"
    assert overview.seen[1].as_of_time.ToJsonString() == "2026-05-01T10:00:00Z"


@pytest.mark.rule("ACC-50", "PLT-03")
def test_currencies_stand_apart() -> None:
    """A block for each, never a sum; disputes that offset each other are counted."""
    flags: dict[str, Any] = {"flags": [pb.BALANCE_FLAG_DISPUTES_OUT_OF_BALANCE], "unsettled_dispute_count": 2}
    lines = [
        _line("FEES", "USD", 0),
        _line("FEES", "JPY", 0),
        _line("SUSPENSE", "USD", 0),
        _line("SUSPENSE", "JPY", 0, **flags),
    ]
    with serve(GetAccountingOverview=Recorder(pb.AccountingOverview(as_of_time=NOW, collections=lines))) as address:
        result = run(address, "accounting", "overview", "C-1")
        as_json = run(address, "accounting", "overview", "C-1", "-o", "json")
    assert [line.split()[:3] for line in result.stdout.splitlines()[1:5]] == [
        ["FEES", "JPY", "0"],
        ["SUSPENSE", "JPY", "0"],
        ["FEES", "USD", "0.00"],
        ["SUSPENSE", "USD", "0.00"],
    ]
    assert "2 DISPUTES OUT OF BALANCE" in result.stdout
    assert len(json.loads(as_json.stdout)["collections"]) == 4


@pytest.mark.rule("ACC-50")
def test_the_operations_behind_a_balance_are_shown_in_its_two_parts() -> None:
    """What is executed, then what is pending, filtered and sorted as asked for."""
    seen: list[pb.ListAccountingOperationsRequest] = []

    def operations(request: Any, _context: object) -> Message:
        seen.append(request)
        pending = request.filter.part == pb.BALANCE_PART_PENDING
        return pb.ListAccountingOperationsResponse(accounting_operations=[OPERATION] if pending else [])

    asked = ("accounting", "overview", "C-1", "--operations", "SUSPENSE", "--currency", "USD", "--sort", "amount desc")
    with serve(ListAccountingOperations=operations) as address:
        result = run(address, *asked)
        as_json = run(address, *asked, "-o", "json")
    assert [each.filter.part for each in seen[:2]] == [pb.BALANCE_PART_EXECUTED, pb.BALANCE_PART_PENDING]
    assert (seen[0].parent, seen[0].order_by) == ("claims/C-1", "amount desc")
    assert (seen[0].filter.collection, seen[0].filter.currency_code) == ("collections/SUSPENSE", "USD")
    assert result.stdout.splitlines()[0] == "pending:"
    assert f"C-1/{ID}" in result.stdout
    assert [each["name"] for each in json.loads(as_json.stdout)] == [OPERATION.name]


@pytest.mark.rule("ACC-51")
def test_steps_fit_into_a_hundred_columns() -> None:
    """An operation is two lines, the debit with date and state, the credit with the id."""
    operation = operations_pb.AccountingOperation()
    operation.CopyFrom(OPERATION)
    operation.accounting_date.CopyFrom(Date(year=2026, month=5, day=28))
    sides = (
        (pb.ACCOUNTING_STEP_SIDE_DEBIT, operation.debit, -1234),
        (pb.ACCOUNTING_STEP_SIDE_CREDIT, operation.credit, 1234),
    )
    found = [
        pb.AccountingStep(
            side=side,
            target=target,
            amount=operation.amount,
            executed_balance=money("USD", 0),
            pending_balance=money("USD", pending),
            operation=operation,
        )
        for side, target, pending in sides
    ]
    with serve(ListAccountingSteps=Recorder(pb.ListAccountingStepsResponse(accounting_steps=found))) as address:
        shown = in_terminal(address, "accounting", "steps", "C-1")
    debit, credit = (re.sub(r"\x1b\[[0-9;]*m", "", line).split() for line in shown.splitlines()[1:3])
    assert debit == ["2026-05-28", "pending", "1", "Dr", "SUSPENSE", "1,234.50", "USD", "0.00", "-1,234.00"]
    assert credit == [ID, "Cr", "ACCOUNT_HOLDER", "0.00", "1,234.00"]


def _check(
    *obstacles: resolution_pb.Obstacle, count: int = 0, token: str = ""
) -> resolution_pb.CheckResolutionResponse:
    return resolution_pb.CheckResolutionResponse(
        allowed=not obstacles, obstacle_count=count or len(obstacles), obstacles=obstacles, next_page_token=token
    )


OFF = resolution_pb.Obstacle(
    kind=resolution_pb.OBSTACLE_KIND_BALANCE_NOT_ZERO,
    dispute="claims/C-1/disputes/1",
    collection="collections/SUSPENSE",
    amount=money("USD", 80),
    remedies=[resolution_pb.Remedy(description="perform accountingRules/TO_MERCHANT for 80.00 USD")],
)
FAILED = resolution_pb.Obstacle(
    kind=resolution_pb.OBSTACLE_KIND_FAILED,
    dispute="claims/C-1/disputes/2",
    operation=OPERATION.name,
    assignment=f"claims/C-1/assignments/{ID}",
    amount=money("USD", 10),
    remedies=[resolution_pb.Remedy(description=f"retry claims/C-1/assignments/{ID}")],
)


@pytest.mark.rule("ACC-52")
def test_what_stands_in_the_way_is_shown_with_what_would_settle_it() -> None:
    """Of all pages; the exit code tells that there is something; short where names are shown already."""
    pages = [_check(OFF, count=2, token="more"), _check(FAILED, count=2)]
    with serve(CheckResolution=lambda request, _: pages[bool(request.page_token)]) as address:
        result = run(address, "accounting", "resolve", "C-1", "--as", "partial-deny", "--check")
        as_json = run(address, "accounting", "resolve", "C-1", "--as", "pay", "--check", "-o", "json")
    assert (result.exit_code, as_json.exit_code) == (9, 9)
    assert "SUSPENSE is not zero" in result.stdout
    assert "perform TO_MERCHANT for 80.00 USD" in result.stdout
    assert "operation failed" in result.stdout
    assert "retry it" in result.stdout
    assert len(json.loads(as_json.stdout)["obstacles"]) == 2


@pytest.mark.rule("ACC-52", "ACC-58")
def test_a_claim_is_resolved_and_reopened() -> None:
    """As it is asked for; where nothing is in the way the check says so."""
    claim = claims_pb2.Claim(name="claims/C-1", state=claims_pb2.CLAIM_STATE_RESOLVED, resolution="WRITE_OFF")
    resolve, reopen, check = Recorder(claim), Recorder(claim), Recorder(_check())
    with serve(ResolveClaim=resolve, ReopenClaim=reopen, CheckResolution=check) as address:
        allowed = run(address, "accounting", "resolve", "C-1", "--as", "deny", "--check")
        result = run(address, "accounting", "resolve", "C-1", "--as", "write-off")
        again = run(address, "accounting", "reopen", "claims/C-1", "--reason", "more came in")
    assert (allowed.exit_code, result.exit_code, again.exit_code) == (0, 0, 0)
    assert "allows it" in allowed.stdout
    assert "WRITE_OFF" in result.stdout
    assert (check.seen[0].resolution, resolve.seen[0].resolution) == (
        vocabulary_pb2.RESOLUTION_DENY,
        vocabulary_pb2.RESOLUTION_WRITE_OFF,
    )
    assert (reopen.seen[0].name, reopen.seen[0].reason) == ("claims/C-1", "more came in")


@pytest.mark.rule("ACC-58")
def test_a_refused_resolution_tells_each_thing_in_the_way() -> None:
    """And how many there are beside those that the answer holds."""
    violations = [
        error_details_pb2.PreconditionFailure.Violation(
            type="PENDING", subject="claims/C-1/operations/x", description=text
        )
        for text in ("10.00 USD is not executed yet", "11.00 USD is not executed yet")
    ]
    info = error_details_pb2.ErrorInfo(reason="RESOLUTION_BLOCKED", metadata={"violations_total": "7"})
    told = error_details_pb2.PreconditionFailure(violations=violations)

    def refusing(_request: object, context: grpc.ServicerContext) -> Message:
        refuse(context, grpc.StatusCode.FAILED_PRECONDITION, "it cannot be resolved", info, told)

    with serve(ResolveClaim=refusing) as address:
        result = run(address, "accounting", "resolve", "C-1", "--as", "pay")
    assert result.exit_code == 5
    assert "claims/C-1/operations/x: 11.00 USD is not executed yet" in result.stderr
    assert "… and 5 more" in result.stderr
