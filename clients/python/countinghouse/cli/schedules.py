"""`countinghouse schedules`: operations that start by themselves."""

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from countinghouse.cli import choices
from countinghouse.cli.names import full, last
from countinghouse.cli.output import Column, Format, Limit, ListOutput, Output, moment, say, show_list, show_one, word
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from countinghouse.client.sync.client import Client
    from countinghouse.operations.v1.schedules_pb2 import Schedule, ScheduleRun

app = typer.Typer(help="Schedules: operations that start by themselves.", no_args_is_help=True)

REQUEST = "type.googleapis.com/countinghouse.gl_extraction.v1.GenerateAccountingMessageRequest"
"""What is scheduled when the JSON of a request does not say."""


class Missed(StrEnum):
    """What becomes of times that passed while no worker was there."""

    ONCE = "once"
    SKIP = "skip"


class RelativeDate(StrEnum):
    """A day, as seen from the day of a run."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    FIRST_OF_MONTH = "first-of-month"
    FIRST_OF_PREVIOUS_MONTH = "first-of-previous-month"
    LAST_OF_PREVIOUS_MONTH = "last-of-previous-month"


def _state(one: "Schedule") -> str:
    from countinghouse.operations.v1.schedules_pb2 import ScheduleState

    return word(ScheduleState, one.state)


def _last_outcome(one: "Schedule") -> str:
    return _outcome(one.last_run) if one.HasField("last_run") else ""


def _outcome(run: "ScheduleRun") -> str:
    from countinghouse.operations.v1.schedules_pb2 import ScheduleRunOutcome

    return word(ScheduleRunOutcome, run.outcome)


def _cause(run: "ScheduleRun") -> str:
    from countinghouse.operations.v1.schedules_pb2 import ScheduleRunCause

    return word(ScheduleRunCause, run.cause)


def _missed(one: "Schedule") -> str:
    from countinghouse.operations.v1.schedules_pb2 import MissedRunPolicy

    return word(MissedRunPolicy, one.missed_run_policy)


def _dates(one: "Schedule") -> str:
    from countinghouse.operations.v1.schedules_pb2 import RelativeDate as Number

    named = {field: Number.Name(day).removeprefix("RELATIVE_DATE_") for field, day in one.relative_dates.items()}
    return ", ".join(f"{field}={RelativeDate[name]}" for field, name in sorted(named.items()))


COLUMNS = (
    Column("SCHEDULE", lambda one: one.code),
    Column("STATE", _state),
    Column("CRON", lambda one: one.cron),
    Column("ZONE", lambda one: one.time_zone),
    Column("NEXT", lambda one: moment(one.next_run_time)),
    Column("LAST", lambda one: moment(one.last_run.run_time)),
    Column("OUTCOME", _last_outcome),
    Column("DESCRIPTION", lambda one: one.description, prose=True),
)
MORE_COLUMNS = (
    *COLUMNS,
    Column("STARTS", lambda one: one.request.type_url.rpartition(".")[2]),
    Column("DATES", _dates),
    Column("MISSED", _missed),
    Column("CALLER", lambda one: one.caller),
    Column("ETAG", lambda one: one.etag),
)
RUN_COLUMNS = (
    Column("RUN", lambda one: last(one.name)),
    Column("FOR", lambda one: moment(one.scheduled_time)),
    Column("CAUSE", _cause),
    Column("OUTCOME", _outcome),
    Column("OPERATION", lambda one: last(one.operation)),
    Column("REASON", lambda one: one.reason),
    Column("MESSAGE", lambda one: one.message, prose=True),
)

Code = Annotated[str, typer.Argument(help="The schedule's code.")]
Cron = Annotated[str, typer.Option(help="Minute, hour, day of month, month, day of week: '30 1 * * MON-FRI'.")]
Zone = Annotated[str, typer.Option("--time-zone", help="IANA time zone of the cron line; else the business time zone.")]
Request = Annotated[
    str, typer.Option("--request", metavar="JSON", help="The request; without @type one to extract to the ledger.")
]
Dates = Annotated[
    list[str] | None,
    typer.Option("--date", metavar="FIELD=DAY", help="A date of each run, such as created_date_to=yesterday."),
]
MissedOption = Annotated[Missed | None, typer.Option(help="What becomes of times that nobody ran.")]
Description = Annotated[str, typer.Option(help="A description for people.")]
Etag = Annotated[str, typer.Option(help="The etag as last seen; when not given, as it is now.")]


@app.command("list")
def list_(context: typer.Context, limit: Limit = 50, output: ListOutput = Format.TABLE) -> None:
    """List schedules by code."""
    from countinghouse.operations.v1 import schedules_pb2

    with session(context) as client:
        show_list(client.schedules.list(schedules_pb2.ListSchedulesRequest(), limit=limit or None), COLUMNS, output)


@app.command()
def get(context: typer.Context, code: Code, output: Output = Format.TABLE) -> None:
    """Show a schedule."""
    with session(context) as client:
        show_one(_seen(client, code), MORE_COLUMNS, output)


@app.command()
def create(
    context: typer.Context,
    code: Code,
    cron: Cron,
    time_zone: Zone = "",
    request: Request = "{}",
    dates: Dates = None,
    missed: MissedOption = None,
    description: Description = "",
    output: Output = Format.TABLE,
) -> None:
    """Create a schedule, active.

    Such as: countinghouse schedules create nightly --cron '30 1 * * *' --date created_date_to=yesterday
    """
    from countinghouse.operations.v1 import schedules_pb2

    schedule = schedules_pb2.Schedule(
        code=code,
        description=description,
        cron=cron,
        time_zone=time_zone,
        missed_run_policy=choices.number(schedules_pb2.MissedRunPolicy, missed),
    )
    _fill(schedule, request, dates)
    with session(context) as client:
        made = client.schedules.create(schedules_pb2.CreateScheduleRequest(schedule=schedule))
        show_one(made, MORE_COLUMNS, output)


@app.command()
def update(
    context: typer.Context,
    code: Code,
    cron: Annotated[str | None, typer.Option(help="The new cron line.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="The new time zone.")] = None,
    request: Annotated[str | None, typer.Option(metavar="JSON", help="The new request.")] = None,
    dates: Dates = None,
    missed: MissedOption = None,
    description: Annotated[str | None, typer.Option(help="The new description.")] = None,
    etag: Etag = "",
    output: Output = Format.TABLE,
) -> None:
    """Change what is given of a schedule; from then on it runs as you."""
    from google.protobuf.field_mask_pb2 import FieldMask

    from countinghouse.operations.v1 import schedules_pb2

    given = {
        "cron": cron,
        "time_zone": time_zone,
        "request": request,
        "relative_dates": dates,
        "missed_run_policy": missed,
        "description": description,
    }
    paths = [field for field, value in given.items() if value is not None]
    if not paths:
        raise typer.BadParameter("nothing to change was given")
    schedule = schedules_pb2.Schedule(
        name=full("schedules", code),
        cron=cron or "",
        time_zone=time_zone or "",
        missed_run_policy=choices.number(schedules_pb2.MissedRunPolicy, missed),
        description=description or "",
    )
    _fill(schedule, request, dates)
    with session(context) as client:
        schedule.etag = etag or _seen(client, code).etag
        asked = schedules_pb2.UpdateScheduleRequest(schedule=schedule, update_mask=FieldMask(paths=paths))
        show_one(client.schedules.update(asked), MORE_COLUMNS, output)


@app.command()
def pause(context: typer.Context, code: Code, output: Output = Format.TABLE) -> None:
    """Have a schedule start nothing until it is resumed."""
    from countinghouse.operations.v1 import schedules_pb2

    with session(context) as client:
        request = schedules_pb2.PauseScheduleRequest(name=full("schedules", code))
        show_one(client.schedules.pause(request), COLUMNS, output)


@app.command()
def resume(context: typer.Context, code: Code, output: Output = Format.TABLE) -> None:
    """Have a paused schedule start again, from its next time on."""
    from countinghouse.operations.v1 import schedules_pb2

    with session(context) as client:
        request = schedules_pb2.ResumeScheduleRequest(name=full("schedules", code))
        show_one(client.schedules.resume(request), COLUMNS, output)


@app.command()
def run(context: typer.Context, code: Code, output: Output = Format.TABLE) -> None:
    """Start now what a schedule starts, as you; its times stay as they are."""
    from countinghouse.operations.v1 import schedules_pb2

    with session(context) as client:
        started = client.schedules.run(schedules_pb2.RunScheduleRequest(name=full("schedules", code)))
        show_one(started, RUN_COLUMNS, output)
    say(f"Follow it: countinghouse ops watch {last(started.operation)}")


@app.command()
def runs(context: typer.Context, code: Code, limit: Limit = 50, output: ListOutput = Format.TABLE) -> None:
    """List the runs of a schedule, newest first."""
    from countinghouse.operations.v1 import schedules_pb2

    with session(context) as client:
        request = schedules_pb2.ListScheduleRunsRequest(parent=full("schedules", code))
        show_list(client.schedules.list_runs(request, limit=limit or None), RUN_COLUMNS, output)


@app.command()
def delete(context: typer.Context, code: Code, etag: Etag = "") -> None:
    """Delete a schedule; what it has started stays."""
    from countinghouse.operations.v1 import schedules_pb2

    with session(context) as client:
        client.schedules.delete(schedules_pb2.DeleteScheduleRequest(name=full("schedules", code), etag=etag))
    say(f"{full('schedules', code)} is gone; what it has started stays.")


def _seen(client: "Client", code: str) -> "Schedule":
    from countinghouse.operations.v1 import schedules_pb2

    return client.schedules.get(schedules_pb2.GetScheduleRequest(name=full("schedules", code)))


def _fill(schedule: "Schedule", request: str | None, dates: list[str] | None) -> None:
    """Put a request in JSON and dates such as created_date_to=yesterday into a schedule. Raises: typer.BadParameter."""
    # Known by its name once its module is loaded.
    from google.protobuf import json_format

    from countinghouse.accounting.v1 import batches_pb2  # noqa: F401 - see above
    from countinghouse.billing.v1 import billing_runs_pb2  # noqa: F401
    from countinghouse.gl_extraction.v1 import extraction_pb2  # noqa: F401
    from countinghouse.operations.v1 import schedules_pb2

    if request is not None:
        try:
            document: Any = json.loads(request)
            json_format.ParseDict({"@type": REQUEST, **document}, schedule.request)
        except (ValueError, TypeError, json_format.ParseError) as error:
            raise typer.BadParameter(f"is no request in JSON: {error}", param_hint="--request") from None
    for given in dates or ():
        field, _, day = given.partition("=")
        if day not in set(RelativeDate):
            text = f"{given!r} is not FIELD=DAY, with a day of {', '.join(RelativeDate)}"
            raise typer.BadParameter(text, param_hint="--date")
        schedule.relative_dates[field] = choices.number(schedules_pb2.RelativeDate, RelativeDate(day))
