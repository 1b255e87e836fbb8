"""Batch files by a real client: written, downloaded, sent, written again, returned; and refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration

from countinghouse.accounting.v1 import assignments_pb2, tasks_pb2
from countinghouse.accounting.v1 import batches_pb2 as pb
from countinghouse.operations.v1 import data_files_pb2 as files_pb
from countinghouse.operations.v1 import data_files_pb2_grpc as files_grpc
from countinghouse.operations.v1 import schedules_pb2, schedules_pb2_grpc
from domain.accounting.batches.layouts.model import Header, Record
from domain.accounting.batches.layouts.reading import read
from domain.accounting.configuration.model import FileFormat
from server.database.transaction import Database
from tests.client.command import run
from tests.support.server import Served, refusal, serving
from tests.support.waiting import wait_for
from tests.wire.accounting.conftest import NOW_US
from tests.wire.accounting.desk import EXECUTED, Desk
from tests.wire.accounting.samples import CALLER, Accounting, create_rule, open_shop, update_client
from tests.wire.gl_extraction.samples import Gl

QUICK: dict[str, Any] = {"delivery_pause_s": 0.05, "delivery_pause_max_s": 0.2}
TYPE = "type.googleapis.com/countinghouse.accounting.v1.GenerateAccountingFilesRequest"
CLIENT = "clients/BATCH"
DAY_US = 86_400_000_000


class Clerk(Desk):
    """One who looks after batch files."""

    def __init__(self, served: Served) -> None:
        super().__init__(served.stub(Accounting))
        self.accounting = served.stub(Accounting)
        self.operations = served.stub(operations_pb2_grpc.OperationsStub)
        self.files = served.stub(files_grpc.DataFilesServiceStub)
        self.target = served.target

    def pay(self, *amounts: str) -> list[str]:
        """Operations of a new claim that wait for a file, of a caller's amounts; gives their names."""
        claim = self.claim("BATCH", *(["500.00 USD"] * len(amounts)))
        return [each.name for each in self.execute(claim, "PAY", *amounts).operations]

    def wait(self, operation: operations_pb2.Operation) -> operations_pb2.Operation:
        request = operations_pb2.WaitOperationRequest(name=operation.name, timeout=Duration(seconds=30))
        done: operations_pb2.Operation = self.operations.WaitOperation(request, timeout=40)
        assert done.done
        assert done.WhichOneof("result") == "response", done.error
        return done

    def generate(self, **asked: Any) -> pb.GenerateAccountingFilesResponse:
        """Write what waits, to a good end."""
        done = self.wait(
            self.call("GenerateAccountingFiles", pb.GenerateAccountingFilesRequest(client=CLIENT, **asked))
        )
        response = pb.GenerateAccountingFilesResponse()
        assert done.response.Unpack(response)
        return response

    def regenerate(self, name: str) -> pb.RegenerateAccountingBatchResponse:
        """Write a batch again, to a good end."""
        done = self.wait(self.call("RegenerateAccountingBatch", pb.RegenerateAccountingBatchRequest(name=name)))
        response = pb.RegenerateAccountingBatchResponse()
        assert done.response.Unpack(response)
        return response

    def batch(self, number: int) -> pb.AccountingBatch:
        name = f"{CLIENT}/accountingBatches/{number}"
        found: pb.AccountingBatch = self.call("GetAccountingBatch", pb.GetAccountingBatchRequest(name=name))
        return found

    def state(self, number: int) -> str:
        return pb.AccountingBatchState.Name(self.batch(number).state).removeprefix("ACCOUNTING_BATCH_STATE_")

    def download(self, data_file: str) -> bytes:
        request = files_pb.DownloadDataFileRequest(name=data_file)
        return b"".join(piece.content for piece in self.files.DownloadDataFile(request, timeout=20))

    def records(self, data_file: str) -> tuple[Header, list[Record]]:
        """The header and the records of a file, once it was found to be whole."""
        header, *rest = read(FileFormat.CSV, [self.download(data_file)])
        assert isinstance(header, Header)
        return header, [each for each in rest if isinstance(each, Record)]

    def tasks(self) -> list[tasks_pb2.Task]:
        """The tasks that are not closed."""
        return list(self.call("ListTasks", tasks_pb2.ListTasksRequest(parent=CLIENT)).tasks)

    def send_return(self, content: bytes) -> pb.IngestAccountingBatchReturnResponse:
        """Send a return file, cut in odd pieces."""
        pieces = [content[at : at + 37] for at in range(0, len(content), 37)]
        first = pb.IngestAccountingBatchReturnRequest(parent=CLIENT, format=pb.RETURN_FILE_FORMAT_CSV)
        requests = [first, *(pb.IngestAccountingBatchReturnRequest(content=piece) for piece in pieces)]
        answer: pb.IngestAccountingBatchReturnResponse = self.accounting.IngestAccountingBatchReturn(iter(requests))
        return answer


