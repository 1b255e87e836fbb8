"""Service agreements, profiles and the processing order over the wire."""

from __future__ import annotations

from functools import partial
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from sqlalchemy import insert

from countinghouse.billing.v1 import bill_corrections_pb2, profiles_pb2
from countinghouse.billing.v1 import bill_segments_pb2 as segments_pb2
from countinghouse.billing.v1 import service_agreements_pb2 as pb
from countinghouse.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from countinghouse.operations.v1 import audit_pb2, audit_pb2_grpc
from domain.billing.tables import bill_segment
from server.database.transaction import Database
from tests.support.server import Served, refusal
from tests.wire.billing.office import AGREEMENT, PROFILE, Office, told
from tests.wire.billing.till import Till

INVALID = grpc.StatusCode.INVALID_ARGUMENT
MASTER, SEQUENCE, TIE = pb.PLACE_REASON_MASTER, pb.PLACE_REASON_SEQUENCE, pb.PLACE_REASON_TIE


def date(year: int, month: int, day: int) -> dict[str, int]:
    return {"year": year, "month": month, "day": day}


def agreement_name(agreement_id: str, account_id: str = "A-1") -> str:
    return f"accounts/{account_id}/serviceAgreements/{agreement_id}"


def put_segment(database: Database, start_day: int, end_day: int, state: str, kind: str = "USAGE") -> None:
    """A segment of the agreement S-1, which nobody calculated."""
    row = {
        "account_id": "A-1",
        "segment_id": f"{start_day}-{state}-{kind}",
        "bill_id": "b",
        "agreement_id": "S-1",
        "type_code": "POWER",
        "kind": kind,
        "position": 1,
        "state": state,
        "start_day": start_day,
        "end_day": end_day,
        "full_days": 30,
        "accounting_day": end_day,
        "rate_code": "POWER",
        "currency": "EUR",
        "created_us": 1,
    }
    database.write(lambda tx: tx.execute(insert(bill_segment).values(row)))


@pytest.mark.rule("PLT-05", "PLT-06", "PLT-08")
def test_an_agreement_is_read_as_it_was_given(office: Office) -> None:
    """In the time zone of its premise, or else of its account; ids are unique in the account."""
    office.account()
    office.account("A-2")
    office.premise()
    made = office.agreement("S-1", premise="premises/P-1", rate_code="GREEN", request_id="r")
    assert told(made, AGREEMENT) == AGREEMENT
    assert (made.premise, made.time_zone, made.rate_code) == ("premises/P-1", "Europe/Lisbon", "GREEN")
    assert office.agreement("S-1", premise="premises/P-1", rate_code="GREEN", request_id="r") == made
    assert office.get(made.name) == made
    sub = office.agreement("S-2", master=made.name, end_date=date(2026, 6, 1))
    assert (sub.master, sub.time_zone, sub.end_date.month) == (made.name, "Europe/Berlin", 6)
    assert office.agreement("S-1", account="accounts/A-2").name == agreement_name("S-1", "A-2")
    taken = refusal(lambda: office.agreement("S-1"))
    assert (taken.code, taken.reason) == (grpc.StatusCode.ALREADY_EXISTS, "SERVICE_AGREEMENT_ID_TAKEN")
    assert refusal(lambda: office.agreement("S-1", account="accounts/none")).reason == "ACCOUNT_NOT_FOUND"
    missing = refusal(lambda: office.get(agreement_name("none")))
    assert (missing.code, missing.reason) == (grpc.StatusCode.NOT_FOUND, "SERVICE_AGREEMENT_NOT_FOUND")
    office.agreement("S-0")
    request = partial(pb.ListServiceAgreementsRequest, parent="accounts/A-1", page_size=2)
    first = office.billing.ListServiceAgreements(request())
    rest = office.billing.ListServiceAgreements(request(page_token=first.next_page_token))
    found = [each.name[-3:] for each in (*first.service_agreements, *rest.service_agreements)]
    assert found == ["S-0", "S-1", "S-2"]


