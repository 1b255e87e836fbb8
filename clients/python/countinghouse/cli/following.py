"""Follows an operation to its end and shows what came of it."""

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from countinghouse.cli.exits import INTERRUPTED
from countinghouse.cli.names import last
from countinghouse.cli.output import (
    Column,
    Format,
    credits_,
    debits,
    jsonable,
    moment,
    say,
    show_fields,
    show_table,
    show_text,
    show_value,
    word,
)
from countinghouse.cli.progress import Display

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from countinghouse.client import Operation, Snapshot
    from countinghouse.gl_extraction.v1.extraction_pb2 import GenerateAccountingMessageResponse
    from countinghouse.operations.v1.notice_pb2 import Notice
    from countinghouse.operations.v1.operations_pb2 import OperationProgress, StageProgress


def follow(run: "Operation[Any, Any]", *, quiet: bool, lines: bool, timeout_s: float | None) -> "Snapshot[Any, Any]":
    """The operation at its end; progress goes to standard error, and with `lines` each event as JSON to the output.

    Raises:
        typer.Exit: Interrupted; the operation goes on.
        CountinghouseError: It was not done in time, or the connection did not come back.
    """
    snapshot: Snapshot[Any, Any] | None = None
    with watching(run.name) as display:
        for snapshot in run.watch(timeout_s=timeout_s, on_retry=display.retry):
            if lines:
                event = {"sequence": snapshot.sequence, "operation": jsonable(snapshot.message)}
                print(json.dumps(event, ensure_ascii=False), flush=True)
            elif not quiet:
                show_progress(display, snapshot.name, snapshot.progress)
                _show_figures(display, snapshot.metadata)
    assert snapshot is not None, "a watch has at least one event"
    return snapshot


@contextmanager
def watching(name: str, again: str = "ops watch") -> "Iterator[Display]":
    """Shows how an operation goes; `again` is the command that does so.

    Raises:
        typer.Exit: Interrupted; the operation goes on.
        CountinghouseError: It was not done in time, or the connection did not come back.
    """
    from countinghouse.client.errors import DeadlineExceeded, Unavailable

    try:
        with Display() as display:
            yield display
    except KeyboardInterrupt:
        _goes_on(name, again)
        raise typer.Exit(INTERRUPTED) from None
    except (DeadlineExceeded, Unavailable):
        _goes_on(name, again)
        raise


def show_progress(display: Display, name: str, progress: "OperationProgress") -> None:
    """Show the stages, and that nothing happens until somebody has it go on."""
    from countinghouse.operations.v1.operations_pb2 import OPERATION_STATE_PAUSED

    display.show(progress)
    if progress.state == OPERATION_STATE_PAUSED:
        display.note(f"Paused. Go on with it: countinghouse ops resume {last(name)}")


def _show_figures(display: Display, metadata: object) -> None:
    """What a billing run has come to, beside how far it is."""
    from countinghouse.billing.v1.billing_runs_pb2 import RunBillingMetadata

    if isinstance(metadata, RunBillingMetadata):
        from countinghouse.cli.billing.runs import show_figures

        show_figures(display, metadata)


def _goes_on(name: str, again: str) -> None:
    say("The operation goes on, whoever watches. Watch it again:")
    say(f"  countinghouse {again} {last(name)}")


def show_operation(snapshot: "Snapshot[Any, Any]", output: Format) -> None:
    """Print an operation: where it stands, and its result when it has one."""
    if output is not Format.TABLE:
        show_value(jsonable(snapshot.message), output)
        return
    from countinghouse.billing.v1 import billing_runs_pb2
    from countinghouse.gl_extraction.v1 import extraction_pb2
    from countinghouse.operations.v1 import operations_pb2

    progress = snapshot.progress
    show_fields(
        [
            ("operation", last(snapshot.name)),
            ("state", word(operations_pb2.OperationState, progress.state)),
            ("method", last(progress.method)),
            ("description", progress.description),
            ("caller", progress.caller),
            ("created", moment(progress.create_time)),
            ("ended", moment(progress.end_time)),
            ("recoveries", str(progress.recoveries or "")),
            *((f"stage {stage.stage}", _stage(stage)) for stage in progress.stages),
        ]
    )
    if isinstance(snapshot.response, extraction_pb2.GenerateAccountingMessageResponse):
        show_extraction(snapshot.response)
    elif isinstance(snapshot.response, billing_runs_pb2.RunBillingResponse):
        from countinghouse.cli.billing.runs import show_result

        show_result(snapshot.response, snapshot.name)
    else:
        show_notices(progress.notices)


def show_extraction(response: "GenerateAccountingMessageResponse") -> None:
    """Print what an extraction sent, or would send."""
    show_fields(
        [
            ("batch", last(response.extraction_batch)),
            ("set", last(response.data_file_set)),
            ("details", f"{response.detail_count:,}"),
            ("elements", f"{response.element_count:,}"),
            ("messages", f"{response.message_count:,}"),
            ("first message", str(response.first_message_id or "")),
        ]
    )
    if response.totals:
        print()
        show_table(
            (Column("DEBIT", str, right=True), Column("CREDIT", str, right=True)),
            [[debits([total]), credits_([total])] for total in response.totals],
        )
    if response.data_files:
        from countinghouse.cli.files import FILE_COLUMNS

        print()
        show_table(FILE_COLUMNS, [[column.text(one) for column in FILE_COLUMNS] for one in response.data_files])
    show_notices(response.notices)


def show_notices(notices: "Iterable[Notice]") -> None:
    """Print warnings and informative messages."""
    from countinghouse.operations.v1 import notice_pb2

    for notice in notices:
        about = f" ({notice.element})" if notice.element not in notice.message else ""
        show_text(f"{word(notice_pb2.Severity, notice.severity)} {notice.code}: {notice.message}{about}")


def _stage(stage: "StageProgress") -> str:
    total = f"/{stage.items_total:,}" if stage.items_total else ""
    return f"{stage.items_done:,}{total} {stage.unit}{', done' if stage.done else ''}"
