"""`countinghouse files`: data file sets and their files."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from countinghouse.cli.exits import FINDINGS
from countinghouse.cli.names import file, full, last
from countinghouse.cli.output import (
    Column,
    Format,
    Limit,
    ListOutput,
    Output,
    credits_,
    debits,
    moment,
    say,
    show_list,
    show_one,
    show_table,
    show_value,
    word,
    yes,
)
from countinghouse.cli.progress import Display
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from countinghouse.client import Client
    from countinghouse.operations.v1.notifications_pb2 import Delivery

app = typer.Typer(help="Data file sets: list, lock, download, verify, transmit.", no_args_is_help=True)


def _state(one: "Delivery") -> str:
    from countinghouse.operations.v1.notifications_pb2 import DeliveryState

    return word(DeliveryState, one.state)


SET_COLUMNS = (
    Column("SET", lambda one: one.code),
    Column("CREATED", lambda one: moment(one.create_time)),
    Column("FILES", lambda one: f"{one.file_count:,}", right=True),
    Column("BYTES", lambda one: f"{one.size_bytes:,}", right=True),
    Column("LOCKED", lambda one: yes(one.locked)),
    Column("DESCRIPTION", lambda one: one.description, prose=True),
)
FILE_COLUMNS = (
    Column("FILE", lambda one: last(one.name)),
    Column("RECORDS", lambda one: f"{one.record_count:,}", right=True),
    Column("BYTES", lambda one: f"{one.size_bytes:,}", right=True),
    Column("DEBIT", lambda one: debits(one.control_totals), right=True),
    Column("CREDIT", lambda one: credits_(one.control_totals), right=True),
    Column("MANIFEST", lambda one: yes(one.manifest)),
    Column("SHA256", lambda one: one.sha256[:12]),
)
BEGUN_COLUMNS = (
    Column("BEGUN", lambda one: f"{one.begun_count:,}", right=True),
    Column("UNDER WAY BEFORE", lambda one: f"{one.under_way_count:,}", right=True),
)
TRANSMISSION_COLUMNS = (
    Column("FILE", lambda one: last(one.subject)),
    Column("DESTINATION", lambda one: last(one.target)),
    Column("STATE", _state),
    Column("ATTEMPTS", lambda one: str(one.attempts), right=True),
    Column("ENDED", lambda one: moment(one.end_time)),
    Column("NEXT", lambda one: moment(one.next_attempt_time)),
    Column("REASON", lambda one: one.failure_reason),
    Column("DELIVERY", lambda one: last(one.name)),
)
FINDING_COLUMNS = (
    Column("FILE", lambda one: one.file),
    Column("PROBLEM", lambda one: one.problem),
    Column("WHAT", lambda one: one.description, prose=True),
)
Set = Annotated[str, typer.Argument(metavar="SET", help="The set's code or full name.")]


@app.command()
def sets(context: typer.Context, limit: Limit = 50, output: ListOutput = Format.TABLE) -> None:
    """List data file sets, newest first."""
    from countinghouse.operations.v1 import data_files_pb2

    with session(context) as client:
        found = client.files.list_sets(data_files_pb2.ListDataFileSetsRequest(), limit=limit or None)
        show_list(found, SET_COLUMNS, output)


@app.command("list")
def list_(
    context: typer.Context,
    set_: Set,
    operation: Annotated[str, typer.Option(help="Only files that this operation wrote.")] = "",
    limit: Limit = 0,
    output: ListOutput = Format.TABLE,
) -> None:
    """List the files of a set, in the order in which they were written."""
    from countinghouse.operations.v1 import data_files_pb2

    request = data_files_pb2.ListDataFilesRequest(
        parent=full("dataFileSets", set_), operation=full("operations", operation) if operation else ""
    )
    with session(context) as client:
        show_list(client.files.list_files(request, limit=limit or None), FILE_COLUMNS, output)


@app.command()
def download(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="SET[/FILE]", help="A set for all of its files, or one file.")],
    to: Annotated[
        Path, typer.Option("-d", "--directory", help="Where to put them.", file_okay=False, dir_okay=True)
    ] = Path(),
) -> None:
    """Download files; each is checked against its SHA-256 and appears only whole.

    A broken download goes on where it stopped, also in the next call.
    """
    from countinghouse.operations.v1 import data_files_pb2

    to.mkdir(parents=True, exist_ok=True)
    with session(context, patient=True) as client, Display() as display:
        if name.count("/") == (0 if not name.startswith("dataFileSets/") else 1):
            request = data_files_pb2.ListDataFilesRequest(parent=full("dataFileSets", name))
            wanted = [one.name for one in client.files.list_files(request)]
        else:
            wanted = [file(name)]
        for one in wanted:
            print(_fetch(client, display, one, to / last(one)))


@app.command()
def verify(context: typer.Context, set_: Set, output: Output = Format.TABLE) -> None:
    """Check a set: every file is what was written, and its manifests follow on each other without a gap.

    Ends with 9 when something is to be looked at.
    """
    with session(context, patient=True) as client:
        seen = client.files.verify(full("dataFileSets", set_))
    if output is Format.TABLE:
        if seen.findings:
            rows = [[each.file or "(the set)", each.problem, each.description] for each in seen.findings]
            show_table(FINDING_COLUMNS, rows)
        verdict = "sound" if seen.sound else "NOT SOUND"
        say(f"{verdict}: files {seen.file_count:,}, bytes {seen.size_bytes:,}, manifests {seen.manifest_count:,}")
    else:
        show_value(asdict(seen) | {"sound": seen.sound}, output)
    if not seen.sound:
        raise typer.Exit(FINDINGS)


@app.command()
def transmit(
    context: typer.Context,
    set_: Set,
    to: Annotated[str, typer.Option(help="Only to this destination.")] = "",
    operation: Annotated[str, typer.Option(help="Only files that this operation wrote.")] = "",
    again: Annotated[bool, typer.Option("--again", help="Send what has arrived once more, too.")] = False,
    request_id: Annotated[str, typer.Option(help="Repeating a call with its id changes nothing.")] = "",
    output: Output = Format.TABLE,
) -> None:
    """Have a set's files sent to where the server's settings say: what was never sent, or was given up."""
    from countinghouse.operations.v1 import data_files_pb2

    request = data_files_pb2.TransmitDataFilesRequest(
        name=full("dataFileSets", set_),
        destination=to,
        operation=full("operations", operation) if operation else "",
        again=again,
        request_id=request_id,
    )
    with session(context) as client:
        show_one(client.files.transmit(request), BEGUN_COLUMNS, output)


@app.command()
def transmissions(context: typer.Context, set_: Set, limit: Limit = 0, output: ListOutput = Format.TABLE) -> None:
    """Show where the files of a set were sent, and what became of it."""
    from countinghouse.operations.v1 import data_files_pb2

    request = data_files_pb2.ListDataFilesRequest(parent=full("dataFileSets", set_))
    with session(context) as client:
        files = client.files.list_files(request, limit=limit or None)
        show_list((one for each in files for one in each.transmissions), TRANSMISSION_COLUMNS, output)


def _fetch(client: "Client", display: Display, name: str, path: Path) -> str:
    began, first = time.monotonic(), -1

    def show(done: int, total: int, *, over: bool = False) -> None:
        nonlocal first
        first = done if first < 0 else first  # what was there before took no time
        per_second = (done - first) / max(time.monotonic() - began, 1e-3)
        display.stage(last(name), done=done, total=total, unit="bytes", per_second=per_second, over=over)

    facts = client.files.download(name, path, on_bytes=show, on_retry=display.retry)
    show(facts.size_bytes, facts.size_bytes, over=True)
    return str(path)


@app.command()
def lock(
    context: typer.Context,
    set_: Set,
    etag: Annotated[str, typer.Option(help="Refuse if the set was changed since this etag.")] = "",
    output: Output = Format.TABLE,
) -> None:
    """Lock a set: it gains no more files."""
    from countinghouse.operations.v1 import data_files_pb2

    with session(context) as client:
        request = data_files_pb2.LockDataFileSetRequest(name=full("dataFileSets", set_), etag=etag)
        show_one(client.files.lock_set(request), SET_COLUMNS, output)


@app.command()
def unlock(
    context: typer.Context,
    set_: Set,
    etag: Annotated[str, typer.Option(help="Refuse if the set was changed since this etag.")] = "",
    output: Output = Format.TABLE,
) -> None:
    """Unlock a set: it may gain files again."""
    from countinghouse.operations.v1 import data_files_pb2

    with session(context) as client:
        request = data_files_pb2.UnlockDataFileSetRequest(name=full("dataFileSets", set_), etag=etag)
        show_one(client.files.unlock_set(request), SET_COLUMNS, output)