@pytest.mark.rule("PLT-03", "PLT-07")
@pytest.mark.parametrize(
    ("given", "violations"),
    [
        (
            {"type_code": "NONE", "premise": "premises/none", "rate_code": "NONE", "description": "\x01"},
            [
                ("type_code", "SERVICE_AGREEMENT_TYPE_UNKNOWN"),
                ("premise", "PREMISE_UNKNOWN"),
                ("description", "CHARACTER_REFUSED"),
                ("rate_code", "RATE_UNKNOWN"),
            ],
        ),
        ({"rate_code": "DOLLARS"}, [("rate_code", "RATE_OF_ANOTHER_CURRENCY")]),
        ({"type_code": "DOLLARS"}, [("type_code", "RATE_OF_ANOTHER_CURRENCY")]),
        ({"end_date": date(2025, 12, 31)}, [("end_date", "END_BEFORE_START")]),
        ({"start_date": date(2026, 2, 30)}, [("start_date", "DATE_INVALID")]),
    ],
)
def test_what_no_agreement_can_be_made_of_is_refused_with_every_field(
    office: Office, given: dict[str, Any], violations: list[tuple[str, str]]
) -> None:
    """Rates of another currency than the account's among it, be they its own or its type's."""
    office.account()
    refused = refusal(lambda: office.agreement("S-1", **given))
    assert refused.code is INVALID
    assert refused.violations == [(f"service_agreement.{field}", reason) for field, reason in violations]
    assert not office.order()


def test_an_agreement_begins_on_a_day(office: Office) -> None:
    """It cannot be made without, nor lose it; a rate in place of its type's may be of the currency alone."""
    office.account()
    assert refusal(lambda: office.agreement("S-1", start_date=None)).code is INVALID
    made = office.agreement("S-1", type_code="DOLLARS", rate_code="GREEN")
    update = partial(office.update, "ServiceAgreement", name=made.name, etag="1")
    assert refusal(lambda: update("start_date")).violations == [("service_agreement.start_date", "FIELD_REQUIRED")]
    own = refusal(lambda: update("rate_code"))
    assert own.violations == [("service_agreement.type_code", "RATE_OF_ANOTHER_CURRENCY")]


@pytest.mark.rule("BIL-02")
def test_masters_that_cannot_be_are_refused_when_they_are_named(office: Office) -> None:
    """Each with its own reason: a sub of a sub, its own master, of another account, in a circle, one there is not."""
    office.account()
    office.account("A-2")
    for own_id, master in (("M", ""), ("S", agreement_name("M")), ("X", "")):
        office.agreement(own_id, master=master)
    office.agreement("M", account="accounts/A-2")

    def fault(own_id: str, master: str, account_id: str = "A-1") -> str:
        name = agreement_name(master, account_id)
        created = refusal(lambda: office.agreement(own_id, master=name))
        assert created.violations[0][0] == "service_agreement.master"
        return created.reason

    def change(own_id: str, master: str, account_id: str = "A-1") -> str:
        name, path = agreement_name(own_id), agreement_name(master, account_id)
        return refusal(lambda: office.update("ServiceAgreement", name=name, etag="1", master=path)).reason

    assert fault("N", "S") == change("X", "S") == "MASTER_IS_SUB"
    assert fault("N", "N") == change("X", "X") == "MASTER_IS_ITSELF"
    assert fault("N", "none") == change("X", "none") == fault("N", "none", "A-2") == "MASTER_UNKNOWN"
    assert fault("N", "M", "A-2") == change("X", "M", "A-2") == "MASTER_OF_ANOTHER_ACCOUNT"
    assert change("M", "S") == "MASTER_LOOP"
    assert change("M", "X") == "MASTER_IS_SUB", "told by its sub, which would be the sub of a sub"
    freed = office.update("ServiceAgreement", "master", name=agreement_name("S"), etag="1")
    assert freed.master == ""
    assert office.update("ServiceAgreement", name=agreement_name("M"), etag="1", master=freed.name).master == freed.name


@pytest.mark.rule("PLT-10", "PLT-11")
def test_an_agreement_is_changed_by_who_has_seen_it_last(utility: Served, office: Office) -> None:
    """Type and premise never; the trail of its account tells it."""
    office.account()
    office.premise()
    name = office.agreement().name
    ended = office.update("ServiceAgreement", name=name, etag="1", end_date=date(2026, 7, 1), rate_code="GREEN")
    assert told(ended, {**AGREEMENT, "end_date": 1}) == {**AGREEMENT, "end_date": date(2026, 7, 1)}
    opened = office.update("ServiceAgreement", "end_date", "rate_code", name=name, etag="2", description="no")
    assert told(opened, {**AGREEMENT, "end_date": 1}) == {**AGREEMENT, "end_date": None}
    for given, reason in (
        ({"etag": "1"}, "ETAG_STALE"),
        ({}, "ETAG_REQUIRED"),
        ({"etag": "3", "type_code": "AT-0"}, "FIELD_IMMUTABLE"),
        ({"etag": "3", "premise": "premises/P-1"}, "FIELD_IMMUTABLE"),
        ({"etag": "3", "rate_code": "DOLLARS"}, "RATE_OF_ANOTHER_CURRENCY"),
        ({"etag": "3", "name": agreement_name("none")}, "SERVICE_AGREEMENT_NOT_FOUND"),
        ({"etag": "3", "name": ""}, "FIELD_REQUIRED"),
    ):
        assert refusal(partial(office.update, "ServiceAgreement", **{"name": name, **given})).reason == reason
    audit = utility.stub(audit_pb2_grpc.AuditServiceStub)
    entries = audit.ListAuditEntries(audit_pb2.ListAuditEntriesRequest(resource="accounts/A-1")).audit_entries
    assert [entry.type for entry in entries] == [
        "service_agreement.changed",
        "service_agreement.changed",
        "service_agreement.created",
        "account.created",
    ]
    changes = MessageToDict(entries[0].changes)
    assert (changes["name"], changes["from"]) == (name, {"end_day": 20260701, "rate_code": "GREEN"})


