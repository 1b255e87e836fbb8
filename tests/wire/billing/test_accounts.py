"""Accounts and premises over the wire."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict

from countinghouse.billing.v1 import accounts_pb2 as pb
from countinghouse.billing.v1 import premises_pb2
from countinghouse.operations.v1 import audit_pb2, audit_pb2_grpc
from tests.billing.shop import NOW_US
from tests.support.server import Served, refusal
from tests.wire.billing.office import ACCOUNT, PREMISE, Office, told

INVALID, STALE = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.ABORTED


@pytest.mark.rule("PLT-05", "PLT-06")
def test_an_account_is_read_as_it_was_given(office: Office) -> None:
    """By the caller's own id or one of the server's; a rehearsal stores nothing; a repeated call is answered again."""
    assert office.account("A-1", validate_only=True).name == "accounts/A-1"
    assert refusal(lambda: office.get("accounts/A-1")).reason == "ACCOUNT_NOT_FOUND"
    made = office.account("A-1", request_id="r")
    assert told(made, ACCOUNT) == ACCOUNT
    assert (made.name, made.etag, made.create_time.ToMicroseconds()) == ("accounts/A-1", "1", NOW_US)
    assert office.account("A-1", request_id="r") == made == office.get("accounts/A-1")
    assert len(office.account("").name) == len("accounts/") + 26
    taken = refusal(lambda: office.account("A-1"))
    assert (taken.code, taken.reason) == (grpc.StatusCode.ALREADY_EXISTS, "ACCOUNT_ID_TAKEN")
    assert office.account("A-2", bill_cycle_code=None).bill_cycle_code == ""


@pytest.mark.rule("PLT-07")
def test_what_no_account_can_be_made_of_is_refused_with_every_field(office: Office) -> None:
    """All that is wrong is told at once, and nothing is stored."""
    wrong = {
        "customer_class_code": "NONE",
        "bill_cycle_code": "NONE",
        "invoice_cycle_code": "NONE",
        "currency_code": "XXX",
        "time_zone": "Mars/Olympus",
        "description": "\x01",
        "attributes": {"a": "\x02"},
    }
    refused = refusal(lambda: office.account("A-1", **wrong))
    assert refused.code is INVALID
    assert refused.violations == [
        ("account.customer_class_code", "CUSTOMER_CLASS_UNKNOWN"),
        ("account.bill_cycle_code", "BILL_CYCLE_UNKNOWN"),
        ("account.invoice_cycle_code", "BILLING_CYCLE_UNKNOWN"),
        ("account.currency_code", "CURRENCY_UNKNOWN"),
        ("account.time_zone", "TIME_ZONE_UNKNOWN"),
        ("account.description", "CHARACTER_REFUSED"),
        ('account.attributes["a"]', "CHARACTER_REFUSED"),
    ]
    missing = refusal(lambda: office.account("A-1", customer_class_code=None, currency_code=None, time_zone=None))
    assert len(missing.violations) == 3
    assert not office.billing.ListAccounts(pb.ListAccountsRequest()).accounts


@pytest.mark.rule("PLT-08")
def test_accounts_are_listed_page_by_page_by_cycle_and_class(office: Office) -> None:
    """By id, none twice, none left out."""
    for at in range(5):
        cycle, kind = ("SOUTH", "FIRM") if at % 2 else ("NORTH", "HOME")
        office.account(f"A-{at}", bill_cycle_code=cycle, customer_class_code=kind)

    def listed(**wanted: Any) -> list[str]:
        names, token = [], ""
        while True:
            page = office.billing.ListAccounts(pb.ListAccountsRequest(page_size=2, page_token=token, **wanted))
            names += [account.name.removeprefix("accounts/A-") for account in page.accounts]
            token = page.next_page_token
            if not token:
                return names

    assert listed() == ["0", "1", "2", "3", "4"]
    assert listed(bill_cycle_code="SOUTH") == listed(customer_class_code="FIRM") == ["1", "3"]
    assert listed(bill_cycle_code="NORTH", customer_class_code="FIRM") == []


@pytest.mark.rule("PLT-10", "PLT-11")
def test_an_account_is_changed_by_who_has_seen_it_last(utility: Served, office: Office) -> None:
    """By mask or by what is not empty; the trail tells what was."""
    first = office.account()
    name = first.name
    changed = office.update("Account", name=name, etag=first.etag, customer_class_code="FIRM")
    assert told(changed, ACCOUNT) == {**ACCOUNT, "customer_class_code": "FIRM"}
    bare = office.update("Account", "attributes", "bill_cycle_code", name=name, etag=changed.etag, description="no")
    assert told(bare, ACCOUNT) == {
        **ACCOUNT,
        "customer_class_code": "FIRM",
        "attributes": None,
        "bill_cycle_code": None,
    }
    whole = office.update("Account", "*", **{**ACCOUNT, "name": name, "etag": bare.etag, "currency_code": "JPY"})
    assert whole.currency_code == "JPY"
    for given, code, reason in (
        ({"etag": first.etag}, STALE, "ETAG_STALE"),
        ({}, INVALID, "ETAG_REQUIRED"),
        ({"etag": whole.etag, "customer_class_code": "NONE"}, INVALID, "CUSTOMER_CLASS_UNKNOWN"),
        ({"etag": whole.etag, "time_zone": "Mars/Olympus"}, INVALID, "TIME_ZONE_UNKNOWN"),
        ({"etag": "1", "name": "accounts/none"}, grpc.StatusCode.NOT_FOUND, "ACCOUNT_NOT_FOUND"),
        ({"etag": "1", "name": ""}, INVALID, "FIELD_REQUIRED"),
    ):
        refused = refusal(partial(office.update, "Account", **{"name": name, **given}))
        assert (refused.code, refused.reason) == (code, reason)
    mask = refusal(lambda: office.update("Account", "colour", name=name, etag=whole.etag))
    assert mask.violations == [("update_mask", "UPDATE_MASK_INVALID")]
    audit = utility.stub(audit_pb2_grpc.AuditServiceStub)
    entries = audit.ListAuditEntries(audit_pb2.ListAuditEntriesRequest(resource=name)).audit_entries
    assert [entry.type for entry in entries] == [*["account.changed"] * 3, "account.created"]
    changes = MessageToDict(entries[2].changes)
    assert changes == {"name": name, "from": {"customer_class_code": "HOME"}, "to": {"customer_class_code": "FIRM"}}


@pytest.mark.rule("PLT-03")
def test_the_currency_of_an_account_stays_once_it_is_agreed_in(office: Office) -> None:
    """And its time zone once days are counted in it."""
    office.account()
    office.profile("F-1")
    zone = refusal(lambda: office.update("Account", name="accounts/A-1", etag="1", time_zone="UTC"))
    assert zone.violations == [("account.time_zone", "TIME_ZONE_IN_USE")]
    assert office.update("Account", name="accounts/A-1", etag="1", currency_code="USD").currency_code == "USD"
    office.agreement("S-1", type_code="DOLLARS")
    refused = refusal(
        lambda: office.update("Account", name="accounts/A-1", etag="2", currency_code="EUR", time_zone="UTC")
    )
    assert refused.violations == [
        ("account.currency_code", "CURRENCY_IN_USE"),
        ("account.time_zone", "TIME_ZONE_IN_USE"),
    ]


@pytest.mark.rule("PLT-10")
def test_of_two_who_change_an_account_at_once_one_wins(office: Office) -> None:
    """The other one is told that it was changed since."""
    first = office.account()

    def change(text: str) -> str:
        try:
            return str(office.update("Account", name=first.name, etag=first.etag, description=text).description)
        except grpc.RpcError as error:
            return str(error.code())

    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(change, [f"text-{at}" for at in range(8)]))
    assert answers.count(str(STALE)) == 7
    assert office.get(first.name).description in answers


@pytest.mark.rule("PLT-05", "PLT-08", "PLT-10")
def test_premises_are_made_read_and_changed(office: Office) -> None:
    """Their time zone never changes."""
    made = office.premise("P-1", request_id="r")
    assert told(made, PREMISE) == PREMISE
    assert office.premise("P-1", request_id="r") == made == office.get("premises/P-1")
    assert len(office.premise("").name) == len("premises/") + 26
    assert refusal(lambda: office.premise("P-1")).reason == "PREMISE_ID_TAKEN"
    assert refusal(lambda: office.premise("P-3", time_zone="Mars/X")).reason == "TIME_ZONE_UNKNOWN"
    changed = office.update("Premise", "attributes", name=made.name, etag="1", attributes={"a": "b"}, description="x")
    assert told(changed, PREMISE) == {**PREMISE, "attributes": {"a": "b"}}
    for given, reason in (
        ({"etag": "1"}, "ETAG_STALE"),
        ({}, "ETAG_REQUIRED"),
        ({"etag": "2", "time_zone": "UTC"}, "FIELD_IMMUTABLE"),
        ({"etag": "2", "description": "\x01"}, "CHARACTER_REFUSED"),
        ({"etag": "2", "name": "premises/none"}, "PREMISE_NOT_FOUND"),
        ({"etag": "2", "name": ""}, "FIELD_REQUIRED"),
    ):
        assert refusal(partial(office.update, "Premise", **{"name": made.name, **given})).reason == reason
    office.premise("P-0")
    first = office.billing.ListPremises(premises_pb2.ListPremisesRequest(page_size=2))
    rest = office.billing.ListPremises(premises_pb2.ListPremisesRequest(page_token=first.next_page_token))
    names = [each.name for each in (*first.premises, *rest.premises)]
    assert names == sorted(names)
    assert len(names) == 3
    assert refusal(lambda: office.get("premises/none")).reason == "PREMISE_NOT_FOUND"
