"""`countinghouse ops`: long-running operations."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from countinghouse.cli.following import follow, show_operation
from countinghouse.cli.names import full, last
from countinghouse.cli.output import (
    Column,
    Format,
    Limit,
    ListOutput,
    Output,
    moment,
    say,
    show_list,
    show_table,
    word,
)
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from collections.abc import Callable

    from countinghouse.client import Operation, Snapshot

app = typer.Typer(help="Long-running operations: list, watch, pause, cancel, recover.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="OPERATION", help="The operation's id or full name.")]
Timeout = Annotated[float | None, typer.Option("--max-wait", min=0.1, help="Stop waiting after so many seconds.")]


@app.command("list")
def list_(
    context: typer.Context,
    filter_: Annotated[
        str, typer.Option("--filter", help="Such as 'state = RUNNING' or 'done = true' (AIP-160).")
    ] = "",
    limit: Limit = 50,
    output: ListOutput = Format.TABLE,
) -> None:
    """List operations, newest first."""
    from google.longrunning import operations_pb2

    from countinghouse.client.snapshot import snapshot_from_operation
    from countinghouse.operations.v1.operations_pb2 import OperationState

    request = operations_pb2.ListOperationsRequest(name="operations", filter=filter_)
    with session(context) as client:
        found = list(client.operations.list(request, limit=limit or None))
    if output is not Format.TABLE:
        show_list(found, (), output)
        return
    snapshots: list[Snapshot[Any, Any]] = [snapshot_from_operation(one) for one in found]
    headings = ("OPERATION", "STATE", "METHOD", "CREATED", "ENDED", "DESCRIPTION")
    show_table(
        [Column(heading, str, prose=heading == "DESCRIPTION") for heading in headings],
        [
            [
                last(one.name),
                word(OperationState, one.progress.state),
                last(one.progress.method),
                moment(one.progress.create_time),
                moment(one.progress.end_time),
                one.progress.description,
            ]
            for one in snapshots
        ],
    )


@app.command()
def get(context: typer.Context, name: Name, output: Output = Format.TABLE) -> None:
    """Show an operation as it stands."""
    with session(context) as client:
        show_operation(client.operations.handle(full("operations", name)).get(), output)


@app.command()
def watch(context: typer.Context, name: Name, timeout: Timeout = None, output: Output = Format.TABLE) -> None:
    """Show progress until the operation is done, then its result; with `-o json` each event as a line of JSON.

    A lost connection is taken up where it was cut.
    """
    with session(context, patient=True) as client:
        run = client.operations.handle(full("operations", name))
        snapshot = follow(run, quiet=False, lines=output is Format.JSON, timeout_s=timeout)
        if output is not Format.JSON:
            show_operation(snapshot, output)
        if snapshot.error is not None:
            raise snapshot.error


@app.command()
def wait(context: typer.Context, name: Name, timeout: Timeout = None, output: Output = Format.TABLE) -> None:
    """Wait without a word until the operation is done, then show it."""
    with session(context, patient=True) as client:
        run = client.operations.handle(full("operations", name))
        snapshot = follow(run, quiet=True, lines=False, timeout_s=timeout)
        show_operation(snapshot, output)
        if snapshot.error is not None:
            raise snapshot.error


@app.command()
def cancel(context: typer.Context, name: Name) -> None:
    """Ask an operation to stop at its next safe point."""
    with session(context) as client:
        client.operations.handle(full("operations", name)).cancel()
    say(f"Asked to stop. See what was done: countinghouse ops watch {last(name)}")


@app.command()
def pause(context: typer.Context, name: Name) -> None:
    """Do nothing more of an operation until it is resumed; what was done stays."""
    with session(context) as client:
        client.operations.handle(full("operations", name)).pause()
    say(f"Paused. Go on with it: countinghouse ops resume {last(name)}")


@app.command()
def resume(
    context: typer.Context,
    name: Name,
    follow_: Annotated[bool, typer.Option("--watch", help="Watch it to its end.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Go on with a paused operation from where it stood."""
    _go_on(context, name, lambda run: run.resume(), watched=follow_, output=output)


@app.command()
def recover(
    context: typer.Context,
    name: Name,
    follow_: Annotated[bool, typer.Option("--watch", help="Watch it to its end.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Run a failed operation again from where it stood."""
    _go_on(context, name, lambda run: run.recover(), watched=follow_, output=output)


def _go_on(
    context: typer.Context,
    name: str,
    move: "Callable[[Operation[Any, Any]], Snapshot[Any, Any]]",
    *,
    watched: bool,
    output: Format,
) -> None:
    with session(context, patient=True) as client:
        run = client.operations.handle(full("operations", name))
        snapshot = move(run)
        if watched:
            snapshot = follow(run, quiet=False, lines=False, timeout_s=None)
        show_operation(snapshot, output)
        if snapshot.error is not None:
            raise snapshot.error


@app.command()
def delete(context: typer.Context, name: Name) -> None:
    """Remove the record of an operation that has ended; what it made stays."""
    with session(context) as client:
        client.operations.handle(full("operations", name)).delete()
    say(f"The record of {last(name)} is gone; what it made stays.")