@pytest.mark.rule("BIL-10")
def test_what_is_billed_of_an_agreement_stays_as_it_was(office: Office, database: Database) -> None:
    """It starts when it did, and ends not before; what is not frozen, or is canceled, does not count."""
    office.account()
    name = office.agreement().name
    put_segment(database, 20260101, 20260201, "CANCELED")
    put_segment(database, 20260301, 20260401, "FREEZABLE")
    update = partial(office.update, "ServiceAgreement", name=name)
    assert update(etag="1", start_date=date(2026, 1, 5), end_date=date(2026, 1, 6)).etag == "2"
    assert update("start_date", "end_date", etag="2", start_date=date(2026, 1, 1)).etag == "3"
    put_segment(database, 20260101, 20260201, "FROZEN")
    put_segment(database, 20260201, 20260301, "PENDING_CANCEL")
    put_segment(database, 20260501, 20260601, "FROZEN", kind="ADJUSTMENT")
    refused = refusal(lambda: update(etag="3", start_date=date(2026, 1, 2), end_date=date(2026, 2, 28)))
    assert refused.violations == [
        ("service_agreement.start_date", "START_BILLED"),
        ("service_agreement.end_date", "END_BEFORE_BILLED"),
    ]
    assert update(etag="3", end_date=date(2026, 3, 1)).end_date.month == 3


@pytest.mark.rule("PLT-05", "PLT-07", "PLT-08", "PLT-10")
def test_profiles_are_made_read_and_changed(office: Office) -> None:
    """Owned by agreements of their account alone; what comes in is derived from nothing; the type never changes."""
    office.account()
    office.account("A-2")
    office.premise()
    owner = office.agreement("S-1", premise="premises/P-1").name
    made = office.profile("F-1", service_agreement=owner, request_id="r")
    assert told(made, PROFILE) == PROFILE
    assert (made.service_agreement, made.time_zone) == (owner, "Europe/Lisbon")
    assert office.profile("F-1", service_agreement=owner, request_id="r") == made == office.get(made.name)
    hourly = office.profile("F-3", service_agreement=owner, type_code="HOURLY").name
    derivation = {"sources": [hourly], "parameters": {"factor": "1.5"}}
    derived = office.profile("F-2", account="accounts/A-2", type_code="CREATED-10", derivation=derivation)
    assert told(derived, {"derivation": 1}) == {"derivation": derivation}
    assert derived.time_zone == "Europe/Berlin"
    for given, violations in (
        ({"type_code": "NONE"}, [("type_code", "PROFILE_TYPE_UNKNOWN")]),
        ({"derivation": {"parameters": {"a": "b"}}}, [("derivation", "DERIVATION_OF_WHAT_COMES_IN")]),
        ({"service_agreement": agreement_name("none")}, [("service_agreement", "OWNER_UNKNOWN")]),
        ({"service_agreement": agreement_name("S-1", "A-2")}, [("service_agreement", "OWNER_OF_ANOTHER_ACCOUNT")]),
        (
            {
                "type_code": "CREATED-10",
                "derivation": {
                    "sources": ["accounts/A-1/profiles/F-9", "accounts/A-1/profiles/none"],
                    "parameters": {"factor": "1\x01"},
                },
                "description": "\x01",
            },
            [
                ("derivation.sources[0]", "SOURCE_PROFILE_IS_ITSELF"),
                ("derivation.sources[1]", "SOURCE_PROFILE_UNKNOWN"),
                ('derivation.parameters["factor"]', "CHARACTER_REFUSED"),
                ("description", "CHARACTER_REFUSED"),
                ('derivation.parameters["factor"]', "ALGORITHM_PARAMETER_INVALID"),
                ("derivation.sources", "SOURCE_PROFILE_COUNT"),
            ],
        ),
    ):
        refused = refusal(partial(office.profile, "F-9", **given))
        assert refused.violations == [(f"profile.{field}", reason) for field, reason in violations]
    assert refusal(lambda: office.profile("F-1")).reason == "PROFILE_ID_TAKEN"
    assert refusal(lambda: office.profile("F-1", account="accounts/none")).reason == "ACCOUNT_NOT_FOUND"
    freed = office.update("Profile", "service_agreement", name=made.name, etag="1")
    assert (freed.service_agreement, freed.time_zone) == ("", "Europe/Lisbon")
    office.agreement("S-2")
    for given, reason in (
        ({"etag": "1"}, "ETAG_STALE"),
        ({}, "ETAG_REQUIRED"),
        ({"etag": "2", "type_code": "HOURLY"}, "FIELD_IMMUTABLE"),
        ({"etag": "2", "service_agreement": agreement_name("S-2")}, "OWNER_IN_ANOTHER_TIME_ZONE"),
        ({"etag": "2", "name": "accounts/A-1/profiles/none"}, "PROFILE_NOT_FOUND"),
        ({"etag": "2", "name": ""}, "FIELD_REQUIRED"),
    ):
        assert refusal(partial(office.update, "Profile", **{"name": made.name, **given})).reason == reason
    office.profile("F-0")
    request = partial(profiles_pb2.ListProfilesRequest, parent="accounts/A-1", page_size=1)
    first = office.billing.ListProfiles(request())
    rest = office.billing.ListProfiles(request(page_token=first.next_page_token))
    assert [each.name[-3:] for each in (*first.profiles, *rest.profiles)] == ["F-0", "F-1"]
    assert refusal(lambda: office.get("accounts/A-1/profiles/none")).reason == "PROFILE_NOT_FOUND"