@contextmanager
def filing(url: str, tmp_path: Path, systems: Path, **chosen: Any) -> Iterator[Served]:
    """A server with its worker and an open shop."""
    chosen = {"systems_of_record_file": systems, "systems_of_record_loopback": True, **QUICK, **chosen}
    with serving(url, tmp_path, **{"clock_us": lambda: NOW_US, **chosen}) as served:
        open_shop(served.stub(Accounting), served.stub(Gl))
        create_rule(served.stub(Accounting), "PAY", workflow_point="PAY", entry_amount=CALLER)
        yield served


@pytest.fixture
def clerk(database: Database, migrated_url: str, tmp_path: Path, systems_of_record_file: Path) -> Iterator[Clerk]:
    """A clerk at a server whose files go nowhere by themselves."""
    with filing(migrated_url, tmp_path, systems_of_record_file) as served:
        yield Clerk(served)


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    folder = tmp_path / "outbox"
    folder.mkdir()
    return folder


@pytest.fixture
def sender(
    database: Database, migrated_url: str, tmp_path: Path, outbox: Path, systems_of_record_file: Path
) -> Iterator[Clerk]:
    """A clerk at a server that sends batch files to the outbox."""
    path = tmp_path / "destinations.toml"
    path.write_text(f'[[destinations]]\nname = "receiver"\nurl = "file://{outbox}"\nsets = ["accounting-*"]\n')
    with filing(migrated_url, tmp_path, systems_of_record_file, transmission_file=path) as served:
        yield Clerk(served)


@pytest.mark.rule("ACC-31", "ACC-32", "ACC-33", "ACC-04", "PLT-20", "PLT-31")
def test_from_operations_to_a_file(clerk: Clerk) -> None:
    """What waits is written and executed; the file is downloaded by the name that is told, and is whole."""
    names = clerk.pay("100.00 USD", "70.00 USD")
    response = clerk.generate(description="evening")
    (written,) = response.accounting_batches
    assert (written.accounting_batch, written.rerun_number, written.operation_count) == (
        f"{CLIENT}/accountingBatches/1",
        0,
        2,
    )
    header, records = clerk.records(written.data_file)
    assert (header.batch_no, header.client, header.record_count) == (1, "BATCH", 4)
    assert {f"claims/{each.claim}/operations/{each.operation_id}" for each in records} == set(names)
    for name in names:
        operation = clerk.get(name)
        assert (operation.state, operation.executor) == (EXECUTED, written.accounting_batch)
        assert operation.HasField("execute_time")
    batch = clerk.batch(1)
    assert clerk.state(1) == "WRITTEN"
    assert batch.totals == written.totals
    assert [(total.debit.units, total.credit.units) for total in batch.totals] == [(170, 170)]
    told = clerk.files.GetDataFile(files_pb.GetDataFileRequest(name=written.data_file))
    content = clerk.download(written.data_file)
    assert (told.sha256, told.record_count) == (hashlib.sha256(content).hexdigest(), 4)
    again = clerk.generate()
    assert list(again.accounting_batches) == []
    assert [notice.code for notice in again.notices] == ["ACCOUNTING_BATCH_NOTHING_PENDING"]


