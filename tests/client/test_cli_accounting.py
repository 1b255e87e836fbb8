"""`countinghouse accounting`: what people type becomes requests, and what comes back can be typed again."""

import json
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from google.type.date_pb2 import Date

from countinghouse.accounting.v1 import claims_pb2, manual_rules_pb2
from countinghouse.accounting.v1 import operations_pb2 as pb
from countinghouse.accounting.v1.vocabulary_pb2 import CHANNEL_SERVICE
from countinghouse.cli.failures import BY_REASON
from server.gate.reasons import FIELDS, errors
from tests.client.command import money, run
from tests.client.server import refuse, serve

ID = "06c349c2dgb002apresvy5dv5f"
OPERATION = pb.AccountingOperation(
    name=f"claims/C-1/operations/{ID}",
    dispute="claims/C-1/disputes/1",
    client="clients/ACME",
    kind=pb.ACCOUNTING_OPERATION_KIND_RULE,
    state=pb.ACCOUNTING_OPERATION_STATE_PENDING,
    debit=pb.AccountingSide(collection="collections/SUSPENSE", account="1990"),
    credit=pb.AccountingSide(collection="collections/ACCOUNT_HOLDER", account="4711"),
    amount=money("USD", 1234, 500_000_000),
)


class Recorder:
    """Remembers requests and gives one answer."""

    def __init__(self, answer: Message) -> None:
        self.answer = answer
        self.seen: list[Any] = []

    def __call__(self, request: Any, _context: object) -> Message:
        self.seen.append(request)
        return self.answer


def test_a_workflow_point_is_run_for_disputes_with_and_without_amounts() -> None:
    """Short names become full ones; amounts are exact, written as they are shown or without blanks."""
    skipped = pb.SkippedRule(rule="accountingRules/FEE", dispute="claims/C-1/disputes/2")
    execute = Recorder(pb.ExecuteAccountingResponse(operations=[OPERATION], skipped=[skipped]))
    with serve(ExecuteAccounting=execute) as address:
        result = run(
            address,
            *("accounting", "execute", "C-1", "CREDIT", "--dispute", "1", "--dispute", "2=1,234.50 USD"),
            *("--dispute", "claims/C-1/disputes/3=0.07USD", "--step-key", "k", "--note", "n", "--validate-only"),
        )
    assert result.exit_code == 0
    (request,) = execute.seen
    assert (request.parent, request.workflow_point) == ("claims/C-1", "CREDIT")
    assert (request.step_key, request.note, request.validate_only) == ("k", "n", True)
    assert list(request.entries) == [
        pb.AccountingEntry(dispute="claims/C-1/disputes/1"),
        pb.AccountingEntry(dispute="claims/C-1/disputes/2", amount=money("USD", 1234, 500_000_000)),
        pb.AccountingEntry(dispute="claims/C-1/disputes/3", amount=money("USD", 0, 70_000_000)),
    ]
    assert f"C-1/{ID}" in result.stdout
    assert "1,234.50 USD" in result.stdout
    assert "FEE had nothing to move for dispute 2." in result.stderr


@pytest.mark.parametrize("wrong", ["1=12.00", "1=12,00 USD", "1=1.0000000001 USD", "1=twelve USD", "=1.00 USD"])
def test_what_is_no_amount_is_refused_before_any_call(wrong: str) -> None:
    """No digit is guessed: the message shows how it is written."""
    with serve() as address:
        result = run(address, "accounting", "execute", "C-1", "CREDIT", "--dispute", wrong)
    assert result.exit_code == 2
    assert "USD" in result.stderr


