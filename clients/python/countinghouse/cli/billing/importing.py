"""`countinghouse billing import-usage`."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from countinghouse.cli.exits import FINDINGS
from countinghouse.cli.output import Format, Output, say, show_fields, show_value
from countinghouse.cli.progress import Display, Meter
from countinghouse.cli.refusals import Refused, show_refused
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from countinghouse.importing.run import RefusedRecord
    from countinghouse.importing.usage import UsageImportResult

_PARTS = 2
_SEGMENTS_SHOWN = 20


def import_usage(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file, plain or gzip.", dir_okay=False)],
    profile: Annotated[str, typer.Option(help="Whose data they are: ACCOUNT/PROFILE, or the full name.")],
    zone: Annotated[str, typer.Option(help="Time zone of times without an offset, such as Europe/Zurich.")] = "",
    correction: Annotated[
        bool, typer.Option("--correction", help="Put values that differ in place of those that are known.")
    ] = False,
    reads: Annotated[bool, typer.Option("--reads", help="The records are reads of a register.")] = False,
    time_column: Annotated[str, typer.Option(help="The column that tells when.")] = "start",
    value_column: Annotated[str, typer.Option(help="The column that tells how much.")] = "value",
    report: Annotated[Path | None, typer.Option(help="Write every refused record to this CSV file.")] = None,
    show: Annotated[int, typer.Option(min=0, help="How many refused records to show of each reason.")] = 3,
    allow_refused: Annotated[int, typer.Option(min=0, help="More refused records than this: exit code 9.")] = 0,
    streams: Annotated[int, typer.Option(min=1, max=16, help="Streams to send at once.")] = 2,
    output: Output = Format.TABLE,
) -> None:
    """Take in interval data or reads of one profile, and account for every record.

    Sound records are taken, every other is refused with its line and reason. The same file imported twice adds nothing.
    """
    from countinghouse.importing.records import UnreadableFile
    from countinghouse.importing.report import Report
    from countinghouse.importing.usage import ImportOfUsage, Source

    with ExitStack() as stack:
        display = stack.enter_context(Display())
        refused = Refused(show, None if report is None else stack.enter_context(Report(report)))
        meter = Meter(display, "import", "lines")
        source = Source(_profile_name(profile), reads, time_column, value_column)
        try:
            run = ImportOfUsage(file, source, on_refused=refused.add, on_line=meter.reach)
        except UnreadableFile as error:
            raise typer.BadParameter(str(error)) from error
        client = stack.enter_context(session(context, patient=True))
        meter.begin(run.result.content.line_count)
        stack.enter_context(_telling_how_far(run.result, display))
        send = partial(
            client.billing.ingest_usage.outcomes,
            time_zone=zone,
            correction=correction,
            streams=streams,
            on_retry=display.retry,
        )
        result = run.send(send)
        meter.end()
    if output is Format.TABLE:
        _show(result, refused.shown, report)
    else:
        show_value(_plain(result), output)
    if result.refused_count > allow_refused:
        raise typer.Exit(FINDINGS)


def _profile_name(profile: str) -> str:
    """`A-1/METER` or `accounts/A-1/profiles/METER` as the latter."""
    parts = profile.split("/")
    if len(parts) == _PARTS:
        return f"accounts/{parts[0]}/profiles/{parts[1]}"
    if len(parts) != 2 * _PARTS:
        raise typer.BadParameter("write it as ACCOUNT/PROFILE", param_hint="--profile")
    return profile


@contextmanager
def _telling_how_far(result: "UsageImportResult", display: Display) -> Iterator[None]:
    """Says, when the sending is interrupted or fails, what stands and how to go on."""
    try:
        yield
    except BaseException:
        display.note(f"{result.accepted_count + result.replaced_count:,} records or more were stored.")
        display.note("The same command again takes in the rest, and nothing twice.")
        raise


def _show(result: "UsageImportResult", shown: "list[RefusedRecord]", report: Path | None) -> None:
    fields = [
        ("file", str(result.content.path)),
        ("SHA-256", result.content.sha256),
        ("records read", f"{result.read_count:,}"),
        ("accepted", f"{result.accepted_count:,}"),
        ("known already", f"{result.duplicate_count:,}"),
        ("corrected", f"{result.replaced_count:,}"),
        ("refused", f"{result.refused_count:,}"),
    ]
    show_fields(fields)
    if result.refused_count:
        print()
        show_refused(result, shown, report)
    if result.stale_segments:
        print()
        print(f"Frozen segments that were made of other values, to be rebilled: {len(result.stale_segments):,}")
        for name in sorted(result.stale_segments)[:_SEGMENTS_SHOWN]:
            print(f"  {name}")
        if len(result.stale_segments) > _SEGMENTS_SHOWN:
            say("--output json lists them all.")


def _plain(result: "UsageImportResult") -> dict[str, object]:
    """The result as plain values."""
    return {
        "file": str(result.content.path),
        "sha256": result.content.sha256,
        "readCount": result.read_count,
        "acceptedCount": result.accepted_count,
        "duplicateCount": result.duplicate_count,
        "replacedCount": result.replaced_count,
        "refusedCount": result.refused_count,
        "refusedCountByReason": dict(result.refused_count_by_reason),
        "staleSegments": sorted(result.stale_segments),
    }
