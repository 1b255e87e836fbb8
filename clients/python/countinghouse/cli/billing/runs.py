"""`countinghouse billing run` and `watch`: all accounts of a bill cycle, by one of its windows."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from countinghouse.cli.following import show_notices, show_operation, show_progress, watching
from countinghouse.cli.names import full, last
from countinghouse.cli.output import Column, Format, Output, amount, jsonable, say, show_fields, show_table
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.type.money_pb2 import Money

    from countinghouse.billing.v1.billing_runs_pb2 import BillingVariance, RunBillingMetadata, RunBillingResponse
    from countinghouse.cli.progress import Display
    from countinghouse.client import Client, Snapshot

_PARTS = 2
_WINDOW_PARTS = 4

_LARGEST = (
    Column("ACCOUNT", lambda one: last(one.account)),
    Column("WOULD BE", lambda one: amount(one.amount), right=True),
    Column("LAST BILL", lambda one: amount(one.last_amount), right=True),
    Column("BILL", lambda one: last(one.last_bill)),
)


def run(
    context: typer.Context,
    window: Annotated[
        str,
        typer.Argument(metavar="CYCLE[/WINDOW]", help="A bill cycle and its window; without one, that of today."),
    ],
    account: Annotated[list[str] | None, typer.Option(help="Only this account; can be given again.")] = None,
    failed_only: Annotated[
        bool, typer.Option("--failed-only", help="Only accounts with something to be worked off.")
    ] = False,
    outside_window: Annotated[
        bool, typer.Option("--outside-window", help="Although today is none of the window's days.")
    ] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Tell what it would come to, beside the last bills; make nothing.")
    ] = False,
    description: Annotated[str, typer.Option(help="A description of this run.")] = "",
    watch_: Annotated[bool, typer.Option("--watch", help="Show progress to the end, then the result.")] = False,
    max_wait: Annotated[float | None, typer.Option(min=0.1, help="Stop waiting after so many seconds.")] = None,
    request_id: Annotated[str, typer.Option(help="Repeating a call with its id changes nothing.")] = "",
    output: Output = Format.TABLE,
) -> None:
    """Bill all accounts of a cycle; each is frozen and completed as the window says.

    Without --watch the command ends once the work is recorded; a preview is waited for. What is wrong with one account
    stops no other. Pause a run with `countinghouse ops pause`, and go on with it with `ops resume`; cancel it with
    `ops cancel`, and run again to go on.
    """
    from countinghouse.billing.v1 import billing_runs_pb2 as pb

    request = pb.RunBillingRequest(
        window=window_name(window),
        accounts=[full("accounts", each) for each in account or ()],
        failed_only=failed_only,
        outside_window=outside_window,
        preview=preview,
        description=description,
        request_id=request_id,
    )
    with session(context) as client:
        begun = client.billing.run_billing(request)
        assert begun.started is not None, "the call has answered"
        snapshot = begun.started
        if not snapshot.done and (watch_ or preview):
            say(f"Operation {last(begun.name)}")
            _follow(client, begun.name, lines=False, timeout_s=max_wait)
            snapshot = begun.get()
        _show(snapshot, output)
        if not snapshot.done:
            say(f"Watch it: countinghouse billing watch {last(begun.name)}")


def window_name(window: str) -> str:
    """`NORTH`, `NORTH/JAN` or `billCycles/NORTH/windows/JAN` as the last; of a cycle alone the window of today.

    Raises:
        typer.BadParameter: It is written otherwise.
    """
    parts = window.split("/")
    if len(parts) == _WINDOW_PARTS:
        return window
    if len(parts) > _PARTS or not all(parts):
        raise typer.BadParameter("write it as CYCLE, or CYCLE/WINDOW", param_hint="CYCLE[/WINDOW]")
    return f"billCycles/{parts[0]}/windows/{parts[1] if len(parts) == _PARTS else '-'}"


def watch(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="RUN", help="The run's operation: its id or full name.")],
    max_wait: Annotated[float | None, typer.Option(min=0.1, help="Stop waiting after so many seconds.")] = None,
    output: Output = Format.TABLE,
) -> None:
    """Show how a billing run goes to its end, then its result; with `-o json` each event as a line of JSON.

    A lost connection is taken up where it was cut.
    """
    with session(context, patient=True) as client:
        begun = client.operations.handle(full("operations", name))
        _follow(client, begun.name, lines=output is Format.JSON, timeout_s=max_wait)
        snapshot = begun.get()
        if output is not Format.JSON:
            _show(snapshot, output)
        elif snapshot.error is not None:
            raise snapshot.error


def _follow(client: "Client", name: str, *, lines: bool, timeout_s: float | None) -> None:
    """Draw a run until it is done."""
    with watching(name, "billing watch") as display:
        for event in client.billing.watch_run(name, timeout_s=timeout_s, on_retry=display.retry):
            if lines:
                print(json.dumps(jsonable(event), ensure_ascii=False), flush=True)
                continue
            show_progress(display, name, event.billing_run.metadata.progress)
            show_figures(display, event.billing_run.metadata)


def _show(snapshot: "Snapshot[Any, Any]", output: Format) -> None:
    """Print a run: what it came to, or where it stands. Raises: OperationFailed, for one that did not end well."""
    from countinghouse.billing.v1.billing_runs_pb2 import RunBillingResponse

    if output is Format.TABLE and isinstance(snapshot.response, RunBillingResponse):
        show_result(snapshot.response, snapshot.name)
        show_notices(snapshot.progress.notices)
    else:
        show_operation(snapshot, output)
    if snapshot.error is not None:
        raise snapshot.error


def show_figures(display: "Display", metadata: "RunBillingMetadata") -> None:
    """Show what a run has come to so far: bills, amounts by currency and errors by reason."""
    figures, over = metadata.figures, any(stage.done for stage in metadata.progress.stages)
    if figures.bill_count:
        bills = f"{figures.bill_count:,} bills, {figures.completed_bill_count:,} complete"
        display.fact("billed", [bills, *map(amount, figures.amounts)], over=over)
    if figures.errors:
        display.fact("errors", [f"{each.count:,} {each.reason}" for each in figures.errors], over=over)


def show_result(response: "RunBillingResponse", operation: str) -> None:
    """Print what a run came to, or would, and where to go on."""
    figures, would = response.figures, response.HasField("variance")
    _, cycle, _, window = response.window.split("/")
    show_fields(
        [
            ("window", f"{cycle}/{window}"),
            ("accounts", f"{figures.account_count:,}"),
            ("bills", f"{figures.bill_count:,}"),
            ("completed", f"{figures.completed_bill_count:,}"),
            ("segments", f"{figures.bill_segment_count:,}"),
            ("amount", _amounts(figures.amounts)),
            ("exceptions", f"{figures.billing_exception_count:,}"),
        ]
    )
    if figures.errors:
        columns = (Column("ERROR", str), Column("COUNT", str, right=True))
        print()
        show_table(columns, [[each.reason, f"{each.count:,}"] for each in figures.errors])
    if would:
        _show_variance(response.variance)
    elif figures.billing_exception_count:
        say(f"Work them off: countinghouse billing exceptions --operation {last(operation)}")
        say(f"Then run again: countinghouse billing run {cycle}/{window} --failed-only --watch")


def _show_variance(variance: "BillingVariance") -> None:
    bands: Any = {
        "within 10 %": variance.within_count,
        "above": variance.above_count,
        "below": variance.below_count,
        "new": variance.new_count,
    }
    columns = (Column("BESIDE THE LAST BILL", str), Column("ACCOUNTS", str, right=True))
    print()
    show_table(columns, [[name, f"{count:,}"] for name, count in bands.items()])
    if variance.largest:
        print()
        show_table(_LARGEST, [[column.text(one) for column in _LARGEST] for one in variance.largest])


def _amounts(amounts: "Iterable[Money]") -> str:
    return ", ".join(map(amount, amounts))
