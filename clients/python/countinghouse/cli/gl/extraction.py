"""`countinghouse gl extract`, `batches`, `batch` and `reconcile`."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from countinghouse.cli import choices
from countinghouse.cli.choices import BatchState, FileFormat, Origin, day_option
from countinghouse.cli.exits import FINDINGS
from countinghouse.cli.following import follow, show_extraction, show_operation
from countinghouse.cli.names import full, last
from countinghouse.cli.output import (
    Column,
    Format,
    Limit,
    ListOutput,
    Output,
    credits_,
    debits,
    jsonable,
    moment,
    say,
    show_list,
    show_one,
    show_table,
    show_value,
    word,
)
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from countinghouse.gl_extraction.v1.extraction_pb2 import ExtractionBatch, ReconcileExtractionBatchResponse

Batch = Annotated[str, typer.Argument(metavar="BATCH", help="The GL extraction batch id.")]


def _state(one: "ExtractionBatch") -> str:
    from countinghouse.gl_extraction.v1.extraction_pb2 import ExtractionBatchState

    return word(ExtractionBatchState, one.state)


COLUMNS = (
    Column("BATCH", lambda one: last(one.name)),
    Column("STATE", _state),
    Column("CREATED", lambda one: moment(one.create_time)),
    Column("DETAILS", lambda one: f"{one.detail_count:,}", right=True),
    Column("ELEMENTS", lambda one: f"{one.element_count:,}", right=True),
    Column("DEBIT", lambda one: debits(one.totals), right=True),
    Column("CREDIT", lambda one: credits_(one.totals), right=True),
    Column("SET", lambda one: last(one.data_file_set)),
    Column("RESEND OF", lambda one: last(one.resend_of)),
    Column("DESCRIPTION", lambda one: one.description, prose=True),
)
MORE_COLUMNS = (
    *COLUMNS,
    Column("MESSAGES", lambda one: f"{one.message_count:,}"),
    Column("FIRST MESSAGE", lambda one: str(one.first_message_id or "")),
    Column("COMPLETED", lambda one: moment(one.complete_time)),
    Column("OPERATION", lambda one: last(one.operation)),
    Column("CALLER", lambda one: one.caller),
)


def extract(
    context: typer.Context,
    created_from: Annotated[datetime | None, day_option("--from", text="Created from this day on.")] = None,
    time_from: Annotated[
        datetime | None,
        typer.Option("--from-time", formats=["%H:%M"], metavar="HH:MM", help="With --from; else 00:00."),
    ] = None,
    created_to: Annotated[datetime | None, day_option("--to", text="Created up to this day, inclusive.")] = None,
    time_to: Annotated[
        datetime | None,
        typer.Option("--to-time", formats=["%H:%M"], metavar="HH:MM", help="With --to; else 23:59."),
    ] = None,
    origin: Annotated[Origin | None, typer.Option(help="Only this origin.")] = None,
    grouping: Annotated[str, typer.Option(help="Only details of this transaction set.")] = "",
    group_account: Annotated[str, typer.Option(help="Only details of this group account.")] = "",
    incremental: Annotated[
        bool | None, typer.Option(help="Leave out what was extracted before (the default), or take it again.")
    ] = None,
    batch: Annotated[str, typer.Option(help="Resend this batch; excludes all other criteria.")] = "",
    set_: Annotated[str, typer.Option("--set", help="Data file set to write to; made up when not given.")] = "",
    file_format: Annotated[
        FileFormat | None, typer.Option("--format", help="How the files are written; JSON when not given.")
    ] = None,
    description: Annotated[str, typer.Option(help="A description of this run.")] = "",
    validate_only: Annotated[
        bool, typer.Option("--dry-run", "--validate-only", help="Show what would be sent; write nothing.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show progress to the end, then the result.")] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the end without a word, then show the result.")
    ] = False,
    max_wait: Annotated[float | None, typer.Option(min=0.1, help="Stop waiting after so many seconds.")] = None,
    request_id: Annotated[str, typer.Option(help="Repeating a call with its id changes nothing.")] = "",
    output: Output = Format.TABLE,
) -> None:
    """Extract accounting details to the general ledger: messages in a data file set.

    At least one criterion is needed. Without --watch or --wait the command ends once the work is recorded.
    """
    from countinghouse.gl_extraction.v1 import accounting_details_pb2, extraction_pb2

    request = extraction_pb2.GenerateAccountingMessageRequest(
        description=description,
        created_date_from=choices.day(created_from),
        created_time_from=choices.time_of_day(time_from),
        created_date_to=choices.day(created_to),
        created_time_to=choices.time_of_day(time_to),
        origin=choices.number(accounting_details_pb2.Origin, origin),
        grouping=grouping,
        group_account_code=group_account,
        incremental=incremental,
        gl_extraction_batch_id=batch,
        data_file_set_code=set_,
        file_format=choices.number(extraction_pb2.GLFileFormat, file_format),
        validate_only=validate_only,
        request_id=request_id,
    )
    with session(context) as client:
        run = client.gl.generate_accounting_message(request)
        assert run.started is not None, "the call has answered"
        snapshot = run.started
        if not snapshot.done and (watch or wait):
            say(f"Operation {last(run.name)}")
            snapshot = follow(run, quiet=wait and not watch, lines=False, timeout_s=max_wait)
        if validate_only and output is Format.TABLE and snapshot.response is not None:
            show_extraction(snapshot.response)
        else:
            show_operation(snapshot, output)
        if snapshot.error is not None:
            raise snapshot.error
        if not snapshot.done:
            say(f"Watch it: countinghouse ops watch {last(run.name)}")


def batches(
    context: typer.Context,
    state: Annotated[BatchState | None, typer.Option(help="Only batches in this state.")] = None,
    limit: Limit = 50,
    output: ListOutput = Format.TABLE,
) -> None:
    """List extraction batches, newest first."""
    from countinghouse.gl_extraction.v1 import extraction_pb2

    request = extraction_pb2.ListExtractionBatchesRequest(
        state=choices.number(extraction_pb2.ExtractionBatchState, state)
    )
    with session(context) as client:
        show_list(client.gl.list_batches(request, limit=limit or None), COLUMNS, output)


def batch(context: typer.Context, batch: Batch, output: Output = Format.TABLE) -> None:
    """Show an extraction batch."""
    from countinghouse.gl_extraction.v1 import extraction_pb2

    with session(context) as client:
        request = extraction_pb2.GetExtractionBatchRequest(name=full("extractionBatches", batch))
        show_one(client.gl.get_batch(request), MORE_COLUMNS, output)


def reconcile(context: typer.Context, batch: Batch, output: Output = Format.TABLE) -> None:
    """Compare what a batch sent with what those details are now; exit code 9 when the books differ."""
    from countinghouse.gl_extraction.v1 import extraction_pb2

    with session(context) as client:
        request = extraction_pb2.ReconcileExtractionBatchRequest(name=full("extractionBatches", batch))
        answer = client.gl.reconcile_batch(request)
    if output is not Format.TABLE:
        show_value(jsonable(answer), output)
    else:
        _show_reconciliation(answer)
    if not answer.matches:
        say("What was sent is not what stands in the books.")
        raise typer.Exit(FINDINGS)


def _show_reconciliation(answer: "ReconcileExtractionBatchResponse") -> None:
    parts = {
        "sent": answer.sent,
        "found now": answer.found,
        "still current": answer.current,
        "voided since": answer.voided_since,
        "restamped since": answer.restamped_since,
        "invoiced since": answer.invoiced_since,
    }
    columns = (
        Column("", str),
        Column("DETAILS", str, right=True),
        Column("DEBIT", str, right=True),
        Column("CREDIT", str, right=True),
    )
    show_table(
        columns,
        [
            [name, f"{summary.detail_count:,}", debits(summary.totals), credits_(summary.totals)]
            for name, summary in parts.items()
        ],
    )
    print(f"sent and found are {'equal' if answer.matches else 'NOT equal'}")
