"""The rules that people may use by hand, with the values that each would use."""

from __future__ import annotations

from functools import partial

import grpc
import pytest
from google.rpc import error_details_pb2

from countinghouse.accounting.v1 import manual_rules_pb2 as pb
from countinghouse.accounting.v1 import vocabulary_pb2 as words
from tests.support.server import refusal
from tests.wire.accounting.desk import Desk, money
from tests.wire.accounting.samples import (
    CALLER,
    Accounting,
    create_claim_type,
    create_rule,
    update_client,
)


def listed(accounting: Accounting, claim: str, amount: str = "", size: int = 0) -> dict[str, pb.ManualRule]:
    """By code, so many at a time."""
    request = pb.ListManualRulesRequest(
        parent=f"{claim}/disputes/1", amount=money(amount) if amount else None, page_size=size
    )
    found: dict[str, pb.ManualRule] = {}
    while True:
        page = accounting.ListManualRules(request)
        assert not size or len(page.manual_rules) <= size
        found |= {each.rule.removeprefix("accountingRules/"): each for each in page.manual_rules}
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


@pytest.mark.rule("ACC-53")
def test_the_list_holds_the_rules_of_the_claim_type_that_may_be_used_by_hand(
    accounting: Accounting, desk: Desk
) -> None:
    """No other: not those of other types, not those for workflows alone, not retired ones."""
    create_claim_type(accounting, "LOAN")
    create_rule(accounting, "OF_LOANS", claim_type_codes=["LOAN"], manual=True)
    create_rule(accounting, "FIRST", manual=True, position=-1)
    claim = desk.claim("MANUAL")
    assert list(listed(accounting, claim)) == ["FIRST", "FEE", "WRITE_OFF"]
    assert list(listed(accounting, claim, size=1)) == ["FIRST", "FEE", "WRITE_OFF"]


@pytest.mark.rule("ACC-53", "ACC-10")
def test_choosing_a_rule_shows_its_values(accounting: Accounting, desk: Desk) -> None:
    """Collections, accounts, reason, amount, channel, date: what performing it then comes to."""
    claim = desk.claim("MANUAL", "80.00 USD")
    fee = listed(accounting, claim)["FEE"]
    assert (fee.debit.account, fee.credit.account) == ("holder-of-MANUAL", "4100")
    assert (fee.debit.collection, fee.credit.collection) == ("collections/ACCOUNT_HOLDER", "collections/FEES")
    assert (fee.amount_required, list(fee.amounts), fee.entry_reason) == (False, [money("9.50 USD")], "DISPUTE")
    assert (fee.channel, fee.tracking_only, fee.needs_approval) == (words.CHANNEL_MANUAL, False, False)
    (performed,) = desk.by_rule(claim, "FEE")
    assert (performed.debit, performed.credit) == (fee.debit, fee.credit)
    assert (performed.amount, performed.rule_version) == (fee.amounts[0], fee.rule_version)
    assert performed.accounting_date == fee.accounting_date
    for client, channel in (("BATCH", words.CHANNEL_BATCH), ("SERVICE", words.CHANNEL_SERVICE)):
        assert listed(accounting, desk.claim(client))["FEE"].channel == channel


@pytest.mark.rule("ACC-53")
def test_the_callers_amount_decides_where_accounts_hang_on_it(accounting: Accounting, desk: Desk) -> None:
    """Given, it is that; else the disputed amount. Above the limit another person has to agree."""
    create_rule(accounting, "ANY", manual=True, entry_amount=CALLER, processing_type="PROCESSING_TYPE_TRACKING_ONLY")
    update_client(accounting, "MANUAL", approval_limits=[{"currency_code": "USD", "units": "100"}])
    claim = desk.claim("MANUAL", "80.00 USD")
    rule = listed(accounting, claim)["ANY"]
    assert (rule.amount_required, list(rule.amounts), rule.tracking_only) == (True, [], True)
    assert (rule.channel, rule.needs_approval) == (words.CHANNEL_UNSPECIFIED, False)
    assert listed(accounting, claim, "100.01 USD")["ANY"].needs_approval
    for amount in ("0 USD", "-1.00 USD"):
        found = refusal(partial(listed, accounting, claim, amount))
        assert (found.code, found.violations) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            [("amount", "AMOUNT_NOT_POSITIVE")],
        )


@pytest.mark.rule("ACC-53", "ACC-02")
def test_a_rule_that_could_not_be_performed_says_why(accounting: Accounting, desk: Desk) -> None:
    """With the reason that performing it would give; the others are told all the same."""
    create_rule(
        accounting,
        "OF_TIPS",
        manual=True,
        entry_amount={"source": "ENTRY_AMOUNT_SOURCE_DISPUTE_FIELD", "name": "tip"},
    )
    claim = desk.claim("MANUAL", "80.00 USD")
    found = listed(accounting, claim)
    assert found["OF_TIPS"].debit.collection == "collections/SUSPENSE"
    assert _reason(found["OF_TIPS"]) == "DISPUTE_AMOUNT_MISSING"
    assert not found["FEE"].HasField("error")
    assert list(found["WRITE_OFF"].amounts) == []  # there is nothing to write off
    desk.one(claim, "CHARGEBACK", "30.00 USD")
    assert _reason(listed(accounting, claim)["WRITE_OFF"]) == "ENTRY_AMOUNT_NEGATIVE"


def _reason(rule: pb.ManualRule) -> str:
    info = error_details_pb2.ErrorInfo()
    assert rule.error.details[0].Unpack(info)
    return info.reason


@pytest.mark.rule("ACC-53", "ACC-07")
def test_rules_are_listed_for_disputes_that_there_are(accounting: Accounting, desk: Desk) -> None:
    """Another claim or dispute is not found."""
    claim = desk.claim("MANUAL")
    absent = pb.ListManualRulesRequest(parent=f"{claim}/disputes/9")
    assert refusal(lambda: accounting.ListManualRules(absent)).reason == "DISPUTE_NOT_FOUND"
