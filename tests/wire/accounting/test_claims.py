"""Claims and disputes over the wire."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict

from countinghouse.accounting.v1 import claims_pb2 as pb
from countinghouse.accounting.v1 import feed_pb2
from countinghouse.accounting.v1.accounting_service_pb2_grpc import AccountingServiceStub
from countinghouse.operations.v1 import audit_pb2, audit_pb2_grpc
from domain.accounting.claims import store
from server.database.transaction import Database
from tests.accounting.claims_and_events import resolve
from tests.accounting.configured import configure
from tests.support.server import Served, refusal, serving

NOW_US = 1_795_000_000_000_000

Given = dict[str, Any]

CLAIM = {
    "client_code": "ACME",
    "claim_type_code": "CARD",
    "description": "Card not present",
    "account": "DE02 1203 0000 0000 2020 51",
    "attributes": {"scheme": "visa", "note": "ünïcode"},
    "dates": {"filed": {"year": 2026, "month": 11, "day": 20}},
}
DISPUTE = {
    "description": "Hotel",
    "amount": {"currency_code": "USD", "units": "150"},
    "transaction_date": {"year": 2026, "month": 11, "day": 2},
    "attributes": {"merchant": "M-1"},
    "amounts": {"fee": {"currency_code": "KWD", "units": "9", "nanos": 505_000_000}},
}


@pytest.fixture
def served(database: Database, migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    """A server with two clients and two claim types, on either database."""
    configure(database, clients=("ACME", "OTHER"), claim_types=("CARD", "LOAN"))
    with serving(migrated_url, tmp_path, carries_out=(), jobs=False, clock_us=lambda: NOW_US) as server:
        yield server


@pytest.fixture
def accounting(served: Served) -> AccountingServiceStub:
    return served.stub(AccountingServiceStub)


def create(accounting: AccountingServiceStub, claim_id: str = "", **given: Any) -> pb.Claim:
    asked: Given = {name: given.pop(name) for name in ("request_id", "validate_only", "disputes") if name in given}
    claim = {name: value for name, value in {**CLAIM, **given}.items() if value is not None}
    return accounting.CreateClaim(ParseDict({"claim": claim, "claim_id": claim_id, **asked}, pb.CreateClaimRequest()))


def get(accounting: AccountingServiceStub, name: str) -> pb.Claim:
    return accounting.GetClaim(pb.GetClaimRequest(name=name))


def update(accounting: AccountingServiceStub, *paths: str, **given: Any) -> pb.Claim:
    request = pb.UpdateClaimRequest(claim=ParseDict(given, pb.Claim()))
    request.update_mask.paths.extend(paths)
    return accounting.UpdateClaim(request)


def dispute(
    accounting: AccountingServiceStub, dispute_id: str = "", parent: str = "claims/C-1", **given: Any
) -> pb.Dispute:
    asked: Given = {name: given.pop(name) for name in ("request_id", "validate_only") if name in given}
    new = {name: value for name, value in {**DISPUTE, **given}.items() if value is not None}
    request = {"dispute": new, "dispute_id": dispute_id, "parent": parent, **asked}
    return accounting.CreateDispute(ParseDict(request, pb.CreateDisputeRequest()))


def update_dispute(accounting: AccountingServiceStub, *paths: str, **given: Any) -> pb.Dispute:
    request = pb.UpdateDisputeRequest(dispute=ParseDict({"name": "claims/C-1/disputes/D", **given}, pb.Dispute()))
    request.update_mask.paths.extend(paths)
    return accounting.UpdateDispute(request)


def told(message: pb.Claim | pb.Dispute, names: dict[str, Any]) -> dict[str, Any]:
    found = MessageToDict(message, preserving_proto_field_name=True)
    return {name: found.get(name) for name in names}


@pytest.mark.rule("PLT-05", "PLT-06", "PLT-01")
def test_a_claim_is_read_as_it_was_given_with_its_disputes(accounting: AccountingServiceStub) -> None:
    """By the caller's own id or one of the server's; amounts to the last digit; a rehearsal stores nothing."""
    disputes = [{"dispute": DISPUTE, "dispute_id": "D"}, {"dispute": {**DISPUTE, "description": "Meal"}}]
    assert create(accounting, "C-1", disputes=disputes, validate_only=True).name == "claims/C-1"
    assert refusal(lambda: get(accounting, "claims/C-1")).code is grpc.StatusCode.NOT_FOUND
    made = create(accounting, "C-1", disputes=disputes, request_id="r")
    assert told(made, CLAIM) == CLAIM
    assert (made.name, made.state, made.create_time.ToMicroseconds()) == ("claims/C-1", pb.CLAIM_STATE_OPEN, NOW_US)
    assert create(accounting, "C-1", disputes=disputes, request_id="r") == made == get(accounting, "claims/C-1")
    found = accounting.ListDisputes(pb.ListDisputesRequest(parent="claims/C-1")).disputes
    assert sorted(each.description for each in found) == ["Hotel", "Meal"]
    (mine,) = (each for each in found if each.name == "claims/C-1/disputes/D")
    assert told(mine, DISPUTE) == DISPUTE
    assert accounting.GetDispute(pb.GetDisputeRequest(name=mine.name)) == mine
    own = create(accounting, disputes=[{"dispute": DISPUTE}])
    assert len(own.name) == len("claims/") + 26
    taken = refusal(lambda: create(accounting, "C-1"))
    assert (taken.code, taken.reason) == (grpc.StatusCode.ALREADY_EXISTS, "CLAIM_ID_TAKEN")
    assert len(accounting.ListClaims(pb.ListClaimsRequest()).claims) == 2


@pytest.mark.rule("ACC-07", "PLT-01", "PLT-07")
@pytest.mark.parametrize(
    ("given", "violations"),
    [
        (
            {"client_code": "NONE", "claim_type_code": "NONE"},
            [("claim.client_code", "CLIENT_UNKNOWN"), ("claim.claim_type_code", "CLAIM_TYPE_UNKNOWN")],
        ),
        ({"dates": {"filed": {"year": 2026, "month": 2, "day": 30}}}, [('claim.dates["filed"]', "DATE_INVALID")]),
        (
            {"description": "\x01", "attributes": {"a": "\x02"}},
            [
                ("claim.description", "CHARACTER_REFUSED"),
                ('claim.attributes["a"]', "CHARACTER_REFUSED"),
            ],
        ),
        ({"attributes": {"9": "x"}}, [('claim.attributes["9"]', "STRING_PATTERN")]),
        ({"attributes": {f"a{n}": "" for n in range(65)}}, [("claim.attributes", "MAP_MAX_PAIRS")]),
        (
            {
                "disputes": [
                    {"dispute": {"amount": {"currency_code": "USD", "units": "40", "nanos": 5_000_000}}},
                    {"dispute": {"amounts": {"fee": {"currency_code": "XXX", "units": "1"}}}},
                    {
                        "dispute": {
                            "amount": {"currency_code": "JPY", "units": "1" + 15 * "0"},
                            "transaction_date": {"year": 2026},
                        }
                    },
                ]
            },
            [
                ("disputes[0].dispute.amount", "AMOUNT_FINER_THAN_MINOR_UNIT"),
                ("disputes[1].dispute.amount", "FIELD_REQUIRED"),
                ('disputes[1].dispute.amounts["fee"]', "CURRENCY_UNKNOWN"),
                ("disputes[2].dispute.transaction_date", "DATE_INVALID"),
            ],
        ),
        (
            {
                "disputes": [
                    {"dispute": {"amount": {"currency_code": "USD", "units": "-1"}}, "dispute_id": "D"},
                    {"dispute": DISPUTE, "dispute_id": "D"},
                ]
            },
            [
                ("disputes[0].dispute.amount", "AMOUNT_NEGATIVE"),
                ("disputes[0].dispute_id", "ID_REPEATED"),
                ("disputes[1].dispute_id", "ID_REPEATED"),
            ],
        ),
    ],
)
def test_what_no_claim_can_be_made_of_is_refused_with_every_field(
    accounting: AccountingServiceStub, given: dict[str, Any], violations: list[tuple[str, str]]
) -> None:
    """All that is wrong is told at once, and nothing is stored."""
    refused = refusal(lambda: create(accounting, "C-1", **given))
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert sorted(refused.violations) == sorted(violations)
    assert not accounting.ListClaims(pb.ListClaimsRequest()).claims


@pytest.mark.rule("PLT-08")
def test_claims_are_listed_page_by_page_by_client_type_and_state(
    accounting: AccountingServiceStub, database: Database
) -> None:
    """By id, none twice, none left out; a page's token is good for its own list alone."""
    for at in range(5):
        create(
            accounting,
            f"C-{at}",
            client_code="ACME" if at % 2 else "OTHER",
            claim_type_code="LOAN" if at == 3 else "CARD",
        )
    resolve(database, "C-1")

    def listed(**wanted: Any) -> list[str]:
        names, token = [], ""
        while True:
            page = accounting.ListClaims(pb.ListClaimsRequest(page_size=2, page_token=token, **wanted))
            names += [claim.name.removeprefix("claims/") for claim in page.claims]
            token = page.next_page_token
            if not token:
                return names

    assert listed() == ["C-0", "C-1", "C-2", "C-3", "C-4"]
    assert listed(client_code="OTHER") == ["C-0", "C-2", "C-4"]
    assert listed(claim_type_code="LOAN") == ["C-3"]
    assert listed(state=pb.CLAIM_STATE_RESOLVED) == ["C-1"]
    assert listed(state=pb.CLAIM_STATE_OPEN, client_code="ACME") == ["C-3"]
    token = accounting.ListClaims(pb.ListClaimsRequest(page_size=2)).next_page_token
    other = refusal(lambda: accounting.ListClaims(pb.ListClaimsRequest(page_token=token, client_code="ACME")))
    assert other.reason == "PAGE_TOKEN_INVALID"


