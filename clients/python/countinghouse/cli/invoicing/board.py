"""`countinghouse invoicing batches`: a board of the batches, which can be kept live."""

import json
import time
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC
from typing import TYPE_CHECKING, Annotated, Protocol, Self

import typer

from countinghouse.cli.exits import INTERRUPTED
from countinghouse.cli.invoicing.standing import COLUMNS, OVER, open_states, state, waits_for
from countinghouse.cli.invoicing.words import Cycle, MaxWait, cycle_name
from countinghouse.cli.names import last
from countinghouse.cli.output import Format, Limit, ListOutput, console_out, jsonable, moment, show_list
from countinghouse.cli.progress import Display
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from countinghouse.client import CountinghouseError
    from countinghouse.invoicing.v1.invoice_batches_pb2 import InvoiceBatch, WatchInvoiceBatchesResponse

_LINE_EVERY_S = 5.0
_FAILED = 9  # the number of ERROR
_COUNTS = ("CLOSED", "MOVED", "NUMBERED")  # what a narrow window does without
_PROSE_MIN = 24


def batches(
    context: typer.Context,
    cycle: Cycle = "",
    every: Annotated[bool, typer.Option("--all", help="Also those that are published or canceled.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Keep the board up to date until interrupted.")] = False,
    max_wait: MaxWait = None,
    limit: Limit = 50,
    output: ListOutput = Format.TABLE,
) -> None:
    """A board of invoice batches: where each stands, for how long, its counts, and what it waits for.

    With --watch it is redrawn in place as batches change; where there is no terminal, a line tells each change; with
    `-o json` each event is a line. A lost connection is taken up where it was cut.
    """
    from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb

    if watch:
        if every or output in {Format.YAML, Format.CSV}:
            raise typer.BadParameter("goes neither with --all nor with yaml or csv", param_hint="--watch")
        _watch(context, cycle_name(cycle), max_wait, output)
        return
    states = [] if every else open_states()
    request = pb.ListInvoiceBatchesRequest(billing_cycle=cycle_name(cycle), states=states)
    with session(context) as client:
        show_list(client.invoicing.list_batches(request, limit=limit or None), COLUMNS, output)


class Shown(Protocol):
    """Where a board is shown."""

    def take(self, event: "WatchInvoiceBatchesResponse") -> None:
        """Show what has changed."""

    def retry(self, error: "CountinghouseError", delay_s: float) -> None:
        """Tell of a lost connection."""


def _watch(context: typer.Context, cycle: str, max_wait: float | None, output: Format) -> None:
    with session(context, patient=True) as client, _shown(output) as shown:
        try:
            for event in client.invoicing.watch_batches(cycle, timeout_s=max_wait, on_retry=shown.retry):
                shown.take(event)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None


def _shown(output: Format) -> "AbstractContextManager[Shown]":
    if output is Format.JSON:
        return nullcontext(Events())
    console = console_out()
    return nullcontext(Lines()) if not console.is_terminal or console.is_dumb_terminal else Screen(console)


class Events:
    """A line of JSON for each event."""

    def __init__(self) -> None:
        self.retry = Display().retry

    def take(self, event: "WatchInvoiceBatchesResponse") -> None:
        """Print it."""
        print(json.dumps(jsonable(event), ensure_ascii=False), flush=True)


class Lines:
    """A line for each batch that changes: at once with its state or what it waits for, now and then with its counts."""

    def __init__(self) -> None:
        self.retry = Display().retry
        self._told: dict[str, tuple[object, str, float]] = {}

    def take(self, event: "WatchInvoiceBatchesResponse") -> None:
        """Print what is new."""
        present = {each.name for each in event.board.invoice_batches}
        if event.is_whole:
            for name in [each for each in self._told if each not in present]:
                del self._told[name]
                print(f"{moment(event.event_time)}  {last(name)}  is over", flush=True)
        for each in event.board.invoice_batches:
            self._tell(each)

    def _tell(self, batch: "InvoiceBatch") -> None:
        key, text = (batch.state, batch.hold.message), _line(batch)
        known, before, at = self._told.get(batch.name, (None, "", 0.0))
        if known == key and (before == text or time.monotonic() - at < _LINE_EVERY_S):
            return
        print(f"{moment(batch.update_time)}  {text}", flush=True)
        self._told[batch.name] = key, text, time.monotonic()
        if batch.state in OVER:
            del self._told[batch.name]


