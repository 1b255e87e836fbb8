"""Claim types, collections and account determination over the wire."""

from __future__ import annotations

from functools import partial
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict

from countinghouse.accounting.v1 import account_determination_pb2 as determination_pb
from countinghouse.accounting.v1 import accounting_rules_pb2 as rules_pb
from countinghouse.accounting.v1 import configuration_pb2 as pb
from countinghouse.accounting.v1 import vocabulary_pb2
from countinghouse.operations.v1 import audit_pb2, audit_pb2_grpc
from domain.kernel.time import iso_of
from tests.support.server import Served, refusal
from tests.wire.accounting.conftest import NOW_US
from tests.wire.accounting.samples import Accounting, change_rule, create_claim_type, create_rule, create_table


def collection(accounting: Accounting, code: str) -> pb.Collection:
    return accounting.GetCollection(pb.GetCollectionRequest(name=f"collections/{code}"))


def change_collection(accounting: Accounting, code: str, **fields: Any) -> pb.Collection:
    asked = {"name": f"collections/{code}", "etag": collection(accounting, code).etag, **fields}
    request = ParseDict({"collection": asked}, pb.UpdateCollectionRequest())
    request.update_mask.paths.extend(fields)
    return accounting.UpdateCollection(request)


def change_table(accounting: Accounting, code: str, **fields: Any) -> determination_pb.AccountDeterminationTable:
    name = f"accountDeterminationTables/{code}"
    found = accounting.GetAccountDeterminationTable(determination_pb.GetAccountDeterminationTableRequest(name=name))
    request = {"account_determination_table": {"name": name, "etag": found.etag, **fields}}
    return accounting.UpdateAccountDeterminationTable(
        ParseDict(request, determination_pb.UpdateAccountDeterminationTableRequest())
    )


@pytest.mark.rule("ACC-01", "PLT-06", "PLT-10")
def test_claim_types_are_created_read_listed_and_changed(accounting: Accounting) -> None:
    """A claim type lives under its code; a stale etag is ABORTED, a code taken before ALREADY_EXISTS."""
    request = pb.CreateClaimTypeRequest(claim_type=pb.ClaimType(code="ATM", description="Cash"), validate_only=True)
    assert accounting.CreateClaimType(request).name == "claimTypes/ATM"
    get = pb.GetClaimTypeRequest(name="claimTypes/ATM")
    assert refusal(lambda: accounting.GetClaimType(get)).code is grpc.StatusCode.NOT_FOUND
    request.validate_only, request.request_id = False, "c"
    made = accounting.CreateClaimType(request)
    assert accounting.CreateClaimType(request) == made == accounting.GetClaimType(get)
    assert (made.description, made.create_time.ToMicroseconds()) == ("Cash", NOW_US)
    taken = refusal(lambda: create_claim_type(accounting, "ATM"))
    assert (taken.code, taken.reason) == (grpc.StatusCode.ALREADY_EXISTS, "CODE_TAKEN")
    update = pb.UpdateClaimTypeRequest(claim_type=pb.ClaimType(code="ATM", description="New", etag=made.etag))
    assert accounting.UpdateClaimType(update).description == "New"
    assert refusal(lambda: accounting.UpdateClaimType(update)).reason == "ETAG_STALE"
    first = accounting.ListClaimTypes(pb.ListClaimTypesRequest(page_size=1))
    rest = accounting.ListClaimTypes(pb.ListClaimTypesRequest(page_token=first.next_page_token))
    assert [found.code for found in (*first.claim_types, *rest.claim_types)] == ["ATM", "CARD"]