@pytest.mark.rule("ACC-31", "ACC-22", "ACC-33")
def test_what_does_not_fit_waits_for_a_person_and_the_rest_goes_out(clerk: Clerk) -> None:
    """Written with a backslash the note is too wide; it goes out once the client takes CSV and it is tried again."""
    formats = [{"cut_off": {"hours": 17}, "format": f"BATCH_FILE_FORMAT_{name}"} for name in ("FIXED_WIDTH", "CSV")]
    update_client(clerk.accounting, "BATCH", batch=formats[0])
    (fits,) = clerk.pay("12.50 USD")
    claim = clerk.claim("BATCH", "500.00 USD")
    note = "n" * 511 + "\\"
    (long,) = clerk.free(claim, "SUSPENSE", "ACCOUNT_HOLDER", "70.00 USD", request={"note": note}, tracking_only=False)
    answer = clerk.generate()
    (written,) = answer.accounting_batches
    assert {notice.code for notice in answer.notices} >= {"ACCOUNTING_BATCH_SET_APART"}
    assert (written.operation_count, [total.debit.units for total in written.totals]) == (1, [12])
    _, *lines = read(FileFormat.FIXED_WIDTH, [clerk.download(written.data_file)])
    assert {each.operation_id for each in lines if isinstance(each, Record)} == {fits.rpartition("/")[2]}
    (task,) = clerk.tasks()
    assert (task.kind, task.reason) == (tasks_pb2.TASK_KIND_SERVICE_FAILED, "ACCOUNTING_BATCH_VALUE_TOO_WIDE")
    assert "description has more than the 512 characters" in task.message
    update_client(clerk.accounting, "BATCH", batch=formats[1])
    clerk.call("RetryAssignment", assignments_pb2.RetryAssignmentRequest(name=task.subject))
    (following,) = clerk.generate().accounting_batches
    assert following.accounting_batch == f"{CLIENT}/accountingBatches/2"
    assert clerk.records(following.data_file)[1][0].description == note
    assert (clerk.get(long.name).state, clerk.tasks()) == (EXECUTED, [])


@pytest.mark.rule("ACC-33", "ACC-34", "ACC-35", "PLT-32")
def test_batch_seven_fails_on_its_way_and_is_written_again(sender: Clerk, outbox: Path) -> None:
    """Three operations, 197.34; a new 9.99 arrives; written again: the same three; 9.99 is in batch 8."""
    for number in range(1, 7):
        sender.pay("1.00 USD")
        sender.generate()
        wait_for(lambda number=number: sender.state(number) == "TRANSMITTED", 30, "an early batch")  # type: ignore[misc]
    taken = outbox / "accounting-BATCH-batch-7-rerun-0.csv"
    taken.write_bytes(b"of somebody else")
    sender.pay("100.00 USD", "70.00 USD", "27.34 USD")
    (written,) = sender.generate().accounting_batches
    wait_for(lambda: sender.state(7) == "TRANSMISSION_FAILED", 30, "the failure")
    assert taken.read_bytes() == b"of somebody else"
    (task,) = sender.tasks()
    assert (task.kind, task.reason) == (tasks_pb2.TASK_KIND_TRANSMISSION_FAILED, "TRANSMISSION_NAME_TAKEN")
    (late,) = sender.pay("9.99 USD")

    again = sender.regenerate(written.accounting_batch).accounting_batch
    assert (again.rerun_number, again.operation_count, again.totals) == (1, 3, written.totals)
    header, records = sender.records(again.data_file)
    assert (header.batch_no, header.rerun_no) == (7, 1)
    assert records == sender.records(written.data_file)[1]
    assert sum(each.amount_minor for each in records) == 2 * 19_734
    wait_for(lambda: sender.state(7) == "TRANSMITTED", 30, "the arrival")
    assert sender.tasks() == []
    assert (outbox / "accounting-BATCH-batch-7-rerun-1.csv").read_bytes() == sender.download(again.data_file)
    assert not sender.batch(7).regenerated_after_delivery

    (following,) = sender.generate().accounting_batches
    assert following.accounting_batch == f"{CLIENT}/accountingBatches/8"
    assert {each.operation_id for each in sender.records(following.data_file)[1]} == {late.rpartition("/")[2]}
    assert sender.regenerate(written.accounting_batch).accounting_batch.rerun_number == 2
    assert sender.batch(7).regenerated_after_delivery
    request = pb.ListAccountingBatchFilesRequest(parent=written.accounting_batch)
    history = sender.call("ListAccountingBatchFiles", request).accounting_batch_files
    assert [each.rerun_number for each in history] == [2, 1, 0]
    assert history[2].data_file == written.data_file


