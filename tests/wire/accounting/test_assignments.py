"""Assignments over the wire: listed, completed, re-routed, late, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest

from countinghouse.accounting.v1 import assignments_pb2 as pb
from countinghouse.accounting.v1 import tasks_pb2, vocabulary_pb2
from countinghouse.operations.v1 import audit_pb2, audit_pb2_grpc
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.execution import passing
from domain.kernel.call import Call
from server.database.transaction import Database
from tests.support.server import Served, refusal, serving
from tests.wire.accounting.behind import Behind
from tests.wire.accounting.conftest import NOW_US
from tests.wire.accounting.desk import EXECUTED, PENDING, Desk
from tests.wire.accounting.queues import assignment_of, claim, complete, listed, queue, record, reroute, retry, state_of
from tests.wire.accounting.samples import Accounting, create_client, create_rule, open_shop, update_client
from tests.wire.gl_extraction.samples import Gl

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
TOMORROW = {"days": 1, "kind": "DELAY_KIND_CALENDAR_DAYS", "claim_date": "filed"}
CUT_OFF = {"cut_off": {"hours": 17}, "format": "BATCH_FILE_FORMAT_CSV"}
SERVICE, BATCH, MANUAL = vocabulary_pb2.CHANNEL_SERVICE, vocabulary_pb2.CHANNEL_BATCH, vocabulary_pb2.CHANNEL_MANUAL


def pass_time(database: Database, now_us: int) -> tuple[int, int]:
    """What a worker does at an instant: how many begun, how many escalated."""
    call = Call("countinghouse", "test/Pass", "", now_us)
    begun = database.write(lambda tx: passing.begin_scheduled(tx, call, Configurations(), most=100))
    return begun, database.write(lambda tx: passing.escalate(tx, call, most=100))


@pytest.mark.rule("ACC-10", "ACC-12", "ACC-30")
def test_an_assignment_shows_who_carries_it_out_and_by_when(desk: Desk) -> None:
    """Its channel is that of the default table; at or after the cut-off a batch gets the next business day."""
    for client, channel, day in (("SERVICE", SERVICE, 28), ("BATCH", BATCH, 29), ("MANUAL", MANUAL, 28)):
        made = desk.one(desk.claim(client), "CREDIT")
        shown = assignment_of(desk, made)
        assert (shown.operation, shown.client, shown.workflow_point) == (made.name, f"clients/{client}", "CREDIT")
        assert (shown.channel, state_of(shown), shown.attempt_count) == (channel, "PENDING", 0)
        assert (shown.accounting_date.month, shown.accounting_date.day) == (5, day)
        assert shown.accounting_date == made.accounting_date
    missing = refusal(
        lambda: desk.call(
            "GetAssignment", pb.GetAssignmentRequest(name=f"{desk.claim('MANUAL')}/assignments/{'0' * 26}")
        )
    )
    assert (missing.code, missing.reason) == (grpc.StatusCode.NOT_FOUND, "ASSIGNMENT_NOT_FOUND")


@pytest.mark.rule("ACC-12", "PLT-08")
def test_assignments_are_listed_by_claim_and_workflow_point(desk: Desk) -> None:
    """A page ends within a point, and the next goes on there; filters leave out the rest."""
    first, second = desk.claim("MANUAL", claim_id="a"), desk.claim("SERVICE", claim_id="b")
    for holder in (second, first):
        for point in ("FEE", "CREDIT", "FEE"):
            desk.one(holder, point)
    found = listed(desk, first).assignments
    assert [each.workflow_point for each in found] == ["CREDIT", "FEE", "FEE"]
    assert found[1].name < found[2].name
    every: list[pb.Assignment] = []
    token = ""
    for size in (2, 2, 2):
        page = listed(desk, page_size=size, page_token=token)
        every += page.assignments
        token = page.next_page_token
    assert token == ""
    assert [(each.name.split("/")[1], each.workflow_point) for each in every] == [
        (holder, point) for holder in ("a", "b") for point in ("CREDIT", "FEE", "FEE")
    ]
    assert {each.client for each in listed(desk, client="clients/SERVICE").assignments} == {"clients/SERVICE"}
    assert len(listed(desk, channel=MANUAL).assignments) == len(listed(desk, workflow_point="CREDIT").assignments) + 1
    assert len(listed(desk, state=pb.ASSIGNMENT_STATE_PENDING).assignments) == 6
    complete(desk, found[0].name)
    assert [each.name for each in listed(desk, state=pb.ASSIGNMENT_STATE_COMPLETED).assignments] == [found[0].name]
    assert len(listed(desk, second, state=pb.ASSIGNMENT_STATE_PENDING, workflow_point="FEE").assignments) == 2
    assert refusal(lambda: listed(desk, "claims/nobody")).code is grpc.StatusCode.NOT_FOUND


@pytest.mark.rule("ACC-12", "ACC-40")
def test_goal_and_deadline_count_on_business_days_and_what_is_late_is_escalated_once(
    desk: Desk, accounting: Accounting, database: Database
) -> None:
    """Thursday 20:26 and two business days are Monday 20:26; then its task is in the exception queue."""
    levels = [
        {"channel": "CHANNEL_MANUAL", "goal": f"{24 * 3600}s", "deadline": f"{48 * 3600}s"},
        {"channel": "CHANNEL_BATCH", "deadline": "3600s"},
    ]
    update_client(accounting, "MANUAL", service_levels=levels)
    update_client(accounting, "BATCH", service_levels=levels)
    by_hand = desk.one(desk.claim("MANUAL"), "CREDIT")
    shown = assignment_of(desk, by_hand)
    begun = datetime.fromtimestamp(NOW_US / 1_000_000, UTC)
    assert shown.ready_time.ToDatetime(UTC) == begun
    assert shown.goal_time.ToDatetime(UTC) == begun + timedelta(days=1)
    assert shown.due_time.ToDatetime(UTC) == begun + timedelta(days=4)
    filed = desk.one(desk.claim("BATCH"), "CREDIT")
    assert pass_time(database, NOW_US + HOUR_US - 1) == (0, 0)
    assert listed(desk, overdue=True).assignments == []
    assert pass_time(database, NOW_US + HOUR_US) == (0, 1)
    (late,) = queue(desk, queue="EXCEPTION")
    assert (late.kind, late.subject) == (tasks_pb2.TASK_KIND_OVERDUE, filed.assignment)
    assert late.HasField("escalate_time")
    assert pass_time(database, NOW_US + 4 * DAY_US) == (0, 1)
    assert pass_time(database, NOW_US + 4 * DAY_US) == (0, 0)
    (task,) = queue(desk, "clients/MANUAL")
    assert (task.queue, task.kind) == ("EXCEPTION", tasks_pb2.TASK_KIND_MANUAL_EXECUTION)
    assert assignment_of(desk, by_hand).HasField("escalate_time")
    assert state_of(complete(desk, by_hand.assignment)) == "COMPLETED"
    assert [each.name for each in queue(desk)] == [late.name]
    counted = database.read(lambda tx: passing.census(tx, NOW_US + 4 * DAY_US))
    assert (counted.overdue, counted.tasks["EXCEPTION"], counted.tasks["MANUAL_EXECUTION"]) == (1, 1, 0)


@pytest.mark.rule("ACC-12")
def test_overdue_ones_are_listed_whether_they_were_escalated_or_not(
    database: Database, migrated_url: str, tmp_path: Path, systems_of_record_file: Path
) -> None:
    """Assignments and tasks, by the clock of the call; what has ended is never late."""
    clock = [NOW_US]
    chosen = {"jobs": False, "systems_of_record_file": systems_of_record_file, "systems_of_record_loopback": True}
    with serving(migrated_url, tmp_path, carries_out=(), clock_us=lambda: clock[0], **chosen) as server:
        accounting = server.stub(Accounting)
        open_shop(accounting, server.stub(Gl))
        update_client(accounting, "MANUAL", service_levels=[{"channel": "CHANNEL_MANUAL", "deadline": "3600s"}])
        desk = Desk(accounting)
        first, second = (desk.one(desk.claim("MANUAL"), "CREDIT") for _ in range(2))
        clock[0] += HOUR_US - 1
        assert list(listed(desk, overdue=True).assignments) == queue(desk, overdue=True) == []
        clock[0] += 1
        late = sorted((first.assignment, second.assignment))
        for _ in range(2):
            assert [each.name for each in listed(desk, overdue=True).assignments] == late
            assert sorted(each.subject for each in queue(desk, overdue=True)) == late
            pass_time(database, clock[0])
        complete(desk, first.assignment)
        assert [each.name for each in listed(desk, overdue=True).assignments] == [second.assignment]


@pytest.mark.rule("ACC-13")
def test_a_delayed_operation_is_scheduled_until_its_day_and_its_sla_runs_from_then(
    desk: Desk, accounting: Accounting, database: Database
) -> None:
    """In no queue, counted as pending; on its day it is begun, and no earlier."""
    create_rule(
        accounting,
        "LATER",
        workflow_point="LATER",
        delay={"days": 2, "kind": "DELAY_KIND_BUSINESS_DAYS", "claim_date": "filed"},
    )
    update_client(accounting, "MANUAL", service_levels=[{"channel": "CHANNEL_MANUAL", "deadline": "3600s"}])
    holder = desk.claim("MANUAL", dates={"filed": {"year": 2026, "month": 5, "day": 28}})
    made = desk.one(holder, "LATER", "5.00 USD")
    monday_us = round(datetime(2026, 6, 1, tzinfo=UTC).timestamp()) * 1_000_000
    shown = assignment_of(desk, made)
    assert (state_of(shown), shown.schedule_time.ToMicroseconds()) == ("SCHEDULED", monday_us)
    assert (shown.ready_time.ToMicroseconds(), shown.due_time.ToMicroseconds()) == (monday_us, monday_us + HOUR_US)
    assert (made.state, shown.accounting_date.day, queue(desk)) == (PENDING, 1, [])
    assert Behind(database, NOW_US).balances(holder)["ACCOUNT_HOLDER", "USD"] == (0, 500)
    early = refusal(lambda: complete(desk, made.assignment))
    assert (early.reason, early.metadata["state"]) == ("ASSIGNMENT_STATE", "SCHEDULED")
    assert pass_time(database, monday_us - 1) == (0, 0)
    assert pass_time(database, monday_us) == (1, 0)
    assert (state_of(assignment_of(desk, made)), len(queue(desk))) == ("PENDING", 1)
    assert pass_time(database, monday_us) == (0, 0)


@pytest.mark.rule("ACC-10", "ACC-13")
def test_what_comes_due_without_its_channel_waits_for_a_person(
    desk: Desk, accounting: Accounting, database: Database
) -> None:
    """The client has no service any more: it fails with a task, and a person re-routes it."""
    create_rule(
        accounting,
        "LATER",
        workflow_point="LATER",
        delay={"days": 1, "kind": "DELAY_KIND_CALENDAR_DAYS", "claim_date": "filed"},
    )
    holder = desk.claim("SERVICE", dates={"filed": {"year": 2026, "month": 5, "day": 28}})
    made = desk.one(holder, "LATER", "5.00 USD")
    update_client(accounting, "SERVICE", "service")
    assert pass_time(database, NOW_US + DAY_US) == (1, 0)
    shown = assignment_of(desk, made)
    assert (state_of(shown), shown.reason) == ("FAILED", "CHANNEL_NOT_CONFIGURED")
    (task,) = queue(desk)
    assert task.kind == tasks_pb2.TASK_KIND_SERVICE_FAILED
    assert refusal(lambda: retry(desk, made.assignment)).reason == "CHANNEL_NOT_CONFIGURED"
    moved = reroute(desk, made.assignment)
    assert (state_of(moved), moved.channel, moved.reason) == ("PENDING", MANUAL, "")
    assert [each.kind for each in queue(desk)] == [tasks_pb2.TASK_KIND_MANUAL_EXECUTION]


@pytest.mark.rule("ACC-10")
def test_a_change_of_configuration_moves_nothing_a_re_route_does(desk: Desk, accounting: Accounting) -> None:
    """As the pre-conditions say now, or to a channel by name; its accounting date is never earlier."""
    made = desk.one(desk.claim("MANUAL"), "CREDIT")
    update_client(accounting, "MANUAL", batch=CUT_OFF)
    assert assignment_of(desk, made).channel == MANUAL
    moved = reroute(desk, made.assignment)
    assert (moved.channel, state_of(moved), moved.accounting_date.day) == (BATCH, "PENDING", 29)
    assert queue(desk) == []
    back = reroute(desk, made.assignment, channel=MANUAL)
    assert (back.channel, back.accounting_date.day) == (MANUAL, 29)
    assert desk.get(made.name).accounting_date.day == 29
    assert len(queue(desk)) == 1
    refused = refusal(lambda: reroute(desk, made.assignment, channel=SERVICE))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CHANNEL_NOT_CONFIGURED")
    assert len(queue(desk)) == 1
    complete(desk, made.assignment)
    assert refusal(lambda: reroute(desk, made.assignment)).metadata["state"] == "COMPLETED"


@pytest.mark.rule("ACC-10", "ACC-20")
def test_what_went_by_service_and_by_hand_goes_by_service_again_with_one_key(desk: Desk, behind: Behind) -> None:
    """A re-route takes it back before it was sent; the way back sends it, once."""
    made = desk.one(desk.claim("SERVICE"), "CREDIT")
    assert (reroute(desk, made.assignment, channel=MANUAL).channel, len(queue(desk))) == (MANUAL, 1)
    assert behind.deliveries(made) == ["WITHDRAWN"]
    assert (reroute(desk, made.assignment, channel=SERVICE).channel, queue(desk)) == (SERVICE, [])
    assert behind.deliveries(made) == ["PENDING"]


@pytest.mark.rule("ACC-22", "ACC-40")
def test_what_is_for_service_or_batch_is_not_done_by_hand(desk: Desk) -> None:
    for client in ("SERVICE", "BATCH"):
        made = desk.one(desk.claim(client), "CREDIT")
        refused = refusal(lambda made=made: complete(desk, made.assignment))  # type: ignore[misc]
        assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ASSIGNMENT_NOT_BY_HAND")
        assert refusal(lambda made=made: retry(desk, made.assignment)).reason == "ASSIGNMENT_NOT_RETRIED"  # type: ignore[misc]
        assert refusal(lambda made=made: record(desk, made.assignment)).reason == "OUTCOME_KNOWN"  # type: ignore[misc]


@pytest.mark.rule("ACC-04", "ACC-40")
def test_the_day_of_completion_lies_between_performing_and_today(desk: Desk, accounting: Accounting) -> None:
    """On the client's calendar: where it is Friday already, today is Friday."""
    create_client(accounting, "EAST", time_zone="Asia/Tokyo")
    made = desk.one(desk.claim("EAST"), "CREDIT")
    for day in ("2026-05-30", "2026-05-28"):
        refused = refusal(lambda day=day: complete(desk, made.assignment, day=day))  # type: ignore[misc]
        assert refused.violations == [("completion_date", "DATE_NOT_POSSIBLE")]
    assert refusal(lambda: complete(desk, made.assignment, day="2026-02-30")).reason == "DATE_INVALID"
    assert refusal(lambda: complete(desk, made.assignment, "")).code is grpc.StatusCode.INVALID_ARGUMENT
    complete(desk, made.assignment, day="2026-05-29")
    assert desk.get(made.name).execute_time.ToMicroseconds() == NOW_US