@pytest.mark.rule("PLT-10", "PLT-11")
def test_a_claim_is_changed_by_who_has_seen_it_last(served: Served, accounting: AccountingServiceStub) -> None:
    """By mask or by what is not empty; client and type never; a stale etag is refused; the trail tells what was."""
    first = create(accounting, "C-1")
    changed = update(accounting, name=first.name, etag=first.etag, account="new")
    assert told(changed, CLAIM) == {**CLAIM, "account": "new"}
    emptied = update(accounting, "attributes", "dates", name=first.name, etag=changed.etag, description="ignored")
    assert told(emptied, CLAIM) == {**CLAIM, "account": "new", "attributes": None, "dates": None}
    whole = update(accounting, "*", **{**CLAIM, "name": first.name, "etag": emptied.etag})
    assert told(whole, CLAIM) == CLAIM
    for given, code, reason in (
        ({"etag": first.etag}, grpc.StatusCode.ABORTED, "ETAG_STALE"),
        ({}, grpc.StatusCode.INVALID_ARGUMENT, "ETAG_REQUIRED"),
        ({"etag": whole.etag, "client_code": "OTHER"}, grpc.StatusCode.INVALID_ARGUMENT, "FIELD_IMMUTABLE"),
        ({"etag": whole.etag, "claim_type_code": "LOAN"}, grpc.StatusCode.INVALID_ARGUMENT, "FIELD_IMMUTABLE"),
        ({"etag": whole.etag, "account": "\x01"}, grpc.StatusCode.INVALID_ARGUMENT, "CHARACTER_REFUSED"),
        ({"etag": "1", "name": "claims/none"}, grpc.StatusCode.NOT_FOUND, "CLAIM_NOT_FOUND"),
        ({"etag": "1", "name": ""}, grpc.StatusCode.INVALID_ARGUMENT, "FIELD_REQUIRED"),
    ):
        refused = refusal(partial(update, accounting, **{"name": first.name, **given}))
        assert (refused.code, refused.reason) == (code, reason)
    mask = refusal(lambda: update(accounting, "colour", name=first.name, etag=whole.etag))
    assert mask.violations == [("update_mask", "UPDATE_MASK_INVALID")]
    audit = served.stub(audit_pb2_grpc.AuditServiceStub)
    entries = audit.ListAuditEntries(audit_pb2.ListAuditEntriesRequest(resource=first.name)).audit_entries
    assert [entry.type for entry in entries] == [*["claim.changed"] * 3, "claim.created"]
    changes = MessageToDict(entries[2].changes)
    assert (changes["from"], changes["to"]) == ({"account": CLAIM["account"]}, {"account": "new"})


