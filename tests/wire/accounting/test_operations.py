"""Operations over the wire: workflow points, amounts, accounts, channels."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from countinghouse.accounting.v1 import operations_pb2 as pb
from domain.kernel.time import iso_of
from tests.support.server import refusal
from tests.wire.accounting.behind import Behind
from tests.wire.accounting.desk import EXECUTED, PENDING, Desk, entry, money
from tests.wire.accounting.samples import (
    TRACKING_ONLY,
    Accounting,
    change_rule,
    create_client,
    create_collection,
    create_determination,
    create_rule,
    create_table,
    update_client,
)


@pytest.mark.rule("ACC-01", "ACC-03", "ACC-04", "ACC-05")
def test_a_rule_becomes_a_debit_and_a_credit_of_the_same_amount(desk: Desk) -> None:
    """It names both accounts, the rule's version, the dispute; performed is a fact at once, executed is not."""
    claim = desk.claim("SERVICE")
    made = desk.one(claim, "CREDIT", note="first")
    assert (made.debit.collection, made.debit.account) == ("collections/SUSPENSE", "1990")
    assert (made.credit.collection, made.credit.account) == ("collections/ACCOUNT_HOLDER", "holder-of-SERVICE")
    assert made.amount == money("150.00 USD")
    assert made.rule_version == "accountingRules/PROVISIONAL_CREDIT/versions/1"
    assert (made.state, made.performer, made.executor) == (PENDING, "anybody", "")
    assert made.HasField("perform_time")
    assert not made.HasField("execute_time")
    assert made.note == "first"
    assert made.assignment == made.name.replace("operations", "assignments")
    assert desk.get(made.name) == made


@pytest.mark.rule("ACC-01")
def test_an_operation_keeps_the_version_that_it_ran_with(desk: Desk, accounting: Accounting) -> None:
    """A change is a new version; what ran before still names the old one."""
    claim = desk.claim("MANUAL")
    before = desk.one(claim, "CHARGEBACK", "10.00 USD")
    change_rule(
        accounting,
        "CHARGEBACK",
        workflow_point="CHARGEBACK",
        debit_collection_code="FEES",
        credit_collection_code="SUSPENSE",
        **TRACKING_ONLY,
    )
    after = desk.one(claim, "CHARGEBACK", "10.00 USD")
    assert desk.get(before.name).rule_version.endswith("versions/1")
    assert desk.get(before.name).debit.collection == "collections/MERCHANT"
    assert (after.rule_version[-1], after.debit.collection) == ("2", "collections/FEES")