class Screen:
    """A board in a terminal, redrawn in place; what is over is told above it, and leaves it."""

    def __init__(self, console: "Console") -> None:
        from rich.live import Live

        self._console = console
        self._batches: dict[str, InvoiceBatch] = {}
        self._seen = ""
        self._trouble, self._trouble_until = "", 0.0
        self._live = Live(console=console, get_renderable=self._drawn, refresh_per_second=2)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def retry(self, error: "CountinghouseError", delay_s: float) -> None:
        """Tell below the board that the connection is lost."""
        from countinghouse.cli.failures import cause

        self._trouble = f"The server is away ({cause(error)}); trying again in {delay_s:.1f} s."
        self._trouble_until = time.monotonic() + delay_s + _LINE_EVERY_S

    def take(self, event: "WatchInvoiceBatchesResponse") -> None:
        """Draw what has changed."""
        if event.is_whole:
            self._batches.clear()
        for each in event.board.invoice_batches:
            if each.state in OVER:
                self._batches.pop(each.name, None)
                self._live.console.print(f"{moment(each.update_time)}  {_line(each)}", markup=False, highlight=False)
            else:
                self._batches[each.name] = each
        self._seen, self._trouble_until = moment(event.event_time), 0.0
        self._live.refresh()

    def _drawn(self) -> "RenderableType":
        from rich.console import Group
        from rich.text import Text

        if time.monotonic() < self._trouble_until:  # else it is back, or there would be another
            below = Text(self._trouble, style="bold red")
        else:
            held = sum(each.HasField("hold") for each in self._batches.values())
            told = f"Batches: {len(self._batches):,}; held: {held:,}. Last change: {self._seen}. Ctrl-C ends."
            below = Text(told if self._seen else "…", style="dim")
        return Group(self._table(), Text(), below)

    def _table(self) -> "Table":
        from rich.table import Table
        from rich.text import Text

        shown = sorted(self._batches.values(), key=lambda each: (each.billing_cycle, each.create_time.ToDatetime(UTC)))
        rows = [[column.text(each) for column in COLUMNS] for each in shown]
        taken = [at for at, column in enumerate(COLUMNS) if not self._narrow(rows) or column.heading not in _COUNTS]
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for at in taken:
            one = COLUMNS[at]
            table.add_column(
                one.heading, justify="right" if one.right else "left", no_wrap=not one.prose, overflow="fold"
            )
        for row, each in zip(rows, shown, strict=True):
            style = "bold red" if each.state == _FAILED else "yellow" if each.HasField("hold") else ""
            table.add_row(*(Text(row[at]) for at in taken), style=style)
        return table

    def _narrow(self, rows: list[list[str]]) -> bool:
        widths = [max([len(column.heading), *(len(row[at]) for row in rows)]) for at, column in enumerate(COLUMNS)]
        return sum(widths[:-1]) + 2 * len(widths) + _PROSE_MIN > self._console.width


def _line(batch: "InvoiceBatch") -> str:
    """A batch in a line."""
    counts = ", ".join(
        f"{column.heading.lower()} {column.text(batch)}" for column in COLUMNS if column.heading in _COUNTS
    )
    told = f"{last(batch.name)}  {last(batch.billing_cycle)}  {state(batch.state)}: {counts}"
    if batch.HasField("hold"):
        return f"{told}; held: {batch.hold.message}"
    return f"{told}; waits for {waits}" if (waits := waits_for(batch)) else told