@pytest.mark.rule("PLT-10")
def test_of_two_who_change_a_claim_at_once_one_wins(accounting: AccountingServiceStub) -> None:
    """The other one is told that it was changed since."""
    first = create(accounting, "C-1")

    def change(account: str) -> str:
        try:
            return update(accounting, name=first.name, etag=first.etag, account=account).account
        except grpc.RpcError as error:
            return str(error.code())

    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(change, [f"account-{at}" for at in range(8)]))
    assert answers.count(str(grpc.StatusCode.ABORTED)) == 7
    assert get(accounting, first.name).account in answers


@pytest.mark.rule("PLT-10")
def test_of_two_who_create_a_claim_of_one_id_at_once_one_wins(accounting: AccountingServiceStub) -> None:
    """The other one is told that it is there."""

    def attempt(at: int) -> str:
        try:
            return create(accounting, "C-1", account=f"account-{at}").account
        except grpc.RpcError as error:
            return str(error.code())

    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(attempt, range(8)))
    assert answers.count(str(grpc.StatusCode.ALREADY_EXISTS)) == 7
    assert get(accounting, "claims/C-1").account in answers


@pytest.mark.rule("ACC-07")
def test_a_dispute_of_another_claim_is_somebody_elses(accounting: AccountingServiceStub, database: Database) -> None:
    """It is not found in this claim, by name or among several, though it is there."""
    create(accounting, "C-1")
    create(accounting, "C-2", disputes=[{"dispute": DISPUTE, "dispute_id": "D"}])
    refused = refusal(lambda: accounting.GetDispute(pb.GetDisputeRequest(name="claims/C-1/disputes/D")))
    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "DISPUTE_NOT_FOUND")
    missing = refusal(lambda: update_dispute(accounting, etag="1", description="x"))
    assert (missing.code, missing.reason) == (grpc.StatusCode.NOT_FOUND, "DISPUTE_NOT_FOUND")
    assert database.read(lambda tx: store.disputes(tx, "C-1", ["D"])) == {}
    keys = [("C-1", "D"), ("C-2", "D"), ("C-3", "D")]
    assert list(database.read(lambda tx: store.disputes_of_many(tx, keys))) == [("C-2", "D")]


