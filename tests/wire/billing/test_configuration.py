"""Customer classes, time-of-use schemes and profile types over the wire."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict

from countinghouse.operations.v1 import audit_pb2, audit_pb2_grpc
from tests.support.server import Served, refusal
from tests.wire.billing.registry import Registry, day, told, wrong

MINIMUM: dict[str, Any] = {
    "moment": "ALGORITHM_MOMENT_PRE_COMPLETION",
    "sequence": 10,
    "algorithm": "minimum-bill",
    "parameters": {"amount": "5.00", "currency": "EUR", "distribution_code": "REVENUE"},
}
CLASS: dict[str, Any] = {
    "code": "SHOPS",
    "description": "Läden",
    "calendar": {
        "weekend_days": ["SUNDAY"],
        "country": "CH",
        "subdivision": "ZH",
        "holidays": [day(2026, 12, 24)],
        "working_days": [day(2026, 12, 26)],
    },
    "due_days": 30,
    "routing": "paper",
    "algorithms": [MINIMUM],
}
SCHEME: dict[str, Any] = {
    "code": "SEASONS",
    "description": "Summer and winter",
    "rows": [
        {
            "bucket": "HOLIDAY",
            "start_time": {"hours": 0},
            "end_time": {"hours": 24},
            "holidays": "HOLIDAY_RULE_ONLY",
        },
        {
            "bucket": "SUMMER",
            "weekdays": ["MONDAY", "FRIDAY"],
            "months": ["JUNE", "JULY"],
            "start_time": {"hours": 7, "minutes": 30},
            "end_time": {"hours": 22},
            "holidays": "HOLIDAY_RULE_EXCEPT",
        },
    ],
    "otherwise": "REST",
    "country": "DE",
    "subdivision": "BY",
    "holidays": [day(2026, 12, 24)],
}
HALF_HOURLY: dict[str, Any] = {
    "code": "HALF_HOURLY",
    "description": "Half hours",
    "kind": "PROFILE_KIND_INTERVALS",
    "unit": "kWh",
    "interval_length": "1800s",
}
DIALS: dict[str, Any] = {"code": "DIALS", "kind": "PROFILE_KIND_REGISTER", "unit": "m3", "register_digits": 5}
WHOLE = [("CustomerClass", CLASS), ("TimeOfUseScheme", SCHEME), ("ProfileType", HALF_HOURLY), ("ProfileType", DIALS)]
LISTED = {
    "CustomerClass": ["FIRM", "HOME"],
    "TimeOfUseScheme": ["DAY_NIGHT"],
    "ProfileType": ["CREATED-10", "CREATED-50", "CREATED-90", "DAILY", "HOURLY", "REGISTER"],
}
LISTS = {"CustomerClass": "CustomerClasses", "TimeOfUseScheme": "TimeOfUseSchemes", "ProfileType": "ProfileTypes"}


@pytest.mark.rule("BIL-03", "BIL-12", "BIL-20", "BIL-21", "PLT-06", "PLT-10")
@pytest.mark.parametrize(("kind", "whole"), WHOLE, ids=[whole["code"] for _, whole in WHOLE])
def test_an_entry_is_read_as_it_was_given(registry: Registry, kind: str, whole: dict[str, Any]) -> None:
    """A rehearsal stores nothing; a repeated call gives the first answer; a stale etag changes nothing."""
    fields = {name: value for name, value in whole.items() if name != "code"}
    code = whole["code"]
    rehearsed = registry.create(kind, code, request={"validate_only": True}, **fields)
    missing = refusal(lambda: registry.get(kind, rehearsed.name))
    assert missing.code is grpc.StatusCode.NOT_FOUND
    made = registry.create(kind, code, request={"request_id": "r"}, **fields)
    assert registry.create(kind, code, request={"request_id": "r"}, **fields) == made == registry.get(kind, made.name)
    told_as_given = _with_midnight(told(made))
    assert told_as_given == whole
    assert refusal(lambda: registry.create(kind, code, **fields)).reason == "CODE_TAKEN"
    changed = registry.update(kind, made.name, description="New")
    assert _with_midnight(told(changed)) == {**whole, "description": "New"}
    assert refusal(lambda: registry.update(kind, made.name, description="x", etag=made.etag)).reason == "ETAG_STALE"
    assert wrong(lambda: registry.update(kind, made.name, "colour")) == [("update_mask", "UPDATE_MASK_INVALID")]


@pytest.mark.rule("BIL-03", "BIL-12", "BIL-20", "PLT-08")
@pytest.mark.parametrize("kind", LISTS)
def test_pages_by_code_lead_to_the_end(registry: Registry, kind: str) -> None:
    """One entry a page, each once."""
    found, token = [], ""
    while True:
        page = registry.call(f"List{LISTS[kind]}", page_size=1, page_token=token)
        (entry,) = page.ListFields()[0][1]
        found.append(entry.code)
        token = page.next_page_token
        if not token:
            break
    assert found == LISTED[kind]


@pytest.mark.rule("BIL-12", "PLT-07")
def test_a_customer_class_is_refused_for_all_that_is_wrong_with_it(registry: Registry) -> None:
    """Its calendar, how long bills take to be due, and algorithms that there are not, or not for classes."""
    calendar = {"country": "XX", "holidays": [day(2026, 2, 30)]}
    unheard_of = {"moment": "ALGORITHM_MOMENT_COMPLETION", "sequence": -1, "algorithm": "unheard-of"}
    misplaced = {**MINIMUM, "parameters": {**MINIMUM["parameters"], "distribution_code": "NONE"}}
    found = wrong(
        lambda: registry.create(
            "CustomerClass", "WRONG", calendar=calendar, due_days=367, algorithms=[unheard_of, misplaced]
        )
    )
    assert found == [
        ("customer_class.calendar.country", "CALENDAR_COUNTRY_UNKNOWN"),
        ("customer_class.calendar.holidays[0]", "DATE_INVALID"),
        ("customer_class.due_days", "DUE_DAYS_OUT_OF_RANGE"),
        ("customer_class.algorithms[0].sequence", "PROCESSING_SEQUENCE_NEGATIVE"),
        ("customer_class.algorithms[0].algorithm", "ALGORITHM_UNKNOWN"),
        ('customer_class.algorithms[1].parameters["distribution_code"]', "DISTRIBUTION_CODE_UNKNOWN"),
    ]
    updated = wrong(lambda: registry.update("CustomerClass", "customerClasses/HOME", due_days=-1))
    assert updated == [("customer_class.due_days", "DUE_DAYS_OUT_OF_RANGE")]


@pytest.mark.rule("BIL-12")
def test_weekends_are_off_where_a_class_says_nothing(registry: Registry) -> None:
    """A calendar that is given says all that there is to say."""
    bare = registry.create("CustomerClass", "BARE")
    assert told(bare) == {"code": "BARE", "calendar": {"weekend_days": ["SATURDAY", "SUNDAY"]}}
    every_day = registry.update("CustomerClass", bare.name, calendar={})
    assert told(every_day) == {"code": "BARE", "calendar": {}}


@pytest.mark.rule("BIL-20", "PLT-07")
def test_a_scheme_is_refused_for_all_that_is_wrong_with_it(registry: Registry) -> None:
    """What the form of a request shows is told first, and then the rest."""
    form = wrong(
        lambda: registry.create(
            "TimeOfUseScheme",
            "WRONG",
            rows=[
                {"bucket": "a b", "weekdays": [8], "months": [13]},
                {"bucket": "B", "start_time": {"hours": 24}, "end_time": {"hours": 24, "minutes": 1}},
            ],
        )
    )
    assert form == [
        ("time_of_use_scheme.rows[0].bucket", "STRING_PATTERN"),
        ("time_of_use_scheme.rows[0].weekdays[0]", "ENUM_DEFINED_ONLY"),
        ("time_of_use_scheme.rows[0].months[0]", "ENUM_DEFINED_ONLY"),
        ("time_of_use_scheme.rows[1].start_time", "START_TIME_INVALID"),
        ("time_of_use_scheme.rows[1].end_time", "END_TIME_INVALID"),
    ]
    rows = [
        {"bucket": "NIGHT", "start_time": {"hours": 22}, "end_time": {"hours": 6}},
        {"bucket": "NIGHT", "start_time": {"hours": 22}},
        {"bucket": "NEVER", "start_time": {"hours": 6}, "end_time": {"hours": 6}},
    ]
    places: dict[str, Any] = {"country": "DE", "subdivision": "ZH", "holidays": [day(2026, 4, 31)]}
    assert wrong(lambda: registry.create("TimeOfUseScheme", "WRONG", rows=rows, **places)) == [
        ("time_of_use_scheme.rows[0].end_time", "END_NOT_AFTER_START"),
        ("time_of_use_scheme.rows[2].end_time", "END_NOT_AFTER_START"),
        ("time_of_use_scheme.otherwise", "FIELD_REQUIRED"),
        ("time_of_use_scheme.subdivision", "CALENDAR_SUBDIVISION_UNKNOWN"),
        ("time_of_use_scheme.holidays[0]", "DATE_INVALID"),
    ]


@pytest.mark.rule("BIL-20")
def test_a_scheme_keeps_the_buckets_that_rates_in_use_have_prices_for(registry: Registry) -> None:
    """A bucket without a price would put segments in error in the morning."""
    rows = [{"bucket": "MIDDAY", "start_time": {"hours": 10}, "end_time": {"hours": 14}}]
    refused = refusal(lambda: registry.update("TimeOfUseScheme", "timeOfUseSchemes/DAY_NIGHT", rows=rows))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "SERVICE_AGREEMENT_TYPE_UNSOUND")
    assert "serviceAgreementTypes/POWER_BY_TIME" in refused.message
    rows[0]["bucket"] = "PEAK"
    assert registry.update("TimeOfUseScheme", "timeOfUseSchemes/DAY_NIGHT", rows=rows).rows[0].bucket == "PEAK"


@pytest.mark.rule("BIL-21", "PLT-07")
@pytest.mark.parametrize("length", ["60s", "900s", "3600s", "7200s", "43200s", "86400s"])
def test_intervals_tile_the_hour_or_the_day(registry: Registry, length: str) -> None:
    """So that each belongs to one hour, and each hour to one day."""
    made = registry.create("ProfileType", "TILES", **{**_less_code(HALF_HOURLY), "interval_length": length})
    assert f"{made.interval_length.seconds}s" == length


@pytest.mark.rule("BIL-21", "PLT-07")
@pytest.mark.parametrize("length", [None, "-60s", "7s", "1.5s", "0.000000001s", "5400s", "18000s", "172800s"])
def test_other_lengths_are_refused(registry: Registry, length: str | None) -> None:
    """Fractions of a second too, whatever they come to."""
    fields = {**_less_code(HALF_HOURLY), "interval_length": length}
    if length is None:
        del fields["interval_length"]
    found = wrong(lambda: registry.create("ProfileType", "WRONG", **fields))
    assert found == [("profile_type.interval_length", "INTERVAL_LENGTH_INVALID")]


@pytest.mark.rule("BIL-03", "BIL-21", "BIL-22", "PLT-07")
def test_a_profile_type_is_refused_for_all_that_is_wrong_with_it(registry: Registry) -> None:
    """Registers have digits and no intervals; a priority comes with an algorithm, and that must be there."""
    assert wrong(lambda: registry.create("ProfileType", "WRONG")) == [
        ("profile_type", "KIND_REQUIRED"),
        ("profile_type", "UNIT_REQUIRED"),
    ]
    created: dict[str, Any] = {"creation_algorithm": "none", "creation_priority": 91}
    odd = {**_less_code(DIALS), "register_digits": 16, "interval_length": "900s", **created}
    assert wrong(lambda: registry.create("ProfileType", "WRONG", **odd)) == [
        ("profile_type.interval_length", "INTERVAL_LENGTH_INVALID"),
        ("profile_type.register_digits", "REGISTER_DIGITS_INVALID"),
        ("profile_type.creation_algorithm", "ALGORITHM_UNKNOWN"),
        ("profile_type.creation_algorithm", "CREATION_OF_REGISTER"),
        ("profile_type.creation_priority", "CREATION_PRIORITY_OUT_OF_RANGE"),
    ]
    even = {**_less_code(HALF_HOURLY), "register_digits": 5, "creation_priority": 10}
    assert wrong(lambda: registry.create("ProfileType", "WRONG", **even)) == [
        ("profile_type.register_digits", "REGISTER_DIGITS_INVALID"),
        ("profile_type.creation_priority", "CREATION_PRIORITY_UNUSED"),
    ]


@pytest.mark.rule("BIL-21", "PLT-07")
def test_what_data_are_never_changes(registry: Registry) -> None:
    """An update may leave it out, or tell what it is."""
    name = "profileTypes/HOURLY"
    other = {**_less_code(DIALS), "interval_length": "900s"}
    assert wrong(lambda: registry.update("ProfileType", name, "*", **other))[:4] == [
        ("profile_type.kind", "FIELD_IMMUTABLE"),
        ("profile_type.unit", "FIELD_IMMUTABLE"),
        ("profile_type.interval_length", "FIELD_IMMUTABLE"),
        ("profile_type.register_digits", "FIELD_IMMUTABLE"),
    ]
    same = {"kind": "PROFILE_KIND_INTERVALS", "unit": "kWh", "interval_length": "3600s"}
    assert registry.update("ProfileType", name, "*", **same, description="x").description == "x"
    assert told(registry.update("ProfileType", name, "*")) == {"code": "HOURLY", **same}


@pytest.mark.rule("PLT-11")
def test_changes_are_told_in_the_trail(registry: Registry, utility: Served) -> None:
    """With what was there before and what is there now, of the fields that changed."""
    registry.update("CustomerClass", "customerClasses/HOME", due_days=21)
    audit = utility.stub(audit_pb2_grpc.AuditServiceStub)
    request = audit_pb2.ListAuditEntriesRequest(resource="customerClasses/HOME")
    (entry,) = audit.ListAuditEntries(request).audit_entries
    assert entry.type == "customer_class.changed"
    assert MessageToDict(entry.changes) == {"from": {"due_days": 14}, "to": {"due_days": 21}}


def _less_code(whole: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in whole.items() if name != "code"}


def _with_midnight(found: dict[str, Any]) -> dict[str, Any]:
    """Times as they are given: of midnight JSON tells nothing."""
    for row in found.get("rows", ()):
        row["start_time"] = row["start_time"] or {"hours": 0}
    return found
