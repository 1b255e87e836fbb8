"""`countinghouse billing create-intervals` and `data-sets`: interval data that are created from others."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from countinghouse.cli import choices
from countinghouse.cli.billing.words import Account, account_name, stacked
from countinghouse.cli.following import follow, show_notices, show_operation
from countinghouse.cli.names import full, last
from countinghouse.cli.output import (
    Column,
    Format,
    Limit,
    ListOutput,
    Output,
    moment,
    say,
    show_fields,
    show_list,
    word,
)
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from countinghouse.billing.v1.interval_data_sets_pb2 import CreateIntervalDataResponse


class State(StrEnum):
    """Where a data set stands."""

    COMPLETE = "complete"
    ERROR = "error"


def _state(one: Any) -> str:  # noqa: ANN401 - the type is imported when it is needed
    from countinghouse.billing.v1.interval_data_sets_pb2 import IntervalDataSetState

    return word(IntervalDataSetState, one.state)


def _intervals(one: Any) -> str:  # noqa: ANN401
    told = ((one.created_count, "new"), (one.unchanged_count, "as before"), (one.replaced_count, "replaced"))
    return stacked(*(f"{count:,} {what}" for count, what in told if count), "estimated" if one.estimated else "")


_COLUMNS = (
    Column("", lambda one: str(one.position), right=True),
    Column("PROFILE", lambda one: stacked(last(one.profile), f"of {last(one.service_agreement)}")),
    Column("PERIOD", lambda one: stacked(moment(one.start_time), moment(one.end_time))),
    Column("STATE", _state),
    Column("INTERVALS", _intervals, right=True),
    Column("", lambda one: stacked(one.reason, one.message), prose=True),
)


def create_intervals(
    context: typer.Context,
    through: Annotated[datetime, choices.day_option("--through", text="The day after the last one.")],
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id or full name.")] = "",
    cycle: Annotated[str, typer.Option(help="All accounts of this bill cycle.")] = "",
    first: Annotated[
        datetime | None, choices.day_option("--from", text="The first day; else where data end, or are in error.")
    ] = None,
    description: Annotated[str, typer.Option(help="A description of this call.")] = "",
    no_wait: Annotated[bool, typer.Option("--no-wait", help="End once the work is recorded.")] = False,
    max_wait: Annotated[float | None, typer.Option(min=0.1, help="Stop waiting after so many seconds.")] = None,
    request_id: Annotated[str, typer.Option(help="Repeating a call with its id changes nothing.")] = "",
    output: Output = Format.TABLE,
) -> None:
    """Create interval data from those of other profiles, in the order of the agreements.

    What cannot be created is an exception, and so is what would be created from it; the others go on. Create them again
    from a day on after their sources were corrected: what differs is replaced.
    """
    from countinghouse.billing.v1 import interval_data_sets_pb2 as pb

    if bool(account) == bool(cycle):
        raise typer.BadParameter("give an account, or a bill cycle by --cycle", param_hint="ACCOUNT")
    target: dict[str, Any] = (
        {"account": account_name(account)} if account else {"bill_cycle": full("billCycles", cycle)}
    )
    request = pb.CreateIntervalDataRequest(
        **target,
        start_date=choices.day(first),
        end_date=choices.day(through),
        description=description,
        request_id=request_id,
    )
    with session(context) as client:
        begun = client.billing.create_interval_data(request)
        assert begun.started is not None, "the call has answered"
        snapshot = begun.started
        if not snapshot.done and not no_wait:
            say(f"Operation {last(begun.name)}")
            snapshot = follow(begun, quiet=False, lines=False, timeout_s=max_wait)
        if output is Format.TABLE and snapshot.response is not None:
            _show_result(snapshot.response, account, cycle)
            show_notices(snapshot.progress.notices)
        else:
            show_operation(snapshot, output)
        if snapshot.error is not None:
            raise snapshot.error
        if not snapshot.done:
            say(f"Watch it: countinghouse ops watch {last(begun.name)}")


def data_sets(
    context: typer.Context,
    account: Account,
    profile: Annotated[str, typer.Option(help="Only of this profile.")] = "",
    state: Annotated[State | None, typer.Option(help="Only in this state.")] = None,
    limit: Limit = 50,
    output: ListOutput = Format.TABLE,
) -> None:
    """List what became of creating an account's interval data, the oldest first."""
    from countinghouse.billing.v1 import interval_data_sets_pb2 as pb

    request = pb.ListIntervalDataSetsRequest(
        parent=account_name(account), profile_id=last(profile), state=choices.number(pb.IntervalDataSetState, state)
    )
    with session(context) as client:
        show_list(client.billing.list_data_sets(request, limit=limit or None), _COLUMNS, output)


def _show_result(response: "CreateIntervalDataResponse", account: str, cycle: str) -> None:
    """Print what was created, and where to go on."""
    figures = response.figures
    show_fields(
        (
            ("accounts", f"{figures.account_count:,}"),
            ("complete", f"{figures.complete_data_set_count:,} data sets"),
            ("in error", f"{figures.error_data_set_count:,} data sets"),
            *((f"  {each.reason}", f"{each.count:,}") for each in figures.errors),
            ("intervals", f"{figures.created_count:,} new, {figures.unchanged_count:,} as before"),
            ("replaced", f"{figures.replaced_count:,}"),
            ("to be rebilled", f"{figures.stale_bill_segment_count:,} segments"),
        )
    )
    if figures.error_data_set_count:
        wanted = f"--account {last(account)}" if account else f"--cycle {last(cycle)}"
        say(f"See what is wrong: countinghouse billing exceptions {wanted}")