@pytest.mark.rule("ACC-02")
def test_the_first_row_that_holds_decides_the_account(desk: Desk, accounting: Accounting) -> None:
    """Conditions read claim, dispute, rule and side; without a row the refusal names the collection."""
    create_collection(accounting, "NOSTRO")
    table = {
        "collection_code": "NOSTRO",
        "rows": [
            {"condition": "dispute.amount_minor > 20000", "account": "big", "distribution_code": "LOSS"},
            {
                "condition": 'claim.attributes["scheme"] == "visa" && rule.code == "NOSTRO_IN"',
                "account_expression": '"visa-" + operation.side',
                "distribution_code": "FEES",
            },
        ],
    }
    create_determination(accounting, table)
    create_rule(accounting, "NOSTRO_IN", workflow_point="NOSTRO", credit_collection_code="NOSTRO")
    visa = {"scheme": "visa"}
    small = desk.claim("MANUAL", "200.00 USD", attributes=visa)
    big = desk.claim("MANUAL", "200.01 USD", attributes=visa)
    assert desk.one(small, "NOSTRO", "1.00 USD").credit.account == "visa-CREDIT"
    assert desk.one(big, "NOSTRO", "1.00 USD").credit.account == "big"
    other = desk.claim("MANUAL", "200.00 USD", attributes={"scheme": "amex"})
    found = refusal(lambda: desk.one(other, "NOSTRO", "1.00 USD"))
    assert (found.code, found.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ACCOUNT_UNDETERMINED")
    assert found.metadata["collection"] == "NOSTRO"


@pytest.mark.rule("ACC-03")
def test_equal_accounts_are_refused_but_suspense_may_go_to_other_suspense(desk: Desk, accounting: Accounting) -> None:
    """Whatever the collections, an operation moves money from one account to another."""
    create_collection(accounting, "SUSPENSE_TWO", suspense=True)
    create_collection(accounting, "TWIN")
    create_table(accounting, "TWIN", account="1990", distribution_code="SUSPENSE")
    create_table(accounting, "SUSPENSE_TWO", account="1991", distribution_code="SUSPENSE")
    create_rule(accounting, "TO_TWIN", workflow_point="TWIN", credit_collection_code="TWIN")
    create_rule(accounting, "ASIDE", workflow_point="ASIDE", credit_collection_code="SUSPENSE_TWO")
    claim = desk.claim("MANUAL")
    found = refusal(lambda: desk.one(claim, "TWIN", "1.00 USD"))
    assert (found.code, found.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ACCOUNTS_EQUAL")
    assert found.metadata["rule"] == "TO_TWIN"
    aside = desk.one(claim, "ASIDE", "1.00 USD")
    assert (aside.debit.account, aside.credit.account) == ("1990", "1991")


@pytest.mark.rule("ACC-05")
def test_a_workflow_point_runs_all_rules_in_order_for_all_disputes_or_none(
    desk: Desk, behind: Behind, accounting: Accounting
) -> None:
    """One refusal refuses all of it; a rule with nothing to move is skipped, and the answer says so."""
    create_rule(accounting, "A_LATER", workflow_point="CREDIT", position=2, credit_collection_code="MERCHANT")
    create_rule(accounting, "B_SOONER", workflow_point="CREDIT", position=1, credit_collection_code="LOSS")
    claim = desk.claim("MANUAL", "10.00 USD", "20.00 USD")
    found = refusal(lambda: desk.execute(claim, "CREDIT", "1.00 USD", None))
    assert found.violations == [("entries[1].amount", "AMOUNT_REQUIRED")]
    assert behind.operations(claim) == 0
    done = desk.execute(claim, "CREDIT", "1.00 USD", "0.00 USD")
    assert [(each.rule_version.split("/")[1], each.dispute[-1]) for each in done.operations] == [
        ("PROVISIONAL_CREDIT", "1"),
        ("PROVISIONAL_CREDIT", "2"),
        ("B_SOONER", "1"),
        ("A_LATER", "1"),
    ]
    assert [(each.rule, each.dispute[-1]) for each in done.skipped] == [
        ("accountingRules/B_SOONER", "2"),
        ("accountingRules/A_LATER", "2"),
    ]


@pytest.mark.rule("ACC-05")
def test_a_step_key_refuses_a_second_run_whatever_the_request_id(desk: Desk, behind: Behind) -> None:
    """Per dispute and workflow point; the same request id gives the first answer instead."""
    claim = desk.claim("MANUAL", "10.00 USD", "20.00 USD")
    first = desk.execute(claim, "CREDIT", step_key="k", request_id="r1")
    assert desk.execute(claim, "CREDIT", step_key="k", request_id="r1") == first
    found = refusal(lambda: desk.execute(claim, "CREDIT", step_key="k", request_id="r2"))
    assert (found.code, found.reason) == (grpc.StatusCode.ALREADY_EXISTS, "STEP_ALREADY_EXECUTED")
    assert (found.metadata["dispute"], found.metadata["step_key"]) == ("1", "k")
    both = refusal(lambda: desk.execute(claim, "CREDIT", None, None, step_key="k"))
    assert both.reason == "STEP_ALREADY_EXECUTED"
    desk.execute(claim, "CREDIT", step_key="other")
    assert behind.operations(claim) == 2


@pytest.mark.rule("ACC-05")
def test_of_two_who_run_a_step_at_once_one_wins(desk: Desk, behind: Behind) -> None:
    """Sixteen callers, one operation."""
    claim = desk.claim("MANUAL")

    def run(_: int) -> str:
        try:
            desk.execute(claim, "CREDIT", step_key="k")
        except grpc.RpcError as error:
            return str(error.code().name)
        return "OK"

    with ThreadPoolExecutor(8) as pool:
        outcomes = sorted(pool.map(run, range(16)))
    assert outcomes == ["ALREADY_EXISTS"] * 15 + ["OK"]
    assert behind.operations(claim) == 1


@pytest.mark.rule("ACC-01")
def test_a_rule_moves_what_brings_a_balance_to_zero(desk: Desk, accounting: Accounting) -> None:
    """By currency, of executed operations alone; of a balance on the wrong side it is refused."""
    claim = desk.claim("MANUAL", "10.00 USD", "10.00 USD")
    change_rule(
        accounting,
        "WRITE_OFF",
        workflow_point="WRITE_OFF",
        debit_collection_code="LOSS",
        credit_collection_code="SUSPENSE",
        entry_amount={"source": "ENTRY_AMOUNT_SOURCE_COLLECTION_BALANCE", "name": "SUSPENSE"},
    )
    desk.execute(claim, "CREDIT")  # pending: it does not count
    assert [each.dispute[-1] for each in desk.execute(claim, "WRITE_OFF").skipped] == ["1"]
    desk.free(claim, "SUSPENSE", "MERCHANT", "7.25 USD")
    desk.free(claim, "SUSPENSE", "MERCHANT", "500 JPY")
    moved = desk.execute(claim, "WRITE_OFF").operations
    assert [each.amount for each in moved] == [money("500 JPY"), money("7.25 USD")]
    other = desk.claim("MANUAL")
    desk.execute(other, "CHARGEBACK", "3.00 USD")
    found = refusal(lambda: desk.execute(other, "WRITE_OFF"))
    assert (found.code, found.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ENTRY_AMOUNT_NEGATIVE")


@pytest.mark.rule("ACC-07")
def test_what_does_not_belong_is_refused_with_its_field(desk: Desk, behind: Behind, accounting: Accounting) -> None:
    """A dispute of another claim, one that there is not, one named twice, an unknown workflow point, odd amounts."""
    claim, other = desk.claim("MANUAL"), desk.claim("MANUAL")

    def run(*entries: pb.AccountingEntry, point: str = "CHARGEBACK") -> list[tuple[str, str]]:
        request = pb.ExecuteAccountingRequest(parent=claim, workflow_point=point, entries=entries)
        found = refusal(lambda: desk.call("ExecuteAccounting", request))
        assert found.code is grpc.StatusCode.INVALID_ARGUMENT
        return found.violations

    assert run(entry(other, "1", "1.00 USD")) == [("entries[0].dispute", "DISPUTE_OF_ANOTHER_CLAIM")]
    assert run(entry(claim, "9", "1.00 USD")) == [("entries[0].dispute", "DISPUTE_UNKNOWN")]
    twice = entry(claim, "1", "1.00 USD")
    assert run(twice, twice) == [("entries[1].dispute", "DISPUTE_REPEATED")]
    assert run(twice, point="NOWHERE") == [("workflow_point", "WORKFLOW_POINT_UNKNOWN")]
    assert run(entry(claim, "1", "-1.00 USD")) == [("entries[0].amount", "AMOUNT_NOT_POSITIVE")]
    assert run(entry(claim, "1", "1.005 USD")) == [("entries[0].amount", "AMOUNT_FINER_THAN_MINOR_UNIT")]
    assert run(entry(claim, "1", "1.00 XXX")) == [("entries[0].amount", "CURRENCY_UNKNOWN")]
    missing = refusal(lambda: desk.execute("claims/none", "CREDIT"))
    assert (missing.code, missing.reason) == (grpc.StatusCode.NOT_FOUND, "CLAIM_NOT_FOUND")
    assert behind.operations(claim) == 0


@pytest.mark.rule("ACC-10")
def test_the_default_table_takes_the_first_channel_that_the_client_has(desk: Desk, behind: Behind) -> None:
    """Service, else batch, else a person: the books show the delivery, the batchable assignment, the task."""
    for client, channel in (("SERVICE", "SERVICE"), ("BATCH", "BATCH"), ("MANUAL", "MANUAL")):
        made = desk.one(desk.claim(client), "CREDIT")
        assert behind.assignment(made).channel == channel


@pytest.mark.rule("ACC-10")
def test_pre_conditions_decide_and_later_changes_move_nothing(
    desk: Desk, behind: Behind, accounting: Accounting
) -> None:
    """The first row that holds; a table of which none does refuses the operation."""
    rows = [
        {"condition": "operation.amount_minor >= 10000", "channel": "CHANNEL_MANUAL"},
        {"condition": 'rule.code == "PROVISIONAL_CREDIT"', "channel": "CHANNEL_BATCH"},
    ]
    batch = {"cut_off": {"hours": 17}, "format": "BATCH_FILE_FORMAT_CSV"}
    create_client(accounting, "PICKY", batch=batch, pre_conditions=rows)
    big = desk.one(desk.claim("PICKY", "100.00 USD"), "CREDIT")
    small = desk.one(desk.claim("PICKY", "99.99 USD"), "CREDIT")
    assert behind.assignment(big).channel == "MANUAL"
    assert behind.assignment(small).channel == "BATCH"
    found = refusal(lambda: desk.execute(desk.claim("PICKY"), "FEE"))
    assert (found.code, found.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "PRECONDITION_MATCHES_NOTHING")
    always = [{"condition": "true", "channel": "CHANNEL_MANUAL"}]
    update_client(accounting, "PICKY", pre_conditions=always)
    assert behind.assignment(desk.one(desk.claim("PICKY", "1.00 USD"), "CREDIT")).channel == "MANUAL"
    assert behind.assignment(small).channel == "BATCH"


@pytest.mark.rule("ACC-11")
def test_tracking_only_is_executed_at_once_and_makes_nothing(desk: Desk, behind: Behind) -> None:
    """By whoever performed it: no assignment, no accounting details; the balance counts it."""
    claim = desk.claim("SERVICE")
    made = desk.one(claim, "CHARGEBACK", "80.00 USD")
    assert (made.state, made.executor, made.tracking_only) == (EXECUTED, made.performer, True)
    assert made.execute_time == made.perform_time
    assert made.assignment == ""
    assert behind.details() == 0


@pytest.mark.rule("ACC-13")
def test_a_delayed_rule_waits_for_its_day(desk: Desk, behind: Behind, accounting: Accounting) -> None:
    """Calendar or business days from a date of the claim; a claim without that date is refused."""
    for code, kind in (("SOON", "DELAY_KIND_CALENDAR_DAYS"), ("WORK", "DELAY_KIND_BUSINESS_DAYS")):
        delay = {"days": 3, "kind": kind, "claim_date": "opened"}
        create_rule(accounting, code, workflow_point=code, delay=delay)
    opened = {"opened": {"year": 2026, "month": 5, "day": 27}}  # a Wednesday, yesterday
    claim = desk.claim("MANUAL", dates=opened)
    for code, begins, day in (("SOON", "2026-05-30", 1), ("WORK", "2026-06-01", 1)):  # Saturday; Monday
        made = desk.one(claim, code, "5.00 USD")
        found = behind.assignment(made)
        assert (found.state, iso_of(found.scheduled_us)) == ("SCHEDULED", f"{begins}T00:00:00.000000Z")
        assert (made.accounting_date.month, made.accounting_date.day) == (6, day)
    past = desk.claim("MANUAL", dates={"opened": {"year": 2026, "month": 5, "day": 1}})
    assert behind.assignment(desk.one(past, "WORK", "5.00 USD")).state == "PENDING"
    found_refusal = refusal(lambda: desk.execute(desk.claim("MANUAL"), "SOON", "5.00 USD"))
    assert (found_refusal.code, found_refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CLAIM_DATE_MISSING")
    assert found_refusal.metadata["date"] == "opened"


@pytest.mark.rule("ACC-30")
def test_the_accounting_date_is_that_of_the_channel(desk: Desk) -> None:
    """At 20:26 a batch client whose cut-off is 17:00 is in the next business day; the others are in today."""
    days = {
        client: desk.one(desk.claim(client), "CREDIT").accounting_date.day for client in ("SERVICE", "BATCH", "MANUAL")
    }
    assert days == {"SERVICE": 28, "BATCH": 29, "MANUAL": 28}


@pytest.mark.rule("ACC-02", "ACC-07")
def test_what_could_not_be_posted_is_refused_when_it_is_created(
    desk: Desk, behind: Behind, accounting: Accounting
) -> None:
    """An account whose distribution code belongs to another ledger, or to books without a period of the day."""
    claim = desk.claim("MANUAL", dates={"far": {"year": 2027, "month": 3, "day": 1}})
    delay = {"days": 1, "kind": "DELAY_KIND_CALENDAR_DAYS", "claim_date": "far"}
    create_rule(accounting, "FAR", workflow_point="FAR", delay=delay)
    found = refusal(lambda: desk.execute(claim, "FAR", "5.00 USD"))
    assert (found.code, found.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "PERIOD_MISSING")
    assert behind.operations(claim) == 0


@pytest.mark.rule("ACC-05", "PLT-07")
def test_a_batch_of_workflow_points_gives_a_result_for_each(desk: Desk, behind: Behind) -> None:
    """What is refused is a status beside the others, with the details that a call of its own would have got."""
    first, second = desk.claim("MANUAL"), desk.claim("SERVICE")
    item = pb.BatchExecuteAccountingRequest.Item
    items = [
        item(parent=first, workflow_point="CREDIT", entries=[entry(first, "1", None)], step_key="k"),
        item(parent=first, workflow_point="CREDIT", entries=[entry(second, "1", None)]),
        item(parent=second, workflow_point="CREDIT", entries=[entry(second, "1", None)]),
        item(parent="claims/none", workflow_point="CREDIT", entries=[entry("claims/none", "1", None)]),
        item(parent=first, workflow_point="CREDIT", entries=[entry(first, "1", None)], step_key="k"),
        item(parent=first, workflow_point="CHARGEBACK", entries=[entry(first, "1", "1.005 USD")]),
    ]
    request = pb.BatchExecuteAccountingRequest(items=items, request_id="b1")
    answer = desk.call("BatchExecuteAccounting", request)
    codes = [each.error.code for each in answer.results]
    assert codes == [0, 3, 0, 5, 6, 3]
    assert [len(each.operations) for each in answer.results] == [1, 0, 1, 0, 0, 0]
    assert desk.call("BatchExecuteAccounting", request) == answer
    assert behind.operations(first) == 1


@pytest.mark.rule("PLT-06", "ACC-05")
def test_validate_only_answers_and_stores_nothing(desk: Desk, behind: Behind) -> None:
    claim = desk.claim("MANUAL")
    assert len(desk.execute(claim, "CREDIT", validate_only=True, step_key="k").operations) == 1
    assert behind.operations(claim) == 0
    assert len(desk.execute(claim, "CREDIT", step_key="k").operations) == 1