@pytest.mark.rule("ACC-35", "ACC-34", "PLT-32")
def test_a_person_sends_the_file_once_more(sender: Clerk, outbox: Path) -> None:
    """Once the way is free the same file arrives, and the task closes by itself."""
    taken = outbox / "accounting-BATCH-batch-1-rerun-0.csv"
    taken.write_bytes(b"of somebody else")
    sender.pay("1.00 USD")
    (written,) = sender.generate().accounting_batches
    wait_for(lambda: sender.state(1) == "TRANSMISSION_FAILED", 30, "the failure")
    assert len(sender.tasks()) == 1
    taken.unlink()
    sender.files.TransmitDataFiles(files_pb.TransmitDataFilesRequest(name=sender.batch(1).data_file_set))
    wait_for(lambda: sender.state(1) == "TRANSMITTED", 30, "the arrival")
    assert sender.tasks() == []
    again = sender.regenerate(written.accounting_batch).accounting_batch
    assert sender.batch(1).regenerated_after_delivery
    wait_for(lambda: sender.state(1) == "TRANSMITTED", 30, "the second arrival")
    assert taken.read_bytes() == sender.download(written.data_file)
    assert (outbox / again.data_file.rpartition("/")[2]).read_bytes() == sender.download(again.data_file)


@pytest.mark.rule("ACC-37")
def test_a_return_file_is_taken_row_by_row(clerk: Clerk) -> None:
    """Accepted ones are counted, rejected ones reversed with a task; wrong rows are told by their line."""
    first, second, third = clerk.pay("100.00 USD", "70.00 USD", "27.34 USD")
    (written,) = clerk.generate().accounting_batches
    ids = [name.rpartition("/")[2] for name in (first, second, third)]
    lines = [
        "batchNumber,operation,decision,reason,externalReference",
        f"1,{ids[0]},ACCEPTED,,X-1",
        f"1,{ids[1]},REJECTED,R01,",
        f"1,{ids[1]},ACCEPTED,,",
        "1,nobody,ACCEPTED,,",
        f"9,{ids[2]},ACCEPTED,,",
        f"1,{ids[2]},MAYBE,,",
    ]
    answer = clerk.send_return("\n".join(lines).encode())
    assert (answer.received_count, answer.accepted_count, answer.rejected_count, answer.refused_count) == (6, 1, 1, 4)
    assert [(each.line, each.field, each.reason) for each in answer.refused_returns] == [
        (4, "", "ACCOUNTING_RETURN_CONTRADICTS"),
        (5, "operation", "ACCOUNTING_RECORD_NOT_IN_BATCH"),
        (6, "batchNumber", "ACCOUNTING_BATCH_NOT_FOUND"),
        (7, "decision", "RETURN_DECISION_UNKNOWN"),
    ]
    again = clerk.send_return("\n".join(lines).encode())
    assert (again.accepted_count, again.rejected_count, again.unchanged_count) == (0, 0, 2)
    records = clerk.call(
        "ListAccountingBatchRecords", pb.ListAccountingBatchRecordsRequest(parent=written.accounting_batch)
    ).accounting_batch_records
    assert [each.record_number for each in records] == [1, 3, 5]
    states = {each.operation: each.state for each in records}
    assert states[first] == pb.ACCOUNTING_RECORD_STATE_ACCEPTED
    assert states[third] == pb.ACCOUNTING_RECORD_STATE_SENT
    (rejected,) = (each for each in records if each.state == pb.ACCOUNTING_RECORD_STATE_REJECTED)
    assert (rejected.operation, rejected.reason) == (second, "R01")
    reversal = clerk.get(rejected.reversal)
    assert (reversal.state, reversal.tracking_only, reversal.reverses) == (EXECUTED, True, second)
    assert clerk.get(second).reversed_by == rejected.reversal
    (task,) = clerk.tasks()
    assert (task.kind, task.reason) == (tasks_pb2.TASK_KIND_RECORD_REJECTED, "R01")
    regenerated = clerk.regenerate(written.accounting_batch).accounting_batch
    assert clerk.records(regenerated.data_file)[1] == clerk.records(written.data_file)[1]