@pytest.mark.rule("ACC-07", "PLT-10", "PLT-08")
def test_disputes_are_added_and_changed_one_by_one(accounting: AccountingServiceStub) -> None:
    """Amounts too; ids are unique in a claim; each has its own etag."""
    create(accounting, "C-1")
    made = dispute(accounting, "D", request_id="r")
    assert dispute(accounting, "D", request_id="r") == made
    taken = refusal(lambda: dispute(accounting, "D"))
    assert (taken.code, taken.reason) == (grpc.StatusCode.ALREADY_EXISTS, "DISPUTE_ID_TAKEN")
    nowhere = refusal(lambda: dispute(accounting, "D", parent="claims/none"))
    assert (nowhere.code, nowhere.reason) == (grpc.StatusCode.NOT_FOUND, "CLAIM_NOT_FOUND")
    amount = {"currency_code": "USD", "units": "120", "nanos": 10_000_000}
    changed = update_dispute(accounting, etag=made.etag, amount=amount)
    assert told(changed, DISPUTE) == {**DISPUTE, "amount": amount}
    bare = update_dispute(accounting, "amounts", "transaction_date", etag=changed.etag)
    assert told(bare, DISPUTE) == {**DISPUTE, "amount": amount, "amounts": None, "transaction_date": None}
    for given, reason in (
        ({"etag": made.etag, "description": "x"}, "ETAG_STALE"),
        ({"description": "x"}, "ETAG_REQUIRED"),
        ({"etag": bare.etag, "amount": {"currency_code": "USD", "units": "-1"}}, "AMOUNT_NEGATIVE"),
        ({"etag": bare.etag, "amount": {"currency_code": "JPY", "nanos": 500_000_000}}, "AMOUNT_FINER_THAN_MINOR_UNIT"),
        ({"etag": bare.etag, "amounts": {"amount": amount}}, "STRING_NOT_IN"),
    ):
        assert refusal(partial(update_dispute, accounting, **given)).reason == reason
    without = refusal(lambda: update_dispute(accounting, "amount", etag=bare.etag))
    assert without.violations == [("dispute.amount", "FIELD_REQUIRED")]
    for dispute_id in ("B", "a"):
        dispute(accounting, dispute_id)
    first = accounting.ListDisputes(pb.ListDisputesRequest(parent="claims/C-1", page_size=2))
    rest = accounting.ListDisputes(pb.ListDisputesRequest(parent="claims/C-1", page_token=first.next_page_token))
    assert [each.name[-1] for each in (*first.disputes, *rest.disputes)] == ["B", "D", "a"]
    unlisted = refusal(lambda: accounting.ListDisputes(pb.ListDisputesRequest(parent="claims/none")))
    assert unlisted.reason == "CLAIM_NOT_FOUND"


@pytest.mark.rule("ACC-58")
def test_a_resolved_claims_disputes_do_not_change(accounting: AccountingServiceStub, database: Database) -> None:
    """Nor are there new ones; the claim itself may be described anew."""
    create(accounting, "C-1", disputes=[{"dispute": DISPUTE, "dispute_id": "D"}])
    resolve(database, "C-1")
    for call in (lambda: dispute(accounting, "E"), lambda: update_dispute(accounting, etag="1", description="x")):
        refused = refusal(call)
        assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CLAIM_RESOLVED")
        assert refused.metadata["state"] == "RESOLVED"
    assert update(accounting, name="claims/C-1", etag="1", description="x").description == "x"


@pytest.mark.rule("ACC-56")
def test_changes_of_a_claim_are_events_of_it(accounting: AccountingServiceStub) -> None:
    """One each, in their order; what was refused or rehearsed is none."""
    made = create(accounting, "C-1")
    dispute(accounting, "D")
    dispute(accounting, "E", validate_only=True)
    refusal(lambda: dispute(accounting, "D"))
    update_dispute(accounting, etag="1", description="x")
    update(accounting, name=made.name, etag=made.etag, description="x")
    page = accounting.ListAccountingEvents(feed_pb2.ListAccountingEventsRequest(parent="claims/C-1"))
    kinds = [event.kind for event in page.accounting_events]
    changed = feed_pb2.ACCOUNTING_EVENT_KIND_CLAIM_CHANGED
    assert kinds == [feed_pb2.ACCOUNTING_EVENT_KIND_CLAIM_CREATED, changed, changed, changed]
