"""Clients over the wire: their calendar, channels, service levels and limits."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict

from countinghouse.accounting.v1 import clients_pb2 as pb
from tests.support.server import refusal
from tests.wire.accounting.samples import SYSTEM_OF_RECORD, Accounting, create_client, update_client

ZURICH: dict[str, Any] = {
    "description": "Zürich",
    "time_zone": "Europe/Zurich",
    "calendar": {
        "weekend_days": ["SATURDAY", "SUNDAY"],
        "country": "CH",
        "subdivision": "ZH",
        "holidays": [{"year": 2026, "month": 12, "day": 24}],
        "working_days": [{"year": 2026, "month": 12, "day": 26}],
    },
    "service": {
        "system_of_record": SYSTEM_OF_RECORD,
        "max_retries": 3,
        "timeout": "2.500s",
        "backoff": "0.250s",
        "backoff_max": "30s",
        "concurrency_max": 4,
    },
    "batch": {
        "cut_off": {"hours": 17, "minutes": 30},
        "format": "BATCH_FILE_FORMAT_JSON_LINES",
        "data_file_set_code": "zurich",
    },
    "pre_conditions": [
        {"condition": "operation.amount_minor > 100000", "channel": "CHANNEL_MANUAL"},
        {"condition": "rule.workflow_point == 'FEE'", "channel": "CHANNEL_BATCH"},
        {"condition": "true", "channel": "CHANNEL_SERVICE"},
    ],
    "service_levels": [
        {"channel": "CHANNEL_BATCH", "goal": "86400s", "deadline": "172800s"},
        {"channel": "CHANNEL_SERVICE", "deadline": "3600s"},
    ],
    "manual_restricted": True,
    "approval_limits": [
        {"currency_code": "JPY", "units": "20000"},
        {"currency_code": "USD", "units": "150", "nanos": 250_000_000},
    ],
}


def told(client: pb.Client) -> dict[str, Any]:
    found = MessageToDict(client, preserving_proto_field_name=True)
    return {name: found[name] for name in ZURICH if name in found}


def get(accounting: Accounting, code: str) -> pb.Client:
    return accounting.GetClient(pb.GetClientRequest(name=f"clients/{code}"))


def wrong(accounting: Accounting, **fields: Any) -> list[tuple[str, str]]:
    refused = refusal(lambda: create_client(accounting, "WRONG", **fields))
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    return refused.violations


@pytest.mark.rule("ACC-10", "ACC-12", "ACC-21", "ACC-30", "ACC-55", "ACC-57", "PLT-06")
def test_a_client_is_read_as_it_was_given(accounting: Accounting) -> None:
    """Every setting is kept; a rehearsal stores nothing; a repeated call gives the first answer."""
    rehearsed = create_client(accounting, "ZH", request={"validate_only": True}, **ZURICH)
    assert told(rehearsed) == ZURICH
    assert refusal(lambda: get(accounting, "ZH")).code is grpc.StatusCode.NOT_FOUND
    made = create_client(accounting, "ZH", request={"request_id": "c"}, **ZURICH)
    assert create_client(accounting, "ZH", request={"request_id": "c"}, **ZURICH) == made == get(accounting, "ZH")
    assert told(made) == ZURICH
    assert refusal(lambda: create_client(accounting, "ZH")).reason == "CODE_TAKEN"


@pytest.mark.rule("ACC-12", "ACC-21", "ACC-30")
def test_what_is_not_said_has_a_sound_default(accounting: Accounting) -> None:
    """Weekends are off; a call is made once, and waits ten seconds for its answer."""
    plain = get(accounting, "MANUAL")
    assert told(plain) == {"time_zone": "UTC", "calendar": {"weekend_days": ["SATURDAY", "SUNDAY"]}}
    service = create_client(accounting, "ONCE", service={"system_of_record": SYSTEM_OF_RECORD}).service
    assert MessageToDict(service, preserving_proto_field_name=True) == {
        "system_of_record": SYSTEM_OF_RECORD,
        "timeout": "10s",
        "backoff": "1s",
        "backoff_max": "60s",
        "concurrency_max": 8,
    }
    every_day = create_client(accounting, "DAILY", calendar={})
    assert not every_day.calendar.weekend_days


@pytest.mark.rule("ACC-10", "ACC-55", "PLT-10")
def test_an_update_changes_what_its_mask_names(accounting: Accounting) -> None:
    """The rest stays; a channel is taken away by a mask without it; the etag must be the last."""
    made = create_client(accounting, "ZH", **ZURICH)
    changed = update_client(accounting, "ZH", "manual_restricted", "description", description="New")
    assert told(changed) == {**{k: v for k, v in ZURICH.items() if k != "manual_restricted"}, "description": "New"}
    stale = refusal(lambda: accounting.UpdateClient(pb.UpdateClientRequest(client=made)))
    assert stale.reason == "ETAG_STALE"
    needed = refusal(lambda: update_client(accounting, "ZH", "batch"))
    assert needed.violations == [("client.pre_conditions[1].channel", "CHANNEL_NOT_CONFIGURED")]
    without = update_client(accounting, "ZH", "batch", "pre_conditions")
    assert not without.HasField("batch")
    assert not without.pre_conditions
    moved = update_client(accounting, "ZH", time_zone="Asia/Tokyo")
    assert (moved.time_zone, moved.calendar) == ("Asia/Tokyo", without.calendar)
    bad = refusal(lambda: update_client(accounting, "ZH", "colour"))
    assert bad.violations == [("update_mask", "UPDATE_MASK_INVALID")]


@pytest.mark.rule("ACC-21", "PLT-07")
def test_a_system_of_record_is_refused_for_all_that_is_wrong_with_it(accounting: Accounting) -> None:
    """Fewer calls than one make no sense, and what the servers do not know cannot be called."""
    service = {
        "system_of_record": "unheard-of",
        "max_retries": -1,
        "timeout": "-1s",
        "backoff": "10s",
        "backoff_max": "5s",
        "concurrency_max": -1,
    }
    assert wrong(accounting, service=service) == [
        ("client.service.system_of_record", "SYSTEM_OF_RECORD_UNKNOWN"),
        ("client.service.max_retries", "MAX_RETRIES_INVALID"),
        ("client.service.timeout", "DURATION_OUT_OF_RANGE"),
        ("client.service.backoff_max", "DURATION_OUT_OF_RANGE"),
        ("client.service.concurrency_max", "CONCURRENCY_INVALID"),
    ]
    none = {"system_of_record": SYSTEM_OF_RECORD, "max_retries": 0}
    assert create_client(accounting, "ONCE", service=none).service.max_retries == 0


@pytest.mark.rule("ACC-12", "ACC-13", "ACC-30", "PLT-07")
def test_a_calendar_is_refused_for_all_that_is_wrong_with_it(accounting: Accounting) -> None:
    """Unknown zones and countries, days that there are not, and a cut-off that no clock shows."""
    calendar = {"country": "XX", "weekend_days": ["MONDAY"], "holidays": [{"year": 2026, "month": 2, "day": 30}]}
    assert wrong(accounting, time_zone="Mars/Base", calendar=calendar) == [
        ("client.time_zone", "TIME_ZONE_UNKNOWN"),
        ("client.calendar.country", "CALENDAR_COUNTRY_UNKNOWN"),
        ("client.calendar.holidays[0]", "DATE_INVALID"),
    ]
    assert wrong(accounting, time_zone=None) == [("client.time_zone", "TIME_ZONE_UNKNOWN")]
    week = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
    never = wrong(accounting, calendar={"weekend_days": week})
    assert never == [("client.calendar.weekend_days", "CALENDAR_HAS_NO_BUSINESS_DAY")]
    batch = {"cut_off": {"hours": 24}, "format": "BATCH_FILE_FORMAT_CSV"}
    assert wrong(accounting, batch=batch) == [("client.batch.cut_off", "CUT_OFF_INVALID")]
    folder = {"cut_off": {"hours": 1}, "format": "BATCH_FILE_FORMAT_CSV", "data_file_set_code": ".."}
    assert wrong(accounting, batch=folder) == [("client.batch.data_file_set_code", "DATA_FILE_SET_CODE_INVALID")]


@pytest.mark.rule("ACC-10", "PLT-07")
def test_pre_conditions_are_refused_when_they_are_configured(accounting: Accounting) -> None:
    """Not when an operation comes to them; what has no side yet cannot ask for one."""
    rows = [
        {"condition": "operation.side == 'DEBIT'", "channel": "CHANNEL_MANUAL"},
        {"condition": "rule.code ==", "channel": "CHANNEL_MANUAL"},
        {"condition": "client.code", "channel": "CHANNEL_SERVICE"},
    ]
    path = "client.pre_conditions"
    assert wrong(accounting, pre_conditions=rows) == [
        (f"{path}[0].condition", "CONDITION_FIELD_UNKNOWN"),
        (f"{path}[1].condition", "CONDITION_MALFORMED"),
        (f"{path}[2].condition", "CONDITION_NOT_BOOLEAN"),
        (f"{path}[2].channel", "CHANNEL_NOT_CONFIGURED"),
    ]


@pytest.mark.rule("ACC-12", "ACC-57", "PLT-07")
def test_service_levels_and_limits_are_refused_together(accounting: Accounting) -> None:
    """One entry a channel and a currency; a goal before its deadline; a limit above zero, and exact."""
    levels = [
        {"channel": "CHANNEL_BATCH", "goal": "20s", "deadline": "10s"},
        {"channel": "CHANNEL_BATCH", "goal": "-1s", "deadline": "400000000s"},
    ]
    limits = [
        {"currency_code": "USD", "units": "1"},
        {"currency_code": "USD", "units": "2"},
        {"currency_code": "EUR"},
        {"currency_code": "JPY", "nanos": 500_000_000},
        {"currency_code": "XYZ", "units": "1"},
    ]
    assert wrong(accounting, service_levels=levels, approval_limits=limits) == [
        ("client.service_levels[0].channel", "CHANNEL_TWICE"),
        ("client.service_levels[0].goal", "GOAL_AFTER_DEADLINE"),
        ("client.service_levels[1].channel", "CHANNEL_TWICE"),
        ("client.service_levels[1].goal", "DURATION_OUT_OF_RANGE"),
        ("client.service_levels[1].deadline", "DURATION_OUT_OF_RANGE"),
        ("client.approval_limits[0]", "CURRENCY_TWICE"),
        ("client.approval_limits[1]", "CURRENCY_TWICE"),
        ("client.approval_limits[2]", "AMOUNT_NOT_POSITIVE"),
        ("client.approval_limits[3]", "AMOUNT_FINER_THAN_MINOR_UNIT"),
        ("client.approval_limits[4]", "CURRENCY_UNKNOWN"),
    ]
