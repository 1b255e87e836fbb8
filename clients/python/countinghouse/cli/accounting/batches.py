"""`countinghouse accounting batches`: what goes to receivers in files, and what they say of it."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from countinghouse.cli import choices
from countinghouse.cli.accounting.words import examples, short_operation
from countinghouse.cli.exits import FINDINGS
from countinghouse.cli.following import follow, show_notices, show_operation
from countinghouse.cli.names import full, last
from countinghouse.cli.output import (
    Column,
    Format,
    Limit,
    ListOutput,
    Output,
    amount,
    credits_,
    day,
    debits,
    jsonable,
    moment,
    say,
    show_fields,
    show_list,
    show_one,
    show_table,
    show_value,
    word,
    yes,
)
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from countinghouse.accounting.v1.batches_pb2 import (
        IngestAccountingBatchReturnRequest,
        IngestAccountingBatchReturnResponse,
        WrittenAccountingBatch,
    )
    from countinghouse.client import Operation

app = typer.Typer(help="Batch files: write them, write them again, look after them.", no_args_is_help=True)

_PARTS = 2
_PIECE = 1 << 20  # bytes of a return file in one message
_RETURN_S = 300.0
Client = Annotated[str, typer.Argument(metavar="CLIENT", help="The client's code or full name.")]
Batch = Annotated[str, typer.Argument(metavar="BATCH", help="CLIENT/NUMBER, as tables show it, or its full name.")]
Description = Annotated[str, typer.Option(help="A description of this run.")]
RequestId = Annotated[str, typer.Option(help="Repeating a call with its id changes nothing.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="End once the work is recorded.")]
MaxWait = Annotated[float | None, typer.Option(min=0.1, help="Stop waiting after so many seconds.")]


class State(StrEnum):
    """Where a batch stands."""

    WRITING = "writing"
    WRITTEN = "written"
    TRANSMITTING = "transmitting"
    TRANSMITTED = "transmitted"
    TRANSMISSION_FAILED = "transmission-failed"


class ReturnFormat(StrEnum):
    """How a return file is written."""

    CSV = "csv"
    JSON_LINES = "json-lines"


def _state(one: Any) -> str:  # noqa: ANN401 - the type is imported when it is needed
    from countinghouse.accounting.v1.batches_pb2 import AccountingBatchState

    return word(AccountingBatchState, one.state)


def _record_state(one: Any) -> str:  # noqa: ANN401
    from countinghouse.accounting.v1.batches_pb2 import AccountingRecordState

    return word(AccountingRecordState, one.state)


_LIST_COLUMNS = (
    Column("BATCH", lambda one: f"{short_batch(one.name)}\n{_state(one)}"),
    Column("DATE", lambda one: day(one.accounting_date)),
    Column("RERUN", lambda one: str(one.rerun_number), right=True),
    Column("OPERATIONS", lambda one: f"{one.operation_count:,}", right=True),
    Column("TOTAL", lambda one: debits(one.totals), right=True),
    Column("ACCEPTED", lambda one: f"{one.accepted_count:,}", right=True),
    Column("REJECTED", lambda one: f"{one.rejected_count:,}", right=True),
)
COLUMNS = (
    Column("BATCH", lambda one: short_batch(one.name)),
    Column("STATE", _state),
    Column("ACCOUNTING DATE", lambda one: day(one.accounting_date)),
    Column("RERUN", lambda one: str(one.rerun_number), right=True),
    Column("OPERATIONS", lambda one: f"{one.operation_count:,}", right=True),
    Column("DEBIT", lambda one: debits(one.totals), right=True),
    Column("CREDIT", lambda one: credits_(one.totals), right=True),
    Column("ACCEPTED", lambda one: f"{one.accepted_count:,}", right=True),
    Column("REJECTED", lambda one: f"{one.rejected_count:,}", right=True),
    Column("CREATED", lambda one: moment(one.create_time)),
)
_MORE_COLUMNS = (
    *COLUMNS,
    Column("SET", lambda one: last(one.data_file_set)),
    Column("REGENERATED AFTER DELIVERY", lambda one: yes(one.regenerated_after_delivery)),
    Column("OPERATION", lambda one: last(one.operation)),
    Column("WRITTEN", lambda one: moment(one.write_time)),
    Column("WRITING NOW", lambda one: last(one.writing_operation)),
)
_FILE_COLUMNS = (
    Column("RERUN", lambda one: str(one.rerun_number), right=True),
    Column("FILE", lambda one: _short_file(one.data_file)),
    Column("WRITTEN", lambda one: moment(one.create_time)),
    Column("BY", lambda one: one.caller),
)
_RECORD_COLUMNS = (
    Column("RECORD", lambda one: str(one.record_number), right=True),
    Column("OPERATION", lambda one: short_operation(one.operation)),
    Column("DEBIT", lambda one: one.debit_account),
    Column("CREDIT", lambda one: one.credit_account),
    Column("AMOUNT", lambda one: amount(one.amount), right=True),
    Column("STATE", _record_state),
    Column("REASON", lambda one: one.reason),
    Column("REVERSAL", lambda one: short_operation(one.reversal) if one.reversal else ""),
)


@app.command(epilog=examples("batches generate ACME", "batches generate ACME --business-days-only --no-wait"))
def generate(
    context: typer.Context,
    client: Client,
    description: Description = "",
    set_: Annotated[str, typer.Option("--set", help="Data file set to write to; else the client's.")] = "",
    business_days_only: Annotated[
        bool, typer.Option("--business-days-only", help="Write nothing on the client's days off.")
    ] = False,
    no_wait: NoWait = False,
    max_wait: MaxWait = None,
    request_id: RequestId = "",
    output: Output = Format.TABLE,
) -> None:
    """Write everything that waits for a file, now; it is executed, and sent where its set goes."""
    from countinghouse.accounting.v1 import batches_pb2 as pb

    request = pb.GenerateAccountingFilesRequest(
        client=full("clients", client),
        description=description,
        data_file_set_code=set_,
        business_days_only=business_days_only,
        request_id=request_id,
    )
    with session(context) as connected:
        _follow(connected.accounting.generate_files(request), output, waits=not no_wait, max_wait=max_wait)


@app.command(epilog=examples("batches regenerate ACME/7"))
def regenerate(
    context: typer.Context,
    batch: Batch,
    description: Description = "",
    no_wait: NoWait = False,
    max_wait: MaxWait = None,
    request_id: RequestId = "",
    output: Output = Format.TABLE,
) -> None:
    """Write a batch again: the same records under the next rerun number, sent again."""
    from countinghouse.accounting.v1 import batches_pb2 as pb

    request = pb.RegenerateAccountingBatchRequest(
        name=batch_name(batch), description=description, request_id=request_id
    )
    with session(context) as connected:
        _follow(connected.accounting.regenerate_batch(request), output, waits=not no_wait, max_wait=max_wait)


@app.command("list", epilog=examples("batches list ACME", "batches list ACME --state transmission-failed"))
def list_(
    context: typer.Context,
    client: Client,
    state: Annotated[State | None, typer.Option(help="Only batches in this state.")] = None,
    limit: Limit = 50,
    output: ListOutput = Format.TABLE,
) -> None:
    """List the batches of a client, newest first."""
    from countinghouse.accounting.v1 import batches_pb2 as pb

    request = pb.ListAccountingBatchesRequest(
        parent=full("clients", client), state=choices.number(pb.AccountingBatchState, state)
    )
    with session(context) as connected:
        show_list(connected.accounting.list_batches(request, limit=limit or None), _LIST_COLUMNS, output)


@app.command(epilog=examples("batches show ACME/7"))
def show(context: typer.Context, batch: Batch, output: Output = Format.TABLE) -> None:
    """Show a batch."""
    from countinghouse.accounting.v1 import batches_pb2 as pb

    with session(context) as connected:
        found = connected.accounting.get_batch(pb.GetAccountingBatchRequest(name=batch_name(batch)))
        show_one(found, _MORE_COLUMNS, output)


@app.command(epilog=examples("batches files ACME/7"))
def files(context: typer.Context, batch: Batch, limit: Limit = 50, output: ListOutput = Format.TABLE) -> None:
    """List the files that a batch was written to, newest first; `countinghouse files get` downloads one."""
    from countinghouse.accounting.v1 import batches_pb2 as pb

    request = pb.ListAccountingBatchFilesRequest(parent=batch_name(batch))
    with session(context) as connected:
        show_list(connected.accounting.list_batch_files(request, limit=limit or None), _FILE_COLUMNS, output)


@app.command(epilog=examples("batches records ACME/7"))
def records(context: typer.Context, batch: Batch, limit: Limit = 50, output: ListOutput = Format.TABLE) -> None:
    """List the operations of a batch, with what the receiver said of each."""
    from countinghouse.accounting.v1 import batches_pb2 as pb

    request = pb.ListAccountingBatchRecordsRequest(parent=batch_name(batch))
    with session(context) as connected:
        show_list(connected.accounting.list_batch_records(request, limit=limit or None), _RECORD_COLUMNS, output)


@app.command(
    "return", epilog=examples("batches return ACME returned.csv", "batches return ACME r.jsonl --format json-lines")
)
def return_(
    context: typer.Context,
    client: Client,
    path: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="The return file.")],
    file_format: Annotated[ReturnFormat, typer.Option("--format", help="How it is written.")] = ReturnFormat.CSV,
    output: Output = Format.TABLE,
) -> None:
    """Take in a return file; exit code 9 when rows of it were refused."""
    from countinghouse.accounting.v1 import batches_pb2 as pb

    first = pb.IngestAccountingBatchReturnRequest(
        parent=full("clients", client), format=choices.number(pb.ReturnFileFormat, file_format)
    )
    with session(context) as connected:
        answer = connected.accounting.ingest_return(
            _pieces(first, path), timeout_s=_RETURN_S, started=lambda _call: None
        )
    if output is Format.TABLE:
        _show_return(answer)
    else:
        show_value(jsonable(answer), output)
    if answer.refused_count:
        say("Rows were refused; the others are taken.")
        raise typer.Exit(FINDINGS)


def batch_name(batch: str) -> str:
    """`ACME/7` or `clients/ACME/accountingBatches/7` as the latter.

    Raises:
        typer.BadParameter: It names no client.
    """
    parts = batch.split("/")
    if len(parts) == _PARTS:
        return f"clients/{parts[0]}/accountingBatches/{parts[1]}"
    if len(parts) != 2 * _PARTS:
        raise typer.BadParameter(f"write it as CLIENT/NUMBER, such as ACME/{batch or 7}", param_hint="BATCH")
    return batch


def short_batch(name: str) -> str:
    """`clients/ACME/accountingBatches/7` as `ACME/7`."""
    parts = name.split("/")
    return f"{parts[1]}/{parts[3]}"


def _short_file(name: str) -> str:
    parts = name.split("/")
    return f"{parts[1]}/{parts[3]}"


def _pieces(first: "IngestAccountingBatchReturnRequest", path: Path) -> "Iterator[IngestAccountingBatchReturnRequest]":
    yield first
    with path.open("rb") as file:
        while content := file.read(_PIECE):
            yield type(first)(content=content)


def _follow(run: "Operation[Any, Any]", output: Format, *, waits: bool, max_wait: float | None) -> None:
    """Follow a run to its end, and show what it has written."""
    assert run.started is not None, "the call has answered"
    snapshot = run.started
    if not snapshot.done and waits:
        say(f"Operation {last(run.name)}")
        snapshot = follow(run, quiet=False, lines=False, timeout_s=max_wait)
    if output is Format.TABLE and snapshot.response is not None:
        _show_written(snapshot.response)
    else:
        show_operation(snapshot, output)
    if snapshot.error is not None:
        raise snapshot.error
    if not snapshot.done:
        say(f"Watch it: countinghouse ops watch {last(run.name)}")


def _show_written(response: Any) -> None:  # noqa: ANN401 - of either kind of run
    from countinghouse.accounting.v1.batches_pb2 import GenerateAccountingFilesResponse

    several = isinstance(response, GenerateAccountingFilesResponse)
    written: Iterable[WrittenAccountingBatch] = response.accounting_batches if several else [response.accounting_batch]
    columns = (
        Column("BATCH", lambda one: short_batch(one.accounting_batch)),
        Column("RERUN", lambda one: str(one.rerun_number), right=True),
        Column("ACCOUNTING DATE", lambda one: day(one.accounting_date)),
        Column("OPERATIONS", lambda one: f"{one.operation_count:,}", right=True),
        Column("DEBIT", lambda one: debits(one.totals), right=True),
        Column("CREDIT", lambda one: credits_(one.totals), right=True),
        Column("FILE", lambda one: _short_file(one.data_file)),
    )
    rows = [[column.text(one) for column in columns] for one in written]
    if rows:
        show_table(columns, rows)
    show_notices(response.notices)


def _show_return(answer: "IngestAccountingBatchReturnResponse") -> None:
    show_fields(
        [
            ("rows", f"{answer.received_count:,}"),
            ("accepted", f"{answer.accepted_count:,}"),
            ("rejected", f"{answer.rejected_count:,}"),
            ("said before", f"{answer.unchanged_count:,}"),
            ("refused", f"{answer.refused_count:,}"),
        ]
    )
    if answer.refused_returns:
        columns = (
            Column("LINE", lambda one: str(one.line), right=True),
            Column("COLUMN", lambda one: one.field),
            Column("REASON", lambda one: one.reason),
            Column("DESCRIPTION", lambda one: one.description, prose=True),
        )
        print()
        show_table(columns, [[column.text(one) for column in columns] for one in answer.refused_returns])