@pytest.mark.rule("ACC-02", "ACC-57")
def test_the_five_collections_are_there_and_more_can_be_made(accounting: Accounting) -> None:
    """Suspense is told from the rest, and loss is a write-off; a further collection says the same of itself."""
    listed = accounting.ListCollections(pb.ListCollectionsRequest()).collections
    assert [found.code for found in listed] == ["ACCOUNT_HOLDER", "FEES", "LOSS", "MERCHANT", "SUSPENSE"]
    assert [found.code for found in listed if found.suspense] == ["SUSPENSE"]
    assert [found.code for found in listed if found.write_off] == ["LOSS"]
    assert collection(accounting, "LOSS").zero_for == [vocabulary_pb2.RESOLUTION_DENY]
    new = pb.Collection(code="GOODWILL", write_off=True, zero_for=[vocabulary_pb2.RESOLUTION_WRITE_OFF])
    made = accounting.CreateCollection(pb.CreateCollectionRequest(collection=new))
    assert (made.suspense, made.write_off) == (False, True)
    assert made.zero_for == [vocabulary_pb2.RESOLUTION_WRITE_OFF]
    changed = change_collection(accounting, "GOODWILL", write_off=False, zero_for=["RESOLUTION_DENY"])
    assert (changed.write_off, list(changed.zero_for)) == (False, [vocabulary_pb2.RESOLUTION_DENY])
    assert collection(accounting, "GOODWILL") == changed


@pytest.mark.rule("ACC-03", "ACC-06")
def test_a_collection_stays_one_of_suspense_while_rules_need_it_so(accounting: Accounting) -> None:
    """What settles from suspense to suspense, or has suspense on both sides, would be unsound without."""
    for code in ("TRANSIT", "OTHER"):
        new = pb.Collection(code=code, suspense=True)
        accounting.CreateCollection(pb.CreateCollectionRequest(collection=new))
    move = {"debit_collection_code": "TRANSIT", "credit_collection_code": "SUSPENSE", "entry_reason": "CLEARING"}
    create_rule(accounting, "MOVES", settlement=move)
    create_rule(accounting, "STAYS", debit_collection_code="TRANSIT", credit_collection_code="TRANSIT")
    needed = refusal(lambda: change_collection(accounting, "TRANSIT", suspense=False))
    assert (needed.code, needed.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "COLLECTION_NEEDED_AS_SUSPENSE")
    assert "MOVES, STAYS" in needed.message
    assert not change_collection(accounting, "OTHER", suspense=False).suspense
    change_rule(accounting, "MOVES", valid_from_time=iso_of(NOW_US + 1_000_000))
    change_rule(accounting, "STAYS")
    still = refusal(lambda: change_collection(accounting, "TRANSIT", suspense=False))
    assert "(MOVES)" in still.message, "it runs by its first version until the second is valid"
    accounting.RetireAccountingRule(rules_pb.RetireAccountingRuleRequest(name="accountingRules/MOVES"))
    assert not change_collection(accounting, "TRANSIT", suspense=False).suspense
    back = rules_pb.UnretireAccountingRuleRequest(name="accountingRules/MOVES")
    unsound = refusal(lambda: accounting.UnretireAccountingRule(back))
    assert (unsound.code, unsound.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "RULE_UNSOUND")
    change_collection(accounting, "TRANSIT", suspense=True)
    assert accounting.UnretireAccountingRule(back).state == rules_pb.ACCOUNTING_RULE_STATE_ACTIVE


@pytest.mark.rule("ACC-02")
def test_account_determination_is_kept_in_the_order_of_its_rows(accounting: Accounting) -> None:
    """The first match wins, so the order is part of the table."""
    rows = [
        {"condition": "operation.currency == 'EUR' && operation.side == 'DEBIT'", **_account("1991")},
        {"condition": "'region' in claim.attributes && claim.attributes['region'] == 'EU'", **_account("1992")},
        {"condition": "true", "account_expression": "'19' + dispute.currency", "distribution_code": "SUSPENSE"},
    ]
    changed = change_table(accounting, "SUSPENSE", rows=rows)
    assert [MessageToDict(row, preserving_proto_field_name=True) for row in changed.rows] == rows
    listed = accounting.ListAccountDeterminationTables(determination_pb.ListAccountDeterminationTablesRequest())
    codes = [table.collection_code for table in listed.account_determination_tables]
    assert codes == ["ACCOUNT_HOLDER", "FEES", "LOSS", "MERCHANT", "SUSPENSE"]
    taken = refusal(lambda: create_table(accounting, "SUSPENSE", account="1"))
    assert taken.reason == "CODE_TAKEN"


def _account(account: str) -> dict[str, str]:
    return {"account": account, "distribution_code": "SUSPENSE"}