@pytest.mark.rule("ACC-37", "PLT-07")
def test_a_row_whose_record_number_is_of_another_operation_is_refused(clerk: Clerk) -> None:
    """Alone, with field and reason; either number of an operation's own records is taken, and none is, too."""
    clerk.pay("1.00 USD", "2.00 USD", "3.00 USD")
    clerk.pay("4.00 USD", "5.00 USD")
    (written,) = clerk.generate().accounting_batches
    ids = [each.operation_id for each in clerk.records(written.data_file)[1][::2]]
    lines = [
        "batchNumber,operation,recordNumber,decision",
        f"1,{ids[1]},3,ACCEPTED",
        f"1,{ids[1]},4,ACCEPTED",
        f"1,{ids[3]},8,ACCEPTED",
        f"1,{ids[4]},0,ACCEPTED",
        f"1,{ids[0]},3,ACCEPTED",
        f"1,{ids[2]},999,ACCEPTED",
        "1,nobody,1,ACCEPTED",
    ]
    answer = clerk.send_return("\n".join(lines).encode())
    assert (answer.accepted_count, answer.unchanged_count, answer.refused_count) == (3, 1, 3)
    assert [(each.line, each.field, each.reason) for each in answer.refused_returns] == [
        (6, "recordNumber", "ACCOUNTING_RECORD_OF_ANOTHER_OPERATION"),
        (7, "recordNumber", "ACCOUNTING_RECORD_OF_ANOTHER_OPERATION"),
        (8, "operation", "ACCOUNTING_RECORD_NOT_IN_BATCH"),
    ]
    assert "the records of this one are 5 and 6" in answer.refused_returns[1].description
    assert clerk.batch(1).accepted_count == 3


@pytest.mark.rule("ACC-37", "PLT-07", "PLT-10")
def test_records_are_accepted_and_rejected_by_call(clerk: Clerk) -> None:
    """All or none; the contrary is refused, and what is of another batch."""
    first, second = clerk.pay("100.00 USD", "70.00 USD")
    (written,) = clerk.generate().accounting_batches
    (other,) = clerk.pay("1.00 USD")
    accept, reject = pb.AcceptAccountingBatchRecordsRequest, pb.RejectAccountingBatchRecordsRequest
    wrong = accept(
        name=written.accounting_batch, records=[accept.Record(operation=first), accept.Record(operation=other)]
    )
    refused = refusal(lambda: clerk.call("AcceptAccountingBatchRecords", wrong))
    assert refused.violations == [("records[1].operation", "ACCOUNTING_RECORD_NOT_IN_BATCH")]
    del wrong.records[1]
    assert clerk.call("AcceptAccountingBatchRecords", wrong).accounting_batch.accepted_count == 1
    asked = reject(
        name=written.accounting_batch, records=[reject.Record(operation=second, reason="R01", text="closed")]
    )
    answer = clerk.call("RejectAccountingBatchRecords", asked)
    assert (answer.rejected_count, len(answer.reversals), answer.accounting_batch.rejected_count) == (1, 1, 1)
    contrary = accept(name=written.accounting_batch, records=[accept.Record(operation=second)])
    refused = refusal(lambda: clerk.call("AcceptAccountingBatchRecords", contrary))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ACCOUNTING_RETURN_CONTRADICTS")
    unknown = accept(name=f"{CLIENT}/accountingBatches/99", records=[accept.Record(operation=first)])
    refused = refusal(lambda: clerk.call("AcceptAccountingBatchRecords", unknown))
    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "ACCOUNTING_BATCH_NOT_FOUND")
    headless = [pb.IngestAccountingBatchReturnRequest(content=b"x")]
    refused = refusal(lambda: clerk.accounting.IngestAccountingBatchReturn(iter(headless)))
    assert refused.violations == [("parent", "FIELD_REQUIRED"), ("format", "FIELD_REQUIRED")]