@pytest.mark.rule("BIL-01", "BIL-02", "BIL-05")
@pytest.mark.parametrize("reverse", [False, True])
def test_the_order_of_an_account_is_told_with_its_reasons(office: Office, *, reverse: bool) -> None:
    """The example of the rules, whatever the order in which the agreements were made."""
    office.account()
    kinds = {"M1": ("AT-20", ""), "M2": ("AT-10", ""), "X": ("AT-15", "")}
    subs = {"a": ("AT-2", "M1"), "b": ("AT-1", "M1"), "c": ("AT-0", "M2"), "d": ("AT-NONE", "M2")}
    for of in (kinds, subs):
        for own_id in sorted(of, reverse=reverse):
            kind, master = of[own_id]
            office.agreement(own_id, type_code=kind, master=agreement_name(master) if master else "")
    places = office.order()
    assert [each.service_agreement.rpartition("/")[2] for each in places] == ["M2", "c", "d", "X", "M1", "b", "a"]
    assert [each.position for each in places] == [1, 2, 3, 4, 5, 6, 7]
    first, tied, without = places[0], places[1], places[2]
    assert (list(first.reasons), first.master, first.sequence, first.type_code) == ([SEQUENCE], "", 10, "AT-10")
    assert (list(tied.reasons), tied.master, tied.sequence) == ([MASTER, SEQUENCE, TIE], agreement_name("M2"), 0)
    assert tied.HasField("sequence")
    assert not without.HasField("sequence")
    assert without.explanation == "after its master M2, no sequence, which counts as 0 as others have, by its id"
    unknown = partial(office.billing.ExplainProcessingOrder, pb.ExplainProcessingOrderRequest(name="accounts/none"))
    assert refusal(unknown).reason == "ACCOUNT_NOT_FOUND"


@pytest.mark.rule("BIL-03", "BIL-05")
def test_data_are_created_in_the_order_of_agreements_and_then_of_priorities(office: Office) -> None:
    """Of profiles alone that an agreement owns and whose data are created; ties by their ids."""
    office.account()
    for own_id, kind in (("S-1", "AT-10"), ("S-2", "AT-2")):
        office.agreement(own_id, type_code=kind)
    for own_id, kind, owner in (
        ("z", "CREATED-10", "S-1"),
        ("y", "CREATED-90", "S-2"),
        ("x", "CREATED-50", "S-2"),
        ("w", "CREATED-50", "S-2"),
        ("v", "DAILY", "S-2"),
        ("u", "CREATED-10", ""),
    ):
        office.profile(own_id, type_code=kind, service_agreement=agreement_name(owner) if owner else "")
    turns = {each.service_agreement[-3:]: each.creation_turns for each in office.order()}
    assert list(turns) == ["S-2", "S-1"]
    told_turns = [(turn.position, turn.profile[-1], turn.creation_priority) for of in turns.values() for turn in of]
    assert told_turns == [(1, "w", 50), (2, "x", 50), (3, "y", 90), (4, "z", 10)]
    assert [list(turn.reasons) for turn in turns["S-2"]] == [[SEQUENCE, TIE], [SEQUENCE, TIE], [SEQUENCE]]


