"""Schedules by a real client: made, changed, paused, run, and refused."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from sqlalchemy import text

from countinghouse.gl_extraction.v1 import extraction_pb2
from countinghouse.operations.v1 import audit_pb2, audit_pb2_grpc
from countinghouse.operations.v1 import schedules_pb2 as pb
from countinghouse.operations.v1 import schedules_pb2_grpc as pb_grpc
from server.call import now_us
from server.database.transaction import Database
from tests.support.process import Serving, serve
from tests.support.server import Served, refusal, serving
from tests.support.waiting import wait_for
from tests.wire.gl_extraction import samples
from tests.wire.gl_extraction.samples import Gl, day, messages, row

EVENING_US = 1_780_000_040_000_000  # 2026-05-28 20:27:20 UTC
MINUTE_US = 60_000_000
TYPE = "type.googleapis.com/countinghouse.gl_extraction.v1.GenerateAccountingMessageRequest"


class Clock:
    """A clock that stands still until it is put."""

    def __init__(self, now_us: int) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        return self.now_us


@pytest.fixture
def clock() -> Clock:
    return Clock(EVENING_US)


@pytest.fixture
def timed(migrated_url: str, tmp_path: Path, clock: Clock) -> Iterator[Served]:
    """A server with its worker and its scheduler, whose business day is that of Zurich."""
    with serving(migrated_url, tmp_path, clock_us=clock, business_time_zone="Europe/Zurich") as served:
        yield served


@pytest.fixture
def schedules(timed: Served) -> pb_grpc.SchedulesServiceStub:
    return timed.stub(pb_grpc.SchedulesServiceStub)


def schedule(code: str = "nightly", **changes: Any) -> pb.Schedule:
    """A schedule as a person writes it in JSON; None leaves a field out."""
    document = {
        "code": code,
        "cron": "30 22 * * *",
        "request": {"@type": TYPE},
        "relativeDates": {"created_date_to": "RELATIVE_DATE_TODAY"},
        **changes,
    }
    return json_format.ParseDict({key: value for key, value in document.items() if value is not None}, pb.Schedule())


def create(schedules: pb_grpc.SchedulesServiceStub, *given: Any, **changes: Any) -> pb.Schedule:
    return schedules.CreateSchedule(pb.CreateScheduleRequest(schedule=schedule(*given, **changes)), timeout=20)


def runs_of(schedules: pb_grpc.SchedulesServiceStub, code: str = "nightly") -> list[pb.ScheduleRun]:
    answer = schedules.ListScheduleRuns(pb.ListScheduleRunsRequest(parent=f"schedules/{code}"), timeout=20)
    return list(answer.schedule_runs)


@pytest.mark.rule("PLT-26", "PLT-04")
def test_a_schedule_extracts_what_is_there_at_its_time(
    timed: Served, schedules: pb_grpc.SchedulesServiceStub, clock: Clock
) -> None:
    """At 22:30 in Zurich an extraction starts by itself, and sends what was created until then."""
    gl = timed.stub(Gl)
    samples.open_books(gl)
    gl.IngestAccountingDetails(messages(row(number) for number in range(5)), timeout=20)
    made = create(schedules, timeZone="Europe/Zurich")
    assert made.next_run_time.ToMicroseconds() == EVENING_US + 160_000_000
    clock.now_us = made.next_run_time.ToMicroseconds()
    wait_for(lambda: runs_of(schedules), what="the run")
    (run,) = runs_of(schedules)
    assert (run.cause, run.outcome) == (pb.SCHEDULE_RUN_CAUSE_TIME, pb.SCHEDULE_RUN_OUTCOME_STARTED)
    operations = timed.stub(operations_pb2_grpc.OperationsStub)
    wait = operations_pb2.WaitOperationRequest(name=run.operation, timeout=Duration(seconds=30))
    ended = operations.WaitOperation(wait, timeout=40)
    response = extraction_pb2.GenerateAccountingMessageResponse()
    assert ended.response.Unpack(response), ended.error
    assert response.detail_count == 5
    batch = gl.GetExtractionBatch(extraction_pb2.GetExtractionBatchRequest(name=response.extraction_batch))
    assert batch.request.created_date_to == day("2026-05-28")
    seen = schedules.GetSchedule(pb.GetScheduleRequest(name="schedules/nightly"))
    assert seen.last_run == run
    assert seen.etag == made.etag
    assert seen.next_run_time.ToMicroseconds() == made.next_run_time.ToMicroseconds() + 86_400_000_000


@pytest.mark.rule("PLT-10", "PLT-11", "PLT-08")
def test_a_schedule_is_configuration_like_any_other(timed: Served, schedules: pb_grpc.SchedulesServiceStub) -> None:
    """It is read, listed by page, changed by mask and etag, paused, resumed and deleted; all of it is in the trail."""
    made = create(schedules, description="Every night")
    assert made.state == pb.SCHEDULE_STATE_ACTIVE
    assert (made.caller, made.missed_run_policy) == ("anybody", pb.MISSED_RUN_POLICY_ONCE)
    assert made.relative_dates == {"created_date_to": pb.RELATIVE_DATE_TODAY}
    assert made.request.type_url == TYPE
    create(schedules, "b")
    create(schedules, "c")
    first = schedules.ListSchedules(pb.ListSchedulesRequest(page_size=2))
    second = schedules.ListSchedules(pb.ListSchedulesRequest(page_size=2, page_token=first.next_page_token))
    assert [one.code for one in [*first.schedules, *second.schedules]] == ["b", "c", "nightly"]

    change = pb.Schedule(name=made.name, cron="0 6 * * MON", description="left as it is", etag=made.etag)
    update = pb.UpdateScheduleRequest(schedule=change, update_mask=FieldMask(paths=["cron"]))
    changed = schedules.UpdateSchedule(update)
    assert (changed.cron, changed.description) == ("0 6 * * MON", "Every night")
    assert changed.next_run_time.ToJsonString() == "2026-06-01T04:00:00Z"
    stale = refusal(lambda: schedules.UpdateSchedule(update))
    assert (stale.code, stale.reason) == (grpc.StatusCode.ABORTED, "ETAG_STALE")

    paused = schedules.PauseSchedule(pb.PauseScheduleRequest(name=made.name))
    assert paused.state == pb.SCHEDULE_STATE_PAUSED
    assert not paused.HasField("next_run_time")
    again = refusal(lambda: schedules.PauseSchedule(pb.PauseScheduleRequest(name=made.name)))
    assert (again.code, again.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "SCHEDULE_STATE")
    assert again.metadata["state"] == again.metadata["wanted"] == "PAUSED"
    resumed = schedules.ResumeSchedule(pb.ResumeScheduleRequest(name=made.name))
    assert resumed.next_run_time == changed.next_run_time

    schedules.DeleteSchedule(pb.DeleteScheduleRequest(name=made.name, etag=resumed.etag))
    gone = refusal(lambda: schedules.GetSchedule(pb.GetScheduleRequest(name=made.name)))
    assert (gone.code, gone.reason) == (grpc.StatusCode.NOT_FOUND, "SCHEDULE_NOT_FOUND")
    audit = timed.stub(audit_pb2_grpc.AuditServiceStub)
    trail = audit.ListAuditEntries(audit_pb2.ListAuditEntriesRequest(resource=made.name)).audit_entries
    assert [entry.type.partition(".")[2] for entry in trail] == ["deleted", "active", "paused", "changed", "created"]
    assert json_format.MessageToDict(trail[3].changes)["to"]["cron"] == "0 6 * * MON"


@pytest.mark.rule("PLT-26")
def test_run_now_starts_the_same_operation_and_leaves_the_times(schedules: pb_grpc.SchedulesServiceStub) -> None:
    """Also of a paused schedule; the same request id starts it once."""
    made = create(schedules)
    schedules.PauseSchedule(pb.PauseScheduleRequest(name=made.name))
    request = pb.RunScheduleRequest(name=made.name, request_id="now")
    run = schedules.RunSchedule(request)
    assert (run.cause, run.outcome) == (pb.SCHEDULE_RUN_CAUSE_CALL, pb.SCHEDULE_RUN_OUTCOME_STARTED)
    assert run.operation.startswith("operations/")
    assert schedules.RunSchedule(request) == run
    assert runs_of(schedules) == [run]
    assert schedules.GetSchedule(pb.GetScheduleRequest(name=made.name)).state == pb.SCHEDULE_STATE_PAUSED


WRONG: tuple[tuple[dict[str, Any], list[tuple[str, str]]], ...] = (
    ({"cron": "61 2 * * *"}, [("schedule.cron", "CRON_INVALID")]),
    ({"cron": "every night"}, [("schedule.cron", "CRON_INVALID")]),
    ({"cron": ""}, [("schedule", "CRON_REQUIRED")]),
    ({"code": "a b"}, [("schedule.code", "STRING_PATTERN")]),
    ({"timeZone": "Europe/Zurick"}, [("schedule.time_zone", "TIME_ZONE_UNKNOWN")]),
    (
        {"cron": "0 0 30 2 *", "timeZone": "Mars/Olympus"},
        [("schedule.cron", "CRON_INVALID"), ("schedule.time_zone", "TIME_ZONE_UNKNOWN")],
    ),
    ({"request": None}, [("schedule", "REQUEST_REQUIRED")]),
    (
        {"request": {"@type": "type.googleapis.com/countinghouse.operations.v1.GetScheduleRequest", "name": "x"}},
        [("schedule.request", "SCHEDULED_REQUEST_UNKNOWN")],
    ),
    (
        {"relativeDates": {}},
        [("schedule.request.created_date_from", "FIN-IP-ACDE-001")],
    ),
    (
        {"relativeDates": {"created_time_to": "RELATIVE_DATE_TODAY"}},
        [('schedule.relative_dates["created_time_to"]', "RELATIVE_DATE_INVALID")],
    ),
    (
        {"relativeDates": {"created_date_to": "RELATIVE_DATE_UNSPECIFIED"}},
        [('schedule.relative_dates["created_date_to"]', "ENUM_NOT_IN")],
    ),
    (
        {"request": {"@type": TYPE, "createdDateTo": {"year": 2026, "month": 5, "day": 1}}},
        [('schedule.relative_dates["created_date_to"]', "RELATIVE_DATE_INVALID")],
    ),
    (
        {"request": {"@type": TYPE, "groupAccountCode": "NONE"}},
        [("schedule.request.group_account_code", "FIN-IP-ACDE-004")],
    ),
    (
        {"request": {"@type": TYPE, "dataFileSetCode": "a b"}},
        [("schedule.request.data_file_set_code", "STRING_PATTERN")],
    ),
    (
        {"request": {"@type": TYPE, "requestId": "r1", "validateOnly": True}},
        [
            ("schedule.request.request_id", "FIELD_OF_ONE_CALL"),
            ("schedule.request.validate_only", "FIELD_OF_ONE_CALL"),
        ],
    ),
)
"""What is wrong with a schedule, and the violations that tell of it."""


@pytest.mark.rule("PLT-07", "PLT-09")
def test_what_cannot_work_is_refused_when_it_is_made(schedules: pb_grpc.SchedulesServiceStub) -> None:
    """A schedule that could never run tells so to who makes it, field by field, and is not there."""
    for wrong, violations in WRONG:
        request = pb.CreateScheduleRequest(schedule=schedule(**wrong))
        refused = refusal(partial(schedules.CreateSchedule, request, timeout=20))
        assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
        assert refused.violations == violations
    assert not schedules.ListSchedules(pb.ListSchedulesRequest()).schedules


def test_a_code_is_taken_once_and_a_rehearsal_takes_none(schedules: pb_grpc.SchedulesServiceStub) -> None:
    """validate_only answers as the call would, and stores nothing."""
    request = pb.CreateScheduleRequest(schedule=schedule(), validate_only=True)
    assert schedules.CreateSchedule(request).name == "schedules/nightly"
    create(schedules)
    taken = refusal(lambda: create(schedules))
    assert (taken.code, taken.reason) == (grpc.StatusCode.ALREADY_EXISTS, "SCHEDULE_EXISTS")


TOKENS = """
[[tokens]]
caller = "root"
token = "root-token-of-this-test"
permissions = ["*"]
[[tokens]]
caller = "planner"
token = "planner-token-of-this-test"
permissions = ["read", "manageschedules"]
[[tokens]]
caller = "bookkeeper"
token = "bookkeeper-token-of-this-test"
permissions = ["read", "manageschedules", "generateaccountingmessage"]
"""


def as_(caller: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {caller}-token-of-this-test"),)


@pytest.mark.rule("PLT-12")
def test_who_may_not_extract_schedules_no_extraction(migrated_url: str, tmp_path: Path) -> None:
    """To make, change or run a schedule takes the permission of what it starts; what it starts runs as who made it."""
    tokens = tmp_path / "tokens.toml"
    tokens.write_text(TOKENS)
    tokens.chmod(0o600)
    with serving(migrated_url, tmp_path, token_file=tokens) as served:
        schedules = served.stub(pb_grpc.SchedulesServiceStub)
        request = pb.CreateScheduleRequest(schedule=schedule())
        denied = refusal(lambda: schedules.CreateSchedule(request, metadata=as_("planner")))
        assert denied.code is grpc.StatusCode.PERMISSION_DENIED
        assert denied.metadata["permission"] == "generateaccountingmessage"
        made = schedules.CreateSchedule(request, metadata=as_("bookkeeper"))
        assert made.caller == "bookkeeper"
        change = pb.UpdateScheduleRequest(schedule=pb.Schedule(name=made.name, description="x", etag=made.etag))
        run = pb.RunScheduleRequest(name=made.name)
        calls: list[Any] = [
            lambda: schedules.UpdateSchedule(change, metadata=as_("planner")),
            lambda: schedules.RunSchedule(run, metadata=as_("planner")),
        ]
        assert {refusal(call).metadata["permission"] for call in calls} == {"generateaccountingmessage"}
        get = pb.GetScheduleRequest(name=made.name)
        assert schedules.GetSchedule(get, metadata=as_("planner")).etag == made.etag
        assert schedules.UpdateSchedule(change, metadata=as_("root")).caller == "root"
        assert schedules.RunSchedule(run, metadata=as_("bookkeeper")).caller == "bookkeeper"


@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.rule("PLT-26", "PLT-22", "PLT-23")
def test_two_servers_of_which_one_is_killed_start_each_run_once(migrated_postgresql_url: str, tmp_path: Path) -> None:
    """Real processes, kill -9 while schedules fire: one operation for each run, and none is lost."""
    settings = {"database_url": migrated_postgresql_url, "listen": "127.0.0.1:0", "log_level": "info"}
    with serve(tmp_path / "one", **settings) as one, serve(tmp_path / "two", **settings) as two:
        one.ready()
        with grpc.insecure_channel(two.ready()) as channel:
            schedules = pb_grpc.SchedulesServiceStub(channel)
            codes = [f"s{number:02d}" for number in range(30)]
            for code in codes:
                create(schedules, code, cron="* * * * *")
            (worker,) = wait_for_child(one)
            database = Database(migrated_postgresql_url)
            database.write(lambda tx: tx.execute(text("UPDATE schedule SET next_us = :soon"), {"soon": _soon_us()}))
            database.dispose()
            killer = threading.Timer(_SOON_S + 0.2, lambda: kill(worker, one.process.pid))
            killer.start()
            wait_for(lambda: all(runs_of(schedules, code) for code in codes), timeout_s=90, what="every schedule")
            killer.join(10)
            found = [run for code in codes for run in runs_of(schedules, code)]
            assert all(run.outcome == pb.SCHEDULE_RUN_OUTCOME_STARTED for run in found)
            assert len({run.operation for run in found}) == len(found)
            operations = operations_pb2_grpc.OperationsStub(channel)
            listed = operations.ListOperations(operations_pb2.ListOperationsRequest(name="operations", page_size=1_000))
            assert {operation.name for operation in listed.operations} == {run.operation for run in found}
            for code in codes:
                times = [run.scheduled_time.ToMicroseconds() for run in runs_of(schedules, code)]
                assert len(set(times)) == len(times)


_SOON_S = 3.0


def _soon_us() -> int:
    return now_us() + round(_SOON_S * 1_000_000)


def wait_for_child(server: Serving) -> list[int]:
    wait_for(lambda: server.children("work"), what="the worker process")
    return server.children("work")


def kill(*processes: int) -> None:
    for pid in processes:
        os.kill(pid, signal.SIGKILL)