@pytest.mark.rule("ACC-36")
def test_clients_without_batches_and_unknown_batches(clerk: Clerk) -> None:
    """FAILED_PRECONDITION for both calls; NOT_FOUND."""
    for method, request in (
        ("GenerateAccountingFiles", pb.GenerateAccountingFilesRequest(client="clients/MANUAL")),
        (
            "RegenerateAccountingBatch",
            pb.RegenerateAccountingBatchRequest(name="clients/MANUAL/accountingBatches/1"),
        ),
    ):
        refused = refusal(lambda method=method, request=request: clerk.call(method, request))  # type: ignore[misc]
        assert (refused.code, refused.reason) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "ACCOUNTING_BATCH_NOT_CONFIGURED",
        )
    refused = refusal(lambda: clerk.regenerate(f"{CLIENT}/accountingBatches/7"))
    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "ACCOUNTING_BATCH_NOT_FOUND")
    refused = refusal(lambda: clerk.batch(7))
    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "ACCOUNTING_BATCH_NOT_FOUND")


@pytest.mark.rule("PLT-08", "PLT-06")
def test_batches_and_records_are_listed_by_page(clerk: Clerk) -> None:
    """Newest first; records in the order of the file; the same request id starts one run."""
    for _ in range(3):
        clerk.pay("1.00 USD", "2.00 USD")
        clerk.generate()
    request = pb.ListAccountingBatchesRequest(parent=CLIENT, page_size=2)
    first = clerk.call("ListAccountingBatches", request)
    request.page_token = first.next_page_token
    second = clerk.call("ListAccountingBatches", request)
    listed = [*first.accounting_batches, *second.accounting_batches]
    assert [each.name.rpartition("/")[2] for each in listed] == ["3", "2", "1"]
    transmitted = pb.ListAccountingBatchesRequest(parent=CLIENT, state=pb.ACCOUNTING_BATCH_STATE_TRANSMITTED)
    assert list(clerk.call("ListAccountingBatches", transmitted).accounting_batches) == []
    records = pb.ListAccountingBatchRecordsRequest(parent=listed[0].name, page_size=1)
    page = clerk.call("ListAccountingBatchRecords", records)
    records.page_token = page.next_page_token
    following = clerk.call("ListAccountingBatchRecords", records)
    assert [each.record_number for each in [*page.accounting_batch_records, *following.accounting_batch_records]] == [
        1,
        3,
    ]
    asked = pb.GenerateAccountingFilesRequest(client=CLIENT, request_id="once")
    runs = [clerk.call("GenerateAccountingFiles", asked) for _ in range(2)]
    assert runs[0].name == runs[1].name


class Clock:
    """A clock that stands still until it is put."""

    def __init__(self) -> None:
        self.now_us = NOW_US

    def __call__(self) -> int:
        return self.now_us


