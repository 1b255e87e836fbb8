"""Accounting rules over the wire: final versions, and what they are refused for."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict

from countinghouse.accounting.v1 import accounting_rules_pb2 as pb
from countinghouse.operations.v1 import audit_pb2, audit_pb2_grpc
from domain.kernel.time import iso_of
from tests.support.server import Served, refusal
from tests.wire.accounting.conftest import NOW_US
from tests.wire.accounting.samples import TRACKING_ONLY, Accounting, change_rule, create_rule, rule_fields

HOUR_US = 3_600_000_000
DELAY = {"days": 3, "kind": "DELAY_KIND_BUSINESS_DAYS", "claim_date": "filed"}
SETTLEMENT = {"debit_collection_code": "SUSPENSE", "credit_collection_code": "SUSPENSE", "entry_reason": "CLEARING"}


def get(accounting: Accounting, code: str) -> pb.AccountingRule:
    return accounting.GetAccountingRule(pb.GetAccountingRuleRequest(name=f"accountingRules/{code}"))


def versions(accounting: Accounting, code: str) -> list[pb.AccountingRuleVersion]:
    request = pb.ListAccountingRuleVersionsRequest(parent=f"accountingRules/{code}")
    return list(accounting.ListAccountingRuleVersions(request).accounting_rule_versions)


def wrong(accounting: Accounting, **says: Any) -> list[tuple[str, str]]:
    """Fields, below the version, and reasons for which a rule is refused."""
    refused = refusal(lambda: create_rule(accounting, "WRONG", **says))
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    path = "accounting_rule.newest_version."
    return [(field.removeprefix(path), reason) for field, reason in refused.violations]


@pytest.mark.rule("ACC-01", "ACC-06", "ACC-13", "PLT-06")
def test_a_rule_is_read_as_it_was_given(accounting: Accounting) -> None:
    """All that a version says is kept; a rehearsal stores nothing; a repeated call gives the first answer."""
    says = {"description": "Credit", "position": 7, "manual": True, "delay": DELAY, "settlement": SETTLEMENT}
    create_rule(accounting, "NEW", request={"validate_only": True}, **says)
    assert refusal(lambda: get(accounting, "NEW")).code is grpc.StatusCode.NOT_FOUND
    made = create_rule(accounting, "NEW", request={"request_id": "c"}, **says)
    assert create_rule(accounting, "NEW", request={"request_id": "c"}, **says) == made == get(accounting, "NEW")
    first = MessageToDict(made.newest_version, preserving_proto_field_name=True)
    assert {name: first[name] for name in rule_fields(**says)} == rule_fields(**says)
    assert (first["name"], first["version"]) == ("accountingRules/NEW/versions/1", "1")
    assert made.newest_version.valid_from_time.ToMicroseconds() == NOW_US
    assert made.state == pb.ACCOUNTING_RULE_STATE_ACTIVE
    assert refusal(lambda: create_rule(accounting, "NEW")).reason == "CODE_TAKEN"


@pytest.mark.rule("ACC-01", "PLT-10", "PLT-11")
def test_a_change_is_a_new_version_and_the_old_one_stays(shop: Served, accounting: Accounting) -> None:
    """The versions are listed, the newest first; who saw an older etag is refused."""
    before = get(accounting, "FEE")
    changed = change_rule(accounting, "FEE", entry_reason="OTHER", valid_from_time=iso_of(NOW_US + HOUR_US))
    assert (changed.version, changed.entry_reason) == (2, "OTHER")
    assert changed.valid_from_time.ToMicroseconds() == NOW_US + HOUR_US
    assert versions(accounting, "FEE") == [changed, before.newest_version]
    one = pb.GetAccountingRuleVersionRequest(name=before.newest_version.name)
    assert accounting.GetAccountingRuleVersion(one) == before.newest_version
    after = get(accounting, "FEE")
    assert (after.newest_version, after.etag != before.etag) == (changed, True)
    request = {"parent": before.name, "etag": before.etag, "accounting_rule_version": rule_fields()}
    late = ParseDict(request, pb.CreateAccountingRuleVersionRequest())
    stale = refusal(lambda: accounting.CreateAccountingRuleVersion(late))
    assert (stale.code, stale.reason) == (grpc.StatusCode.ABORTED, "ETAG_STALE")
    late.ClearField("etag")
    bare = refusal(lambda: accounting.CreateAccountingRuleVersion(late))
    assert bare.violations == [("etag", "ETAG_REQUIRED")]
    trail = shop.stub(audit_pb2_grpc.AuditServiceStub)
    entries = trail.ListAuditEntries(audit_pb2.ListAuditEntriesRequest(resource=before.name)).audit_entries
    assert [entry.type for entry in entries] == ["accounting_rule.version_created", "accounting_rule.created"]
    told = MessageToDict(entries[0].changes)
    assert (told["from"]["version"], told["to"]["version"], told["to"]["entry_reason"]) == (1, 2, "OTHER")


@pytest.mark.rule("ACC-01", "PLT-08")
def test_rules_and_versions_are_listed_page_by_page(accounting: Accounting) -> None:
    """None twice, none left out."""
    for position in range(2, 5):
        change_rule(accounting, "FEE", position=position)
    codes, numbers, token = [], [], ""
    while True:
        page = accounting.ListAccountingRules(pb.ListAccountingRulesRequest(page_size=3, page_token=token))
        codes += [rule.code for rule in page.accounting_rules]
        token = page.next_page_token
        if not token:
            break
    assert codes == ["CHARGEBACK", "FEE", "PROVISIONAL_CREDIT", "WRITE_OFF"]
    while True:
        request = pb.ListAccountingRuleVersionsRequest(parent="accountingRules/FEE", page_size=2, page_token=token)
        found = accounting.ListAccountingRuleVersions(request)
        numbers += [version.version for version in found.accounting_rule_versions]
        token = found.next_page_token
        if not token:
            break
    assert numbers == [4, 3, 2, 1]
    assert refusal(lambda: versions(accounting, "NONE")).code is grpc.StatusCode.NOT_FOUND
    missing = pb.GetAccountingRuleVersionRequest(name="accountingRules/FEE/versions/9")
    assert refusal(lambda: accounting.GetAccountingRuleVersion(missing)).code is grpc.StatusCode.NOT_FOUND


@pytest.mark.rule("ACC-01", "PLT-10")
def test_a_rule_is_retired_and_brought_back(accounting: Accounting) -> None:
    """Each once; whoever saw it otherwise is refused."""
    retire = pb.RetireAccountingRuleRequest(name="accountingRules/FEE", request_id="r")
    retired = accounting.RetireAccountingRule(retire)
    assert retired.state == pb.ACCOUNTING_RULE_STATE_RETIRED
    assert accounting.RetireAccountingRule(retire) == retired == get(accounting, "FEE")
    retire.request_id = ""
    twice = refusal(lambda: accounting.RetireAccountingRule(retire))
    assert (twice.code, twice.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "RULE_STATE")
    assert (twice.metadata["state"], twice.metadata["wanted"]) == ("RETIRED", "RETIRED")
    back = pb.UnretireAccountingRuleRequest(name="accountingRules/FEE", etag="77")
    assert refusal(lambda: accounting.UnretireAccountingRule(back)).reason == "ETAG_STALE"
    back.etag = retired.etag
    assert accounting.UnretireAccountingRule(back).state == pb.ACCOUNTING_RULE_STATE_ACTIVE


@pytest.mark.rule("ACC-01", "ACC-07", "PLT-07")
def test_a_rule_is_refused_for_all_that_is_wrong_with_it(accounting: Accounting) -> None:
    """Unknown codes are named with their field, all of them at once."""
    says = {
        "claim_type_codes": ["CARD", "NONE"],
        "debit_collection_code": "NOWHERE",
        "credit_collection_code": "",
        "entry_reason": "",
        "workflow_point": "",
        "entry_amount": {"source": "ENTRY_AMOUNT_SOURCE_COLLECTION_BALANCE", "name": "NOTHING"},
        "valid_from_time": iso_of(NOW_US - HOUR_US),
    }
    assert wrong(accounting, **says) == [
        ("workflow_point", "FIELD_REQUIRED"),
        ("entry_reason", "FIELD_REQUIRED"),
        ("claim_type_codes", "CLAIM_TYPE_UNKNOWN"),
        ("debit_collection_code", "COLLECTION_UNKNOWN"),
        ("credit_collection_code", "FIELD_REQUIRED"),
        ("entry_amount.name", "COLLECTION_UNKNOWN"),
        ("valid_from_time", "VALID_FROM_PAST"),
    ]
    assert wrong(accounting, claim_type_codes=None) == [("claim_type_codes", "FIELD_REQUIRED")]
    assert wrong(accounting, valid_from_time="1969-01-01T00:00:00Z") == [("valid_from_time", "INSTANT_OUT_OF_RANGE")]
    named = {"source": "ENTRY_AMOUNT_SOURCE_CALLER", "name": "x"}
    assert wrong(accounting, entry_amount=named) == [("entry_amount.name", "ENTRY_AMOUNT_NAME_UNUSED")]
    bare = {"source": "ENTRY_AMOUNT_SOURCE_DISPUTE_FIELD"}
    assert wrong(accounting, entry_amount=bare) == [("entry_amount.name", "FIELD_REQUIRED")]


@pytest.mark.rule("ACC-03")
def test_only_suspense_moves_to_suspense(accounting: Accounting) -> None:
    """Any other collection on both sides would debit and credit one account."""
    same = {"debit_collection_code": "FEES", "credit_collection_code": "FEES"}
    assert wrong(accounting, **same) == [("credit_collection_code", "COLLECTIONS_EQUAL")]
    create_rule(accounting, "SHIFT", debit_collection_code="SUSPENSE", credit_collection_code="SUSPENSE")


@pytest.mark.rule("ACC-06")
def test_a_settlement_moves_from_suspense_to_suspense(accounting: Accounting) -> None:
    """It has a reason of its own."""
    settlement = {"debit_collection_code": "FEES", "credit_collection_code": "NONE"}
    assert wrong(accounting, settlement=settlement) == [
        ("settlement.debit_collection_code", "SETTLEMENT_NOT_SUSPENSE"),
        ("settlement.credit_collection_code", "COLLECTION_UNKNOWN"),
        ("settlement.entry_reason", "FIELD_REQUIRED"),
    ]


@pytest.mark.rule("ACC-11", "ACC-13")
def test_a_delay_counts_days_of_a_named_date_and_tracking_only_waits_for_nothing(accounting: Accounting) -> None:
    """No more days than calendars count; what is for tracking only has neither delay nor settlement."""
    assert wrong(accounting, delay={**DELAY, "days": -1, "claim_date": ""}) == [
        ("delay.days", "DELAY_OUT_OF_RANGE"),
        ("delay.claim_date", "FIELD_REQUIRED"),
    ]
    assert wrong(accounting, delay={**DELAY, "days": 3_661}) == [("delay.days", "DELAY_OUT_OF_RANGE")]
    assert wrong(accounting, delay=DELAY, settlement=SETTLEMENT, **TRACKING_ONLY) == [
        ("delay", "DELAY_OF_TRACKING_ONLY"),
        ("settlement", "SETTLEMENT_OF_TRACKING_ONLY"),
    ]
