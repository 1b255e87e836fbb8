"""What claims have come to: by collection, by operation, by step, now and as of an instant, on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import ParseDict

from countinghouse.accounting.v1 import operations_pb2
from countinghouse.accounting.v1 import overview_pb2 as pb
from countinghouse.values import decimal_of
from server.database.transaction import Database
from tests.support.server import refusal, serving
from tests.wire.accounting.behind import Behind
from tests.wire.accounting.conftest import NOW_US
from tests.wire.accounting.desk import CANCELED, EXECUTED, PENDING, Desk, money
from tests.wire.accounting.samples import Accounting, Fields, create_collection, open_shop
from tests.wire.gl_extraction.samples import Gl

HOUR_US = 3_600_000_000
ZERO = ("0.00", "0.00")
NOTHING = dict.fromkeys(("ACCOUNT_HOLDER", "FEES", "LOSS", "MERCHANT", "SUSPENSE"), ZERO)


def overview(accounting: Accounting, name: str, at_us: int | None = None) -> pb.AccountingOverview:
    request = pb.GetAccountingOverviewRequest(name=f"{name}/accountingOverview")
    if at_us is not None:
        request.as_of_time.FromMicroseconds(at_us)
    return accounting.GetAccountingOverview(request)


def lines(found: pb.AccountingOverview, currency: str = "USD") -> dict[str, tuple[str, str]]:
    """Executed and pending by collection, as decimals of two digits."""
    return {
        each.collection.removeprefix("collections/"): (_decimal(balance.executed), _decimal(balance.pending))
        for each in found.collections
        for balance in each.balances
        if balance.currency_code == currency
    }


def balance(found: pb.AccountingOverview, collection: str, currency: str = "USD") -> pb.CollectionBalance:
    (the,) = (
        balance
        for each in found.collections
        for balance in each.balances
        if (each.collection, balance.currency_code) == (f"collections/{collection}", currency)
    )
    return the


def listed(
    accounting: Accounting, parent: str, *, order_by: str = "", **wanted: Any
) -> list[operations_pb2.AccountingOperation]:
    """The operations that a filter, given as JSON, finds."""
    asked = {"parent": parent, "filter": wanted, "order_by": order_by}
    request = ParseDict(asked, pb.ListAccountingOperationsRequest())
    return list(accounting.ListAccountingOperations(request).accounting_operations)


def steps(accounting: Accounting, parent: str, size: int = 0) -> list[pb.AccountingStep]:
    """All steps, so many at a time."""
    found: list[pb.AccountingStep] = []
    request = pb.ListAccountingStepsRequest(parent=parent, page_size=size)
    while True:
        page = accounting.ListAccountingSteps(request)
        found += page.accounting_steps
        if not page.next_page_token:
            return found
        assert len(page.accounting_steps) == size
        request.page_token = page.next_page_token


def told(step: pb.AccountingStep) -> tuple[str, str, str, str, str]:
    side = pb.AccountingStepSide.Name(step.side).rpartition("_")[2]
    collection = step.target.collection.removeprefix("collections/")
    figures = (step.amount, step.executed_balance, step.pending_balance)
    return (side, collection, *map(_decimal, figures))  # type: ignore[return-value]


def _decimal(amount: Any) -> str:
    return f"{decimal_of(amount):.2f}"


@pytest.mark.rule("ACC-50")
def test_a_chargeback_puts_suspense_out_of_balance_and_a_credit_settles_it(accounting: Accounting, desk: Desk) -> None:
    """Suspense +80.00 is flagged; once the holder is credited it is 0.00, the flag is gone, and two are listed."""
    claim = desk.claim("MANUAL", "80.00 USD")
    assert lines(overview(accounting, claim)) == NOTHING
    desk.one(claim, "CHARGEBACK", "80.00 USD")
    found = overview(accounting, claim)
    assert lines(found) == {**NOTHING, "MERCHANT": ("-80.00", "0.00"), "SUSPENSE": ("80.00", "0.00")}
    suspense = balance(found, "SUSPENSE")
    assert list(suspense.flags) == [pb.BALANCE_FLAG_OUT_OF_BALANCE, pb.BALANCE_FLAG_DISPUTES_OUT_OF_BALANCE]
    assert (found.out_of_balance, suspense.executed_count, suspense.pending_count) == (True, 1, 0)
    assert not balance(found, "MERCHANT").flags
    desk.free(claim, "SUSPENSE", "ACCOUNT_HOLDER", "80.00 USD")
    found = overview(accounting, claim)
    assert lines(found) == {**NOTHING, "MERCHANT": ("-80.00", "0.00"), "ACCOUNT_HOLDER": ("80.00", "0.00")}
    suspense = balance(found, "SUSPENSE")
    assert (found.out_of_balance, list(suspense.flags), suspense.executed_count) == (False, [], 2)
    wanted = {"collection": "collections/SUSPENSE", "currency_code": "USD", "part": "BALANCE_PART_EXECUTED"}
    assert [each.entry_reason for each in listed(accounting, claim, **wanted)] == ["DISPUTE", "CORRECTION"]


@pytest.mark.rule("ACC-50", "ACC-04")
def test_what_is_pending_is_shown_apart_until_it_is_executed(
    accounting: Accounting, desk: Desk, behind: Behind
) -> None:
    """A provisional credit of 150.00 counts as pending, then as executed: Suspense is then at 150.00 less."""
    claim = desk.claim("SERVICE", "150.00 USD")
    operation = desk.one(claim, "CREDIT")
    found = overview(accounting, claim)
    assert lines(found) == {**NOTHING, "ACCOUNT_HOLDER": ("0.00", "150.00"), "SUSPENSE": ("0.00", "-150.00")}
    assert (found.out_of_balance, balance(found, "SUSPENSE").pending_count) == (False, 1)
    behind.settle(operation)
    found = overview(accounting, claim)
    assert lines(found) == {**NOTHING, "ACCOUNT_HOLDER": ("150.00", "0.00"), "SUSPENSE": ("-150.00", "0.00")}
    assert found.out_of_balance
    desk.cancel(desk.one(claim, "CREDIT").name)
    assert lines(overview(accounting, claim)) == lines(found)


@pytest.mark.rule("ACC-50")
def test_disputes_that_offset_each_other_are_seen(accounting: Accounting, desk: Desk) -> None:
    """Suspense of the claim is zero, of either dispute it is not: the claim is flagged, and each dispute is."""
    claim = desk.claim("MANUAL", "80.00 USD", "80.00 USD")
    desk.one(claim, "CHARGEBACK", "80.00 USD")
    form = operations_pb2.PerformManualAccountingRequest.FreeForm(
        debit_collection="collections/SUSPENSE", credit_collection="collections/MERCHANT", entry_reason="BACK"
    )
    entry = operations_pb2.AccountingEntry(dispute=f"{claim}/disputes/2", amount=money("80.00 USD"))
    accounting.PerformManualAccounting(
        operations_pb2.PerformManualAccountingRequest(parent=claim, entry=entry, free_form=form)
    )
    suspense = balance(overview(accounting, claim), "SUSPENSE")
    assert (suspense.executed.units, suspense.unsettled_dispute_count) == (0, 2)
    assert list(suspense.flags) == [pb.BALANCE_FLAG_DISPUTES_OUT_OF_BALANCE]
    for dispute, amount in (("1", "80.00"), ("2", "-80.00")):
        of_one = overview(accounting, f"{claim}/disputes/{dispute}")
        assert of_one.name == f"{claim}/disputes/{dispute}/accountingOverview"
        assert lines(of_one)["SUSPENSE"] == (amount, "0.00")
        assert list(balance(of_one, "SUSPENSE").flags) == [pb.BALANCE_FLAG_OUT_OF_BALANCE]


@pytest.mark.rule("ACC-50", "PLT-03")
def test_currencies_are_never_added_up(accounting: Accounting, desk: Desk) -> None:
    """Each currency has its own balance and flag; collections that were never moved are there at zero in each."""
    create_collection(accounting, "GOODWILL", description="What we give")
    claim = desk.claim("MANUAL", "80.00 USD", "9000 JPY")
    desk.execute(claim, "CHARGEBACK", "80.00 USD", "9000 JPY")
    found = overview(accounting, claim)
    assert lines(found)["SUSPENSE"] == ("80.00", "0.00")
    assert lines(found, "JPY")["SUSPENSE"] == ("9000.00", "0.00")
    assert lines(found)["GOODWILL"] == lines(found, "JPY")["GOODWILL"] == ZERO
    assert {each.description for each in found.collections} >= {"What we give"}


@pytest.mark.rule("ACC-50", "ACC-03")
def test_an_operation_within_a_collection_counts_once(accounting: Accounting, desk: Desk) -> None:
    """From one suspense account to another: the balance stays as it is, one operation is behind it."""
    claim = desk.claim("MANUAL", "80.00 USD")
    desk.free(claim, "SUSPENSE", "SUSPENSE", "80.00 USD", debit_account="1991")
    suspense = balance(overview(accounting, claim), "SUSPENSE")
    assert (suspense.executed.units, suspense.executed_count, list(suspense.flags)) == (0, 1, [])
    assert suspense == balance(overview(accounting, claim, NOW_US), "SUSPENSE")
    assert [told(step)[3] for step in steps(accounting, claim)] == ["-80.00", "0.00"]


@dataclass
class Clocked:
    """A shop whose clock can be put on."""

    database: Database
    now_us: int = NOW_US
    accounting: Any = field(default=None)

    def later(self) -> int:
        """An hour later; gives the instant before."""
        self.now_us += HOUR_US
        return self.now_us - 1


@pytest.fixture
def clocked(database: Database, migrated_url: str, tmp_path: Path, systems_of_record_file: Path) -> Iterator[Clocked]:
    shop = Clocked(database)
    chosen = {"jobs": False, "systems_of_record_file": systems_of_record_file, "systems_of_record_loopback": True}
    with serving(migrated_url, tmp_path, carries_out=(), clock_us=lambda: shop.now_us, **chosen) as server:
        shop.accounting = server.stub(Accounting)
        open_shop(shop.accounting, server.stub(Gl))
        yield shop


@pytest.mark.rule("ACC-50")
def test_a_balance_at_any_past_instant_can_be_asked_for(clocked: Clocked) -> None:
    """As it was then, pending apart, and with the operations that made it up then."""
    desk, accounting = Desk(clocked.accounting), clocked.accounting
    claim = desk.claim("SERVICE", "150.00 USD")
    before = clocked.later()
    first = desk.one(claim, "CREDIT")
    performed = clocked.later()
    Behind(clocked.database, clocked.now_us).settle(first)
    second = desk.one(claim, "CREDIT")
    executed = clocked.later()
    desk.cancel(second.name)
    now = clocked.now_us
    told_then = {
        before: ZERO,
        performed: ("0.00", "-150.00"),
        executed: ("-150.00", "-150.00"),
        now: ("-150.00", "0.00"),
    }
    for at_us, expected in told_then.items():
        found = overview(accounting, claim, at_us)
        assert (lines(found)["SUSPENSE"], found.as_of_time.ToMicroseconds()) == (expected, at_us)
        assert lines(found)["SUSPENSE"] == lines(overview(accounting, f"{claim}/disputes/1", at_us))["SUSPENSE"]
    assert lines(overview(accounting, claim, now)) == lines(overview(accounting, claim))
    instant = pb.GetAccountingOverviewRequest()
    instant.as_of_time.FromMicroseconds(executed)
    wanted = {"as_of_time": instant.as_of_time.ToJsonString(), "collection": "collections/SUSPENSE"}
    pending = listed(accounting, claim, part="BALANCE_PART_PENDING", **wanted)
    assert [(each.name, each.state) for each in pending] == [(second.name, CANCELED)]
    assert [each.name for each in listed(accounting, claim, part="BALANCE_PART_EXECUTED", **wanted)] == [first.name]


@pytest.mark.rule("ACC-50")
def test_operations_are_filtered_by_any_column(accounting: Accounting, desk: Desk, behind: Behind) -> None:
    """Whatever the filter names must hold; what it does not name does not matter."""
    claim = desk.claim("SERVICE", "150.00 USD", "70.00 USD")
    made = list(desk.execute(claim, "CREDIT", None, None, note="first run", step_key="k").operations)
    behind.settle(made[0])
    tracked = desk.one(claim, "CHARGEBACK", "80.00 USD")
    (free,) = desk.free(claim, "LOSS", "SUSPENSE", "12.34 USD", debit_account="6199")
    reversal = desk.reverse(tracked.name).reversals[0]
    every = {"credit 1": made[0], "credit 2": made[1], "tracked": tracked, "free": free, "reversal": reversal}
    words = {operation.name: word for word, operation in every.items()}
    for wanted, expected in _FILTERS:
        found = [words[each.name] for each in listed(accounting, claim, **wanted)]
        assert found == expected, wanted
    assert [words[each.name] for each in listed(accounting, f"{claim}/disputes/2")] == ["credit 2"]


_ALL = ["credit 1", "credit 2", "tracked", "free", "reversal"]
_FILTERS: tuple[tuple[Fields, list[str]], ...] = (
    ({}, _ALL),
    ({"collection": "collections/LOSS"}, ["free"]),
    ({"debit_collection": "collections/SUSPENSE"}, ["credit 1", "credit 2", "reversal"]),
    ({"credit_collection": "collections/SUSPENSE"}, ["tracked", "free"]),
    ({"account": "holder-of-SERVICE"}, ["credit 1", "credit 2"]),
    ({"debit_account": "6199"}, ["free"]),
    ({"credit_account": "2100"}, ["reversal"]),
    ({"currency_code": "EUR"}, []),
    ({"amount_from": {"currency_code": "USD", "units": "80"}}, ["credit 1", "tracked", "reversal"]),
    (
        {
            "amount_from": {"currency_code": "USD", "units": "12", "nanos": 340_000_000},
            "amount_to": {"currency_code": "USD", "units": "70"},
        },
        ["credit 2", "free"],
    ),
    ({"states": ["ACCOUNTING_OPERATION_STATE_PENDING"]}, ["credit 2"]),
    ({"kinds": ["ACCOUNTING_OPERATION_KIND_REVERSAL", "ACCOUNTING_OPERATION_KIND_FREE_FORM"]}, ["free", "reversal"]),
    ({"workflow_point": "CREDIT", "step_key": "k"}, ["credit 1", "credit 2"]),
    ({"rule": "accountingRules/CHARGEBACK"}, ["tracked", "reversal"]),
    ({"rule": "accountingRules/CHARGEBACK/versions/2"}, []),
    ({"entry_reason": "CORRECTION"}, ["free"]),
    ({"note": "first run"}, ["credit 1", "credit 2"]),
    ({"tracking_only": False}, ["credit 1", "credit 2"]),
    ({"reversed": True}, ["tracked"]),
    ({"executor": "core-bank", "external_reference": "ref"}, ["credit 1"]),
    ({"performer": "nobody"}, []),
    ({"approver": "nobody"}, []),
    ({"canceler": "nobody"}, []),
    ({"transaction_date_from": {"year": 2026, "month": 5, "day": 28}}, _ALL),
    ({"transaction_date_to": {"year": 2026, "month": 5, "day": 27}}, []),
    ({"accounting_date_to": {"year": 2026, "month": 5, "day": 27}}, []),
    ({"perform_time_before": "2026-05-28T20:26:40Z"}, []),
    ({"perform_time_from": "2026-05-28T20:26:40Z"}, _ALL),
    ({"execute_time_from": "2026-05-28T20:26:40Z", "part": "BALANCE_PART_EXECUTED"}, [*_ALL[:1], *_ALL[2:]]),
)


@pytest.mark.rule("ACC-50", "PLT-08")
def test_operations_are_sorted_and_paged(accounting: Accounting, desk: Desk) -> None:
    """By amount, from the largest; page by page, and a token of another order is refused."""
    claim = desk.claim("MANUAL", "80.00 USD")
    for amount in ("30.00 USD", "10.00 USD", "20.00 USD"):
        desk.one(claim, "CHARGEBACK", amount)
    request = pb.ListAccountingOperationsRequest(parent=claim, page_size=2, order_by="amount desc")
    first = accounting.ListAccountingOperations(request)
    request.page_token = first.next_page_token
    second = accounting.ListAccountingOperations(request)
    shown = [*first.accounting_operations, *second.accounting_operations]
    assert [each.amount.units for each in shown] == [30, 20, 10]
    assert not second.next_page_token
    request.order_by = "amount"
    assert refusal(lambda: accounting.ListAccountingOperations(request)).reason == "PAGE_TOKEN_INVALID"


@pytest.mark.rule("ACC-51")
@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_steps_stand_by_date_with_what_collections_came_to(clocked: Clocked, size: int) -> None:
    """By accounting date, ties by creation; a canceled one moves nothing; balances are exact on every page."""
    desk, accounting = Desk(clocked.accounting), clocked.accounting
    claim = desk.claim("BATCH", "150.00 USD")
    filed = desk.one(claim, "CREDIT")  # after the cut-off of Thursday: Friday's
    tracked = desk.one(claim, "CHARGEBACK", "80.00 USD")  # Thursday's
    canceled = desk.one(claim, "CREDIT")
    desk.cancel(canceled.name)
    found = steps(accounting, claim, size)
    assert [(step.operation.name, step.operation.state) for step in found[::2]] == [
        (tracked.name, EXECUTED),
        (filed.name, PENDING),
        (canceled.name, CANCELED),
    ]
    assert [told(step) for step in found] == [
        ("DEBIT", "MERCHANT", "80.00", "-80.00", "0.00"),
        ("CREDIT", "SUSPENSE", "80.00", "80.00", "0.00"),
        ("DEBIT", "SUSPENSE", "150.00", "80.00", "-150.00"),
        ("CREDIT", "ACCOUNT_HOLDER", "150.00", "0.00", "150.00"),
        ("DEBIT", "SUSPENSE", "150.00", "80.00", "-150.00"),
        ("CREDIT", "ACCOUNT_HOLDER", "150.00", "0.00", "150.00"),
    ]
    assert found == steps(accounting, f"{claim}/disputes/1")


@pytest.mark.rule("ACC-50", "ACC-51", "PLT-07")
def test_what_is_not_there_or_makes_no_sense_is_refused(accounting: Accounting, desk: Desk) -> None:
    """Claims, disputes, instants to come, and everything that is wrong with a filter at once."""
    claim = desk.claim("MANUAL")
    absent = refusal(lambda: overview(accounting, "claims/none"))
    assert (absent.code, absent.reason) == (grpc.StatusCode.NOT_FOUND, "CLAIM_NOT_FOUND")
    assert refusal(lambda: overview(accounting, f"{claim}/disputes/9")).reason == "DISPUTE_NOT_FOUND"
    assert refusal(lambda: steps(accounting, f"{claim}/disputes/9")).reason == "DISPUTE_NOT_FOUND"
    assert refusal(lambda: listed(accounting, "claims/none")).reason == "CLAIM_NOT_FOUND"
    ahead = refusal(lambda: overview(accounting, claim, NOW_US + 1))
    assert (ahead.code, ahead.reason) == (grpc.StatusCode.OUT_OF_RANGE, "AS_OF_IN_FUTURE")
    assert refusal(lambda: listed(accounting, claim, as_of_time="2030-01-01T00:00:00Z")).reason == "AS_OF_IN_FUTURE"
    found = refusal(
        lambda: listed(
            accounting,
            claim,
            amount_from={"currency_code": "USD", "units": "1"},
            amount_to={"currency_code": "EUR", "units": "1"},
            accounting_date_from={"year": 2026, "month": 2, "day": 30},
            as_of_time="1969-01-01T00:00:00Z",
        )
    )
    assert sorted(found.violations) == [
        ("filter.accounting_date_from", "DATE_INVALID"),
        ("filter.amount_to", "CURRENCIES_DIFFER"),
        ("filter.as_of_time", "INSTANT_OUT_OF_RANGE"),
    ]
    assert refusal(lambda: listed(accounting, claim, order_by="colour")).code is grpc.StatusCode.INVALID_ARGUMENT
