"""`countinghouse gl import`."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from countinghouse.cli.exits import FINDINGS
from countinghouse.cli.output import Column, Format, Output, amount_text, say, show_fields, show_table, show_value
from countinghouse.cli.progress import Display, Meter
from countinghouse.cli.refusals import Refused, show_refused
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from countinghouse.client import Client
    from countinghouse.importing.mapping import Mapping
    from countinghouse.importing.run import ImportResult, RefusedRecord
    from countinghouse.importing.totals import Total

_MISSING_REFERENCE = {"LEDGER_UNKNOWN", "GROUP_ACCOUNT_UNKNOWN", "PERIOD_MISSING"}


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file, plain or gzip.", dir_okay=False)],
    mapping: Annotated[
        Path, typer.Option(help="The mapping, TOML or YAML; see examples/chugach.toml.", dir_okay=False)
    ],
    create_reference: Annotated[
        bool, typer.Option("--create-reference", help="Make ledgers, periods, group accounts of the mapping.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Read everything and send nothing.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write every refused record to this CSV file.")] = None,
    show: Annotated[int, typer.Option(min=0, help="How many refused records to show of each reason.")] = 3,
    allow_refused: Annotated[int, typer.Option(min=0, help="More refused records than this: exit code 9.")] = 0,
    streams: Annotated[int, typer.Option(min=1, max=16, help="Streams to send at once.")] = 2,
    output: Output = Format.TABLE,
) -> None:
    """Take in the rows of a CSV file as accounting details, and account for every one of them.

    Sound rows are taken, every other is refused with its line and reason. The same file imported twice adds nothing.
    """
    from countinghouse.importing.mapping import MappingError, load
    from countinghouse.importing.records import UnreadableFile
    from countinghouse.importing.report import Report
    from countinghouse.importing.run import Import

    with ExitStack() as stack:
        display = stack.enter_context(Display())
        refused = Refused(show, None if report is None else stack.enter_context(Report(report)))
        meter = Meter(display, "import", "lines")
        try:
            chosen = load(mapping)
            run = Import(file, chosen, on_refused=refused.add, on_line=meter.reach)
        except MappingError as error:
            raise typer.BadParameter("; ".join(error.problems), param_hint=str(mapping)) from error
        except UnreadableFile as error:
            raise typer.BadParameter(str(error)) from error
        meter.begin(run.result.content.line_count)
        if check:
            result = run.check()
        else:
            client = stack.enter_context(session(context, patient=True))
            if create_reference:
                _create_reference(client, chosen, display)
            stack.enter_context(_telling_how_far(run.result, display))
            result = run.send(partial(client.gl.ingest.outcomes, streams=streams, on_retry=display.retry))
        meter.end()
    if output is Format.TABLE:
        _show(result, refused.shown, report, sent=not check)
        if not create_reference and result.refused_count_by_reason.keys() & _MISSING_REFERENCE:
            say("The books lack what the rows name: --create-reference makes what the mapping says.")
    else:
        show_value(_plain(result), output)
    if result.refused_count > allow_refused:
        raise typer.Exit(FINDINGS)


@contextmanager
def _telling_how_far(result: "ImportResult", display: Display) -> Iterator[None]:
    """Says, when the sending is interrupted or fails, what stands and how to go on."""
    try:
        yield
    except BaseException:
        display.note(f"{result.accepted_count:,} records or more are in the books.")
        display.note("The same command again takes in the rest, and nothing twice.")
        raise


def _create_reference(client: "Client", mapping: "Mapping", display: Display) -> None:
    from countinghouse.importing.reference import ensure

    for name in ensure(client.gl, mapping.reference):
        display.note(f"created {name}")


def _show(result: "ImportResult", shown: "list[RefusedRecord]", report: Path | None, *, sent: bool) -> None:
    counts = [
        ("file", str(result.content.path)),
        ("SHA-256", result.content.sha256),
        ("records read", f"{result.read_count:,}"),
        ("left out by the filter", f"{result.filtered_count:,}"),
        ("refused", f"{result.refused_count:,}"),
    ]
    if sent:
        counts += [
            ("accepted", f"{result.accepted_count:,}"),
            ("  of them new", f"{result.created_count:,}"),
            ("  there already", f"{result.unchanged_count:,}"),
        ]
    else:
        counts.append(("would be sent", f"{result.sent_count:,}"))
    show_fields(counts)
    if totals := result.totals.by_currency():
        print()
        _show_totals(totals, "ACCEPTED" if sent else "WOULD BE SENT")
    if result.refused_count:
        print()
        show_refused(result, shown, report)


def _show_totals(totals: "list[Total]", heading: str) -> None:
    columns = (
        Column(heading, str),
        Column("DETAILS", str, right=True),
        Column("DEBIT", str, right=True),
        Column("CREDIT", str, right=True),
    )
    rows = [
        [
            total.currency,
            f"{total.detail_count:,}",
            amount_text(total.debit, total.currency),
            amount_text(total.credit, total.currency),
        ]
        for total in totals
    ]
    show_table(columns, rows)


def _plain(result: "ImportResult") -> dict[str, object]:
    """The result as plain values; amounts as decimal strings."""
    return {
        "file": str(result.content.path),
        "sha256": result.content.sha256,
        "readCount": result.read_count,
        "filteredCount": result.filtered_count,
        "refusedCount": result.refused_count,
        "refusedByServerCount": result.refused_by_server_count,
        "refusedCountByReason": dict(result.refused_count_by_reason),
        "sentCount": result.sent_count,
        "createdCount": result.created_count,
        "unchangedCount": result.unchanged_count,
        "totals": [_total(total) for total in result.totals.by_currency()],
        "totalsByBulkingGroup": [
            {"bulkingGroup": total.bulking_group, **_total(total)} for total in result.totals.by_bulking_group()
        ],
    }


def _total(total: "Total") -> dict[str, object]:
    return {
        "currencyCode": total.currency,
        "detailCount": total.detail_count,
        "debit": amount_text(total.debit, total.currency).replace(",", ""),
        "credit": amount_text(total.credit, total.currency).replace(",", ""),
    }