@pytest.mark.rule("ACC-30", "ACC-33", "PLT-26")
def test_files_are_written_at_configured_times_on_business_days(
    database: Database, migrated_url: str, tmp_path: Path, systems_of_record_file: Path
) -> None:
    """Every evening in the client's time zone; on Saturday the run says that it is no business day."""
    clock, zone = Clock(), "America/New_York"
    with filing(migrated_url, tmp_path, systems_of_record_file, clock_us=clock) as served:
        clerk, schedules = Clerk(served), served.stub(schedules_pb2_grpc.SchedulesServiceStub)
        update_client(clerk.accounting, "BATCH", time_zone=zone)
        document = {
            "code": "files",
            "cron": "0 22 * * *",
            "request": {"@type": TYPE, "client": CLIENT, "businessDaysOnly": True},
        }
        schedule = json_format.ParseDict(document, schedules_pb2.Schedule())
        made = schedules.CreateSchedule(schedules_pb2.CreateScheduleRequest(schedule=schedule))
        assert json_format.MessageToDict(made.request)["client"] == CLIENT
        assert (made.time_zone, made.next_run_time.ToJsonString()) == (zone, "2026-05-29T02:00:00Z")
        clerk.pay("1.00 USD")

        def runs() -> list[schedules_pb2.ScheduleRun]:
            request = schedules_pb2.ListScheduleRunsRequest(parent="schedules/files")
            return list(schedules.ListScheduleRuns(request).schedule_runs)

        clock.now_us = made.next_run_time.ToMicroseconds()  # Thursday evening
        wait_for(runs, what="the run of Thursday")
        done = clerk.wait(operations_pb2.Operation(name=runs()[0].operation))
        response = pb.GenerateAccountingFilesResponse()
        assert done.response.Unpack(response)
        assert len(response.accounting_batches) == 1
        clerk.pay("2.00 USD")
        clock.now_us += 2 * DAY_US
        wait_for(lambda: len(runs()) == 2, what="the run of Saturday")
        done = clerk.wait(operations_pb2.Operation(name=runs()[0].operation))
        assert done.response.Unpack(response)
        assert [notice.code for notice in response.notices] == ["ACCOUNTING_BATCH_DAY_OFF"]
        assert clerk.generate().accounting_batches[0].accounting_date.day == 29


@pytest.mark.rule("ACC-33", "ACC-34", "ACC-37")
def test_the_command_line_looks_after_batches(clerk: Clerk, tmp_path: Path) -> None:
    """Generated and regenerated with progress, listed, shown, and returns taken in."""
    target = clerk.target
    (name,) = clerk.pay("12.50 USD")
    made = run(target, "accounting", "batches", "generate", "BATCH")
    assert made.exit_code == 0, made.output
    assert "BATCH/1" in made.stdout
    assert "12.50 USD" in made.stdout
    nothing = run(target, "accounting", "batches", "generate", "clients/BATCH")
    assert "ACCOUNTING_BATCH_NOTHING_PENDING" in nothing.stdout
    again = run(target, "accounting", "batches", "regenerate", "BATCH/1", "-o", "json")
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["response"]["accountingBatch"]["rerunNumber"] == "1"
    for command in ("show", "files", "records"):
        shown = run(target, "accounting", "batches", command, "BATCH/1")
        assert shown.exit_code == 0, shown.output
    listed = run(target, "accounting", "batches", "list", "BATCH", "--state", "written", "-o", "json")
    assert json.loads(listed.stdout)[0]["name"] == f"{CLIENT}/accountingBatches/1"
    path = tmp_path / "returned.csv"
    path.write_text(f"batchNumber,operation,decision\n1,{name.rpartition('/')[2]},ACCEPTED\n1,nobody,ACCEPTED\n")
    taken = run(target, "accounting", "batches", "return", "BATCH", str(path))
    assert taken.exit_code == 9, taken.output
    assert "ACCOUNTING_RECORD_NOT_IN_BATCH" in taken.stdout
    assert clerk.batch(1).accepted_count == 1
    request = json.dumps({"@type": TYPE, "client": CLIENT, "businessDaysOnly": True})
    planned = run(target, "schedules", "create", "files", "--cron", "0 18 * * *", "--request", request)
    assert planned.exit_code == 0, planned.output
    wrong = run(target, "accounting", "batches", "show", "1")
    assert wrong.exit_code == 2