@pytest.mark.rule("BIL-10", "BIL-12")
def test_what_a_change_matters_to_is_made_again_before_it_is_frozen(
    utility: Served, office: Office, database: Database
) -> None:
    """Who moves out in the midst of a month that was calculated already is not billed for the rest of it."""
    till = Till(utility.stub(BillingServiceStub))
    office.account()
    name = office.agreement("S-1", type_code="AT-0").name
    bill = till.bill().bill
    freezable, incomplete = segments_pb2.BILL_SEGMENT_STATE_FREEZABLE, segments_pb2.BILL_SEGMENT_STATE_INCOMPLETE
    office.update("ServiceAgreement", name=name, etag="1", description="kitchen")
    assert [each.state for each in till.segments()] == [freezable]
    office.update("ServiceAgreement", name=name, etag="2", end_date=date(2026, 1, 11))
    assert [each.state for each in till.segments()] == [incomplete]
    complete = bill_corrections_pb2.CompleteBillRequest(name=bill.name)
    refused = refusal(lambda: office.billing.CompleteBill(complete))
    assert refused.code is grpc.StatusCode.FAILED_PRECONDITION
    till.bill()
    office.profile("F-1")
    for kind, changed in (
        ("Profile", {"name": "accounts/A-1/profiles/F-1", "service_agreement": name}),
        ("Account", {"name": "accounts/A-1", "attributes": {"region": "south"}}),
    ):
        assert [each.state for each in till.segments()] == [freezable]
        office.update(kind, etag="1", **changed)
        assert [each.state for each in till.segments()] == [incomplete]
        till.bill()
    (segment,) = till.segments()
    assert (segment.state, segment.end_date.day, segment.amount.units, segment.amount.nanos) == (
        freezable,
        11,
        1,
        610_000_000,
    )
    office.billing.CompleteBill(complete)


@pytest.mark.rule("BIL-10", "BIL-12")
def test_what_comes_to_an_account_or_to_its_premise_has_its_bill_made_again(utility: Served, office: Office) -> None:
    """Another agreement, a meter of one, what conditions read of the place; elsewhere nothing is touched."""
    till = Till(utility.stub(BillingServiceStub))
    freezable, incomplete = segments_pb2.BILL_SEGMENT_STATE_FREEZABLE, segments_pb2.BILL_SEGMENT_STATE_INCOMPLETE
    office.premise("P-1")
    office.premise("P-2")
    for own_id, place in (("A-1", "P-1"), ("A-2", "P-1"), ("A-3", "P-2"), ("A-4", "")):
        office.account(own_id)
        served = {"premise": f"premises/{place}"} if place else {}
        office.agreement("S-1", f"accounts/{own_id}", type_code="AT-0", **served)
        till.bill(f"accounts/{own_id}")

    def states(number: int) -> set[int]:
        return {each.state for each in till.segments(f"accounts/A-{number}")}

    office.update("Premise", name="premises/P-1", etag="1", description="the old mill")
    assert states(1) == {freezable}, "nothing reads it"
    office.update("Premise", name="premises/P-1", etag="2", attributes={"floor": "3"})
    assert [states(number) for number in (1, 2, 3, 4)] == [{incomplete}, {incomplete}, {freezable}, {freezable}]
    bill = till.bill().bill
    office.agreement("S-2", type_code="AT-2")
    assert states(1) == {incomplete}
    complete = bill_corrections_pb2.CompleteBillRequest(name=bill.name)
    refused = refusal(lambda: office.billing.CompleteBill(complete))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "BILL_HAS_ERRORS")
    till.bill()
    office.profile("F-1", service_agreement=agreement_name("S-2"))
    assert states(1) == {incomplete}
    till.bill()
    office.profile("F-2")
    assert states(1) == {freezable}, "it is nobody's"
    assert len(till.segments(bill=bill.name)) == 2
    office.billing.CompleteBill(complete)