@pytest.mark.rule("ACC-53", "ACC-54")
def test_an_adjustment_is_by_a_rule_or_free_form() -> None:
    """Free-form is tracking only unless it is to be carried out; both ways at once, or half of one, are refused."""
    perform = Recorder(pb.PerformManualAccountingResponse(operations=[OPERATION]))
    start = ("accounting", "perform", "C-1", "--dispute", "1")
    free = ("--amount", "5.00 USD", "--debit", "LOSS", "--credit", "SUSPENSE", "--reason", "WRITE_OFF")
    with serve(PerformManualAccounting=perform) as address:
        good = [
            run(address, *start, *given) for given in (("--rule", "FEE"), free, (*free, "--carry-out", "--note", "x"))
        ]
        bad = [run(address, *start, *given) for given in ((), ("--rule", "FEE", *free), ("--debit", "LOSS"), free[:4])]
    assert [result.exit_code for result in good] == [0, 0, 0]
    assert [result.exit_code for result in bad] == [2, 2, 2, 2]
    by_rule, tracked, carried_out = perform.seen
    assert by_rule.rule == "accountingRules/FEE"
    assert not by_rule.entry.HasField("amount")
    assert tracked.free_form.debit_collection == "collections/LOSS"
    assert tracked.free_form.tracking_only
    assert carried_out.free_form.HasField("tracking_only")
    assert not carried_out.free_form.tracking_only
    assert (carried_out.note, carried_out.free_form.entry_reason) == ("x", "WRITE_OFF")


@pytest.mark.rule("ACC-53")
def test_rules_by_hand_show_their_values_and_why_not() -> None:
    """Of a claim with one dispute it need not be named; of one with several, the message names them."""
    refused = manual_rules_pb2.ManualRule(rule="accountingRules/B")
    refused.error.message = "nothing to write off"
    usable = manual_rules_pb2.ManualRule(
        rule="accountingRules/A", channel=CHANNEL_SERVICE, amount_required=True, debit=OPERATION.debit
    )
    listed = Recorder(manual_rules_pb2.ListManualRulesResponse(manual_rules=[usable, refused]))
    disputes = [claims_pb2.Dispute(name=f"claims/C-1/disputes/{number}") for number in "12"]
    several = Recorder(claims_pb2.ListDisputesResponse(disputes=disputes))
    with serve(ListManualRules=listed, ListDisputes=several) as address:
        asked = run(address, "accounting", "rules", "C-1")
        several.answer = claims_pb2.ListDisputesResponse(disputes=disputes[:1])
        shown = run(address, "accounting", "rules", "C-1", "--amount", "5.00 USD")
    assert asked.exit_code == 2
    assert "it has 1, 2" in asked.stderr
    assert shown.exit_code == 0
    assert "by its service" in shown.stdout
    assert "nothing to write off" in shown.stdout
    assert listed.seen[0].parent == "claims/C-1/disputes/1"
    assert listed.seen[0].amount == money("USD", 5)


@pytest.mark.parametrize("written", [f"C-1/{ID}", f"claims/C-1/operations/{ID}"])
@pytest.mark.parametrize(
    ("command", "method", "answer"),
    [
        ("show", "GetAccountingOperation", OPERATION),
        ("approve", "ApproveAccountingOperation", OPERATION),
        ("cancel", "CancelAccountingOperation", pb.CancelAccountingOperationResponse(operations=[OPERATION])),
        ("reverse", "ReverseAccountingOperation", pb.ReverseAccountingOperationResponse(reversals=[OPERATION])),
    ],
)
def test_an_operation_is_named_as_tables_show_it(command: str, method: str, answer: Message, written: str) -> None:
    """What one command prints the next one takes."""
    record = Recorder(answer)
    reason = ("--reason", "wrong") if command in {"cancel", "reverse"} else ()
    methods: dict[str, Any] = {method: record}
    with serve(**methods) as address:
        result = run(address, "accounting", command, written, *reason)
    assert result.exit_code == 0
    assert f"C-1/{ID}" in result.stdout
    (request,) = record.seen
    assert request.name == OPERATION.name
    assert getattr(request, "reason", "wrong") == "wrong"


def test_an_operation_without_its_claim_is_refused() -> None:
    """Operations are found through their claims: the message says how to write them."""
    with serve() as address:
        result = run(address, "accounting", "show", ID)
    assert result.exit_code == 2
    assert "CLAIM/ID" in result.stderr


