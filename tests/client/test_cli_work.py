"""`countinghouse accounting assignments` and `tasks`: what people type becomes requests, and what they see."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

from countinghouse.accounting.v1 import assignments_pb2, tasks_pb2, vocabulary_pb2
from tests.client.command import run
from tests.client.server import refuse, serve
from tests.client.test_cli_accounting import ID, OPERATION, Recorder

ASSIGNMENT = assignments_pb2.Assignment(
    name=f"claims/C-1/assignments/{ID}",
    operation=f"claims/C-1/operations/{ID}",
    client="clients/ACME",
    workflow_point="CREDIT",
    channel=vocabulary_pb2.CHANNEL_SERVICE,
    state=assignments_pb2.ASSIGNMENT_STATE_IN_DOUBT,
    attempt_count=4,
    unanswered=True,
    reason="SERVICE_NO_ANSWER",
    message="no answer in time",
    escalate_time=Timestamp(seconds=1_780_000_000),
)
TASK = tasks_pb2.Task(
    name=f"clients/ACME/tasks/{ID}",
    kind=tasks_pb2.TASK_KIND_IN_DOUBT,
    queue="EXCEPTION",
    state=tasks_pb2.TASK_STATE_CLAIMED,
    subject=ASSIGNMENT.name,
    operation=OPERATION,
    assignee="ben",
)


def test_assignments_are_listed_with_filters_and_shown_with_their_last_error() -> None:
    listed = Recorder(assignments_pb2.ListAssignmentsResponse(assignments=[ASSIGNMENT]))
    asked = Recorder(ASSIGNMENT)
    with serve(ListAssignments=listed, GetAssignment=asked) as address:
        table = run(
            address,
            *("accounting", "assignments", "list", "--client", "ACME", "--channel", "service"),
            *("--state", "in-doubt", "--point", "CREDIT", "--overdue"),
        )
        run(address, "accounting", "assignments", "list", "--claim", "C-1")
        one = run(address, "accounting", "assignments", "show", f"C-1/{ID}")
    assert (table.exit_code, one.exit_code) == (0, 0)
    every, of_claim = listed.seen
    assert (every.parent, every.client, every.channel) == (
        "claims/-",
        "clients/ACME",
        vocabulary_pb2.CHANNEL_SERVICE,
    )
    assert (every.state, every.workflow_point, every.overdue) == (
        assignments_pb2.ASSIGNMENT_STATE_IN_DOUBT,
        "CREDIT",
        True,
    )
    assert (of_claim.parent, of_claim.overdue) == ("claims/C-1", False)
    for told in (f"C-1/{ID}", "in doubt, late", "SERVICE_NO_ANSWER"):
        assert told in table.stdout
    assert asked.seen[0].name == ASSIGNMENT.name
    assert "no answer in time" in one.stdout


@pytest.mark.parametrize(
    "name", [f"C-1/{ID}", f"claims/C-1/assignments/{ID}", f"claims/C-1/operations/{ID}"], ids=["short", "full", "its"]
)
def test_an_assignment_is_named_as_tables_show_it_or_in_full(name: str) -> None:
    asked = Recorder(ASSIGNMENT)
    with serve(GetAssignment=asked) as address:
        assert run(address, "accounting", "assignments", "show", name).exit_code == 0
    assert asked.seen[0].name == ASSIGNMENT.name


def test_people_complete_retry_re_route_and_record() -> None:
    seen: dict[str, Any] = {
        method: Recorder(ASSIGNMENT)
        for method in ("CompleteAssignment", "RetryAssignment", "RerouteAssignment", "RecordAssignmentOutcome")
    }
    start, name = ("accounting", "assignments"), f"C-1/{ID}"
    with serve(**seen) as address:
        lines = (
            ("complete", name, "--reference", "teller-7", "--on", "2026-11-20", "--request-id", "r-1"),
            ("retry", name),
            ("reroute", name),
            ("reroute", name, "--to", "manual"),
            ("record", name, "--posted", "REF-9", "--on", "2026-11-19"),
            ("record", name, "--not-posted"),
        )
        assert [run(address, *start, *line).exit_code for line in lines] == [0] * len(lines)
        wrong = (
            ("complete", name),
            ("record", name),
            ("record", name, "--posted", "REF-9", "--not-posted"),
            ("record", name, "--not-posted", "--on", "2026-11-19"),
            ("retry", ID),
        )
        assert [run(address, *start, *line).exit_code for line in wrong] == [2] * len(wrong)
    (done,) = seen["CompleteAssignment"].seen
    assert (done.name, done.external_reference, done.request_id) == (ASSIGNMENT.name, "teller-7", "r-1")
    assert done.completion_date == Date(year=2026, month=11, day=20)
    assert [each.channel for each in seen["RerouteAssignment"].seen] == [0, vocabulary_pb2.CHANNEL_MANUAL]
    posted, unposted = seen["RecordAssignmentOutcome"].seen
    assert (posted.outcome, posted.external_reference) == (assignments_pb2.ASSIGNMENT_OUTCOME_POSTED, "REF-9")
    assert posted.posting_date == Date(year=2026, month=11, day=19)
    assert (unposted.outcome, unposted.HasField("posting_date")) == (
        assignments_pb2.ASSIGNMENT_OUTCOME_NOT_POSTED,
        False,
    )
    assert len(seen["RetryAssignment"].seen) == 1


def test_tasks_are_listed_shown_claimed_released_and_closed() -> None:
    listed = Recorder(tasks_pb2.ListTasksResponse(tasks=[TASK]))
    seen: dict[str, Any] = {method: Recorder(TASK) for method in ("GetTask", "ClaimTask", "ReleaseTask", "CloseTask")}
    start, name = ("accounting", "tasks"), f"ACME/{ID}"
    with serve(ListTasks=listed, **seen) as address:
        table = run(
            address, *start, "list", "--queue", "EXCEPTION", "--kind", "in-doubt", "--state", "claimed", "--overdue"
        )
        run(address, *start, "list", "--client", "ACME", "--assignee", "ben")
        one = run(address, *start, "show", name)
        lines = (("claim", name), ("release", TASK.name), ("close", name, "--note", "seen to"))
        assert [run(address, *start, *line).exit_code for line in lines] == [0, 0, 0]
        assert [run(address, *start, *line).exit_code for line in (("close", name), ("claim", ID))] == [2, 2]
    every, of_client = listed.seen
    assert (every.parent, every.queue, every.overdue) == ("clients/-", "EXCEPTION", True)
    assert (every.kind, every.state) == (tasks_pb2.TASK_KIND_IN_DOUBT, tasks_pb2.TASK_STATE_CLAIMED)
    assert (of_client.parent, of_client.assignee, of_client.kind) == ("clients/ACME", "ben", 0)
    for told in (f"ACME/{ID}", "in doubt", "EXCEPTION", "1,234.50 USD", "ben"):
        assert told in table.stdout
    for told in ("Dr SUSPENSE 1990", "Cr ACCOUNT_HOLDER 4711"):
        assert told in one.stdout
    for method, recorder in seen.items():
        assert recorder.seen[0].name == TASK.name, method
    assert seen["CloseTask"].seen[0].note == "seen to"


def test_a_refusal_is_told_in_words() -> None:
    def claim(_: object, context: grpc.ServicerContext) -> None:
        refuse(context, grpc.StatusCode.FAILED_PRECONDITION, "Another person has it in hand.")

    with serve(ClaimTask=claim) as address:
        result = run(address, "accounting", "tasks", "claim", f"ACME/{ID}")
    assert result.exit_code != 0
    assert "Another person has it in hand" in result.stderr