@pytest.mark.rule("PLT-05", "PLT-06")
def test_a_rehearsal_stores_nothing_and_a_repeated_call_does_nothing_anew(desk: Desk) -> None:
    made = desk.one(desk.claim("MANUAL"), "CREDIT")
    assert state_of(complete(desk, made.assignment, validate_only=True)) == "COMPLETED"
    assert state_of(assignment_of(desk, made)) == "PENDING"
    done = complete(desk, made.assignment, request_id="done-1")
    assert complete(desk, made.assignment, request_id="done-1") == done
    assert desk.get(made.name).state == EXECUTED


@pytest.mark.rule("ACC-40", "PLT-11")
def test_the_audit_trail_tells_what_people_did(shop: Served, desk: Desk) -> None:
    made = desk.one(desk.claim("MANUAL"), "CREDIT")
    (task,) = queue(desk)
    claim(desk, task)
    complete(desk, made.assignment, "teller-7")
    audit = shop.stub(audit_pb2_grpc.AuditServiceStub)
    told = audit.ListAuditEntries(audit_pb2.ListAuditEntriesRequest(resource=made.assignment)).audit_entries
    assert [entry.type for entry in told] == ["assignment.completed"]
    told = audit.ListAuditEntries(audit_pb2.ListAuditEntriesRequest(resource=task.name)).audit_entries
    assert [entry.type for entry in told] == ["task.claimed"]