def test_a_refusal_names_its_reason_and_what_stands_in_the_way() -> None:
    """In words, with the reason that programs go by, and an exit code of its own."""

    def cancel(_request: object, context: grpc.ServicerContext) -> None:
        info = error_details_pb2.ErrorInfo(reason="OUTCOME_IN_DOUBT", domain="countinghouse")
        refuse(context, grpc.StatusCode.FAILED_PRECONDITION, "nobody knows what came of it", info)

    with serve(CancelAccountingOperation=cancel) as address:
        result = run(address, "accounting", "cancel", f"C-1/{ID}", "--reason", "wrong")
    assert result.exit_code == 5
    assert "nobody knows what came of it [OUTCOME_IN_DOUBT]" in result.stderr
    assert "countinghouse accounting assignments record" in result.stderr


@pytest.mark.rule("PLT-07")
def test_what_to_do_next_goes_by_reasons_that_there_are() -> None:
    """The word behind an error is for this one: a reason that is renamed loses none."""
    known = {each.code for each in errors()} | {each.code for each in FIELDS}
    assert set(BY_REASON) <= known


def test_a_claim_is_made_with_its_disputes() -> None:
    """Options become fields; the same dispute, attribute or date twice is a mistake."""
    made = claims_pb2.Claim(name="claims/C-1", client_code="ACME", claim_type_code="CARD")
    create = Recorder(made)
    start = ("accounting", "claims", "create", "C-1", "--client", "ACME", "--type", "CARD")
    with serve(CreateClaim=create) as address:
        result = run(
            address,
            *(*start, "--account", "4711", "--description", "a card"),
            *("--dispute", "1=150.00 USD", "--dispute", "2=9.99 EUR"),
            *("--attribute", "tier=gold", "--date", "opened=2026-03-02"),
        )
        wrong = [
            run(address, *start, "--dispute", "1=1.00 USD", *more).exit_code
            for more in (("--dispute", "1=2.00 USD"), ("--date", "opened=yesterday"), ("--attribute", "tier"))
        ]
    assert (result.exit_code, wrong) == (0, [2, 2, 2])
    (request,) = create.seen
    assert request.claim_id == "C-1"
    assert request.claim == claims_pb2.Claim(
        client_code="ACME",
        claim_type_code="CARD",
        account="4711",
        description="a card",
        attributes={"tier": "gold"},
        dates={"opened": Date(year=2026, month=3, day=2)},
    )
    assert [(one.dispute_id, one.dispute.amount) for one in request.disputes] == [
        ("1", money("USD", 150)),
        ("2", money("EUR", 9, 990_000_000)),
    ]


def test_claims_are_listed_and_shown() -> None:
    """Filters reach the server; a claim comes with its disputes, as JSON in one object."""
    claim = claims_pb2.Claim(name="claims/C-1", client_code="ACME", state=claims_pb2.CLAIM_STATE_OPEN)
    dispute = claims_pb2.Dispute(name="claims/C-1/disputes/1", amount=money("USD", 150))
    listed = Recorder(claims_pb2.ListClaimsResponse(claims=[claim]))
    disputes = Recorder(claims_pb2.ListDisputesResponse(disputes=[dispute]))
    with serve(ListClaims=listed, GetClaim=Recorder(claim), ListDisputes=disputes) as address:
        rows = run(address, "accounting", "claims", "list", "--client", "ACME", "--type", "CARD", "--state", "open")
        shown = run(address, "accounting", "claims", "show", "C-1")
        told = run(address, "accounting", "claims", "show", "claims/C-1", "-o", "json")
    assert [rows.exit_code, shown.exit_code, told.exit_code] == [0, 0, 0]
    (request,) = listed.seen
    assert (request.client_code, request.claim_type_code) == ("ACME", "CARD")
    assert request.state == claims_pb2.CLAIM_STATE_OPEN
    assert "150.00 USD" in shown.stdout
    assert [one["name"] for one in json.loads(told.stdout)["disputes"]] == ["claims/C-1/disputes/1"]