@pytest.mark.rule("ACC-02", "ACC-07", "PLT-07")
def test_account_determination_is_refused_for_all_that_is_wrong_with_it(accounting: Accounting) -> None:
    """When it is configured, not when an operation runs into it; every row, every field."""
    rows = [
        {"condition": "claim.colour == 'red'", "account": "1", "distribution_code": "NONE"},
        {"condition": "operation.amount_minor", "account": "1", "account_expression": "claim.account"},
        {"condition": "true", "account_expression": "operation.amount_minor", "distribution_code": "SUSPENSE"},
        {"condition": "operation.amount_minor > 1.5", "distribution_code": "SUSPENSE"},
    ]
    path = "account_determination_table.rows"
    expected = [
        (f"{path}[0].condition", "CONDITION_FIELD_UNKNOWN"),
        (f"{path}[0].distribution_code", "DISTRIBUTION_CODE_UNKNOWN"),
        (f"{path}[1].condition", "CONDITION_NOT_BOOLEAN"),
        (f"{path}[1].account", "ACCOUNT_NOT_ONE"),
        (f"{path}[1].distribution_code", "DISTRIBUTION_CODE_UNKNOWN"),
        (f"{path}[2].account_expression", "EXPRESSION_NOT_TEXT"),
        (f"{path}[3].condition", "CONDITION_HAS_DOUBLE"),
        (f"{path}[3].account", "ACCOUNT_NOT_ONE"),
    ]
    assert refusal(lambda: change_table(accounting, "SUSPENSE", rows=rows)).violations == expected
    unknown = refusal(partial(create_table, accounting, "NONE", account="1", distribution_code="SUSPENSE"))
    assert unknown.violations == [("account_determination_table.collection_code", "COLLECTION_UNKNOWN")]
    empty = determination_pb.AccountDeterminationTable(collection_code="SUSPENSE")
    request = determination_pb.CreateAccountDeterminationTableRequest(account_determination_table=empty)
    none = refusal(lambda: accounting.CreateAccountDeterminationTable(request))
    assert none.violations == [("account_determination_table.rows", "FIELD_REQUIRED")]


@pytest.mark.rule("PLT-11", "ACC-01")
def test_every_change_is_in_the_trail_with_what_it_was(shop: Served, accounting: Accounting) -> None:
    """Only what changed, before and after."""
    change_collection(accounting, "FEES", write_off=True)
    trail = shop.stub(audit_pb2_grpc.AuditServiceStub)
    entries = trail.ListAuditEntries(audit_pb2.ListAuditEntriesRequest(resource="collections/FEES")).audit_entries
    assert [entry.type for entry in entries] == ["collection.changed"]
    assert MessageToDict(entries[0].changes) == {"from": {"write_off": False}, "to": {"write_off": True}}
    entries = trail.ListAuditEntries(audit_pb2.ListAuditEntriesRequest(resource="accountingRules/FEE")).audit_entries
    assert [entry.type for entry in entries] == ["accounting_rule.created"]
    told = MessageToDict(entries[0].changes)
    assert (told["from"], told["to"]["entry_amount"]) == (None, {"source": "DISPUTE_FIELD", "name": "fee"})


@pytest.mark.rule("PLT-07", "ACC-07")
def test_names_and_codes_are_checked_at_the_door(accounting: Accounting) -> None:
    """Nothing is created without a code, and nothing is renamed."""
    nameless = refusal(lambda: accounting.CreateCollection(pb.CreateCollectionRequest(collection=pb.Collection())))
    assert nameless.violations == [("collection", "CODE_REQUIRED")]
    renamed = pb.Collection(name="collections/FEES", code="LOSS", etag="1")
    refused = refusal(lambda: accounting.UpdateCollection(pb.UpdateCollectionRequest(collection=renamed)))
    assert refused.violations == [("collection.code", "FIELD_IMMUTABLE")]
    table = determination_pb.AccountDeterminationTable(
        name="accountDeterminationTables/FEES", collection_code="LOSS", etag="1"
    )
    request = determination_pb.UpdateAccountDeterminationTableRequest(account_determination_table=table)
    moved = refusal(lambda: accounting.UpdateAccountDeterminationTable(request))
    assert moved.violations == [("account_determination_table.collection_code", "FIELD_IMMUTABLE")]
