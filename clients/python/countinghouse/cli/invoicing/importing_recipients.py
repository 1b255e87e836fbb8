"""`countinghouse invoicing import-recipients`."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from countinghouse.cli.exits import FINDINGS
from countinghouse.cli.output import Format, Output, show_fields, show_value
from countinghouse.cli.progress import Display, Meter
from countinghouse.cli.refusals import Refused, show_refused
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from countinghouse.importing.recipients import RecipientsImportResult


def import_recipients(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV with a heading, plain or gzip, in UTF-8.", dir_okay=False)
    ],
    report: Annotated[Path | None, typer.Option(help="Write every refused recipient to this CSV file.")] = None,
    show: Annotated[int, typer.Option(min=0, help="How many refused recipients to show of each reason.")] = 3,
    allow_refused: Annotated[int, typer.Option(min=0, help="More refused recipients than this: exit code 9.")] = 0,
    output: Output = Format.TABLE,
) -> None:
    """Create and change the recipients of accounts, one a line.

    Columns are account_id, name, country_code, and, where they are told, other fields of a party, of its address, and
    reference. Sound recipients are taken, every other is refused with its line and reason. The same file imported twice
    changes nothing.
    """
    from countinghouse.importing.recipients import ImportOfRecipients
    from countinghouse.importing.records import UnreadableFile
    from countinghouse.importing.report import Report

    with ExitStack() as stack:
        display = stack.enter_context(Display())
        refused = Refused(show, None if report is None else stack.enter_context(Report(report)))
        meter = Meter(display, "import", "lines")
        try:
            run = ImportOfRecipients(file, on_refused=refused.add, on_line=meter.reach)
        except UnreadableFile as error:
            raise typer.BadParameter(str(error)) from error
        client = stack.enter_context(session(context, patient=True))
        meter.begin(run.result.content.line_count)
        stack.enter_context(_telling_how_far(run.result, display))
        result = run.send(partial(client.invoicing.import_recipients.outcomes, on_retry=display.retry))
        meter.end()
    if output is Format.TABLE:
        show_fields(_fields(result))
        if result.refused_count:
            print()
            show_refused(result, refused.shown, report)
    else:
        show_value(_plain(result), output)
    if result.refused_count > allow_refused:
        raise typer.Exit(FINDINGS)


@contextmanager
def _telling_how_far(result: "RecipientsImportResult", display: Display) -> Iterator[None]:
    """Says, when the sending is interrupted or fails, what stands and how to go on."""
    try:
        yield
    except BaseException:
        display.note(f"{result.created_count + result.changed_count:,} recipients or more were stored.")
        display.note("The same command again takes in the rest, and nothing twice.")
        raise


def _fields(result: "RecipientsImportResult") -> list[tuple[str, str]]:
    return [
        ("file", str(result.content.path)),
        ("SHA-256", result.content.sha256),
        ("recipients read", f"{result.read_count:,}"),
        ("created", f"{result.created_count:,}"),
        ("changed", f"{result.changed_count:,}"),
        ("there already", f"{result.unchanged_count:,}"),
        ("refused", f"{result.refused_count:,}"),
    ]


def _plain(result: "RecipientsImportResult") -> dict[str, object]:
    """The result as plain values."""
    return {
        "file": str(result.content.path),
        "sha256": result.content.sha256,
        "readCount": result.read_count,
        "createdCount": result.created_count,
        "changedCount": result.changed_count,
        "unchangedCount": result.unchanged_count,
        "refusedCount": result.refused_count,
        "refusedCountByReason": dict(result.refused_count_by_reason),
    }
