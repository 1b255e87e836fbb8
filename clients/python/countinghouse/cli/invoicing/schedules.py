"""`countinghouse invoicing schedules`: the periods of a billing cycle, and where they end."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from countinghouse.cli import choices
from countinghouse.cli.names import full, last
from countinghouse.cli.output import Column, Format, Limit, ListOutput, Output, say, show_list, show_one, word, yes
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

    from countinghouse.client import Client
    from countinghouse.invoicing.v1.invoice_schedules_pb2 import InvoiceSchedule

app = typer.Typer(help="Schedules of a billing cycle: list, create, change, delete.", no_args_is_help=True)

_UTC = "%Y-%m-%dT%H:%M:%SZ"
_FORMATS = [*choices.INSTANT_FORMATS, _UTC]

Cycle = Annotated[str, typer.Argument(metavar="CYCLE", help="The billing cycle.")]
Code = Annotated[str, typer.Argument(metavar="SCHEDULE", help="The schedule's code, such as 2026-04-01.")]
Start = Annotated[
    str, typer.Option("--start", metavar="TIME", help="When it starts, in the cycle's time zone; in UTC with a Z.")
]
End = Annotated[
    str, typer.Option("--end", metavar="TIME", help="When it ends, likewise; 23:59:59 means that whole second.")
]
Etag = Annotated[str, typer.Option(help="The etag as last seen; when not given, as it is now.")]
RequestId = Annotated[str, typer.Option(help="Repeating a call with its id changes nothing.")]
ValidateOnly = Annotated[bool, typer.Option("--dry-run", "--validate-only", help="Show what would be; change nothing.")]


def _state(one: "InvoiceSchedule") -> str:
    from countinghouse.invoicing.v1.invoice_schedules_pb2 import InvoiceScheduleState

    return word(InvoiceScheduleState, one.state)


def _columns(zone: ZoneInfo) -> tuple[Column, ...]:
    """With times as the cycle has them."""

    def local(stamp: "Timestamp") -> str:
        return stamp.ToDatetime(UTC).astimezone(zone).isoformat(sep=" ", timespec="seconds")

    return (
        Column("SCHEDULE", lambda one: one.code),
        Column("START", lambda one: local(one.start_time)),
        Column("END", lambda one: local(one.end_time)),
        Column("STATE", _state),
        Column("BATCH", lambda one: last(one.invoice_batch)),
        Column("MADE", lambda one: yes(one.made)),
        Column("ETAG", lambda one: one.etag),
    )


@app.command("list")
def list_(context: typer.Context, cycle: Cycle, limit: Limit = 0, output: ListOutput = Format.TABLE) -> None:
    """List the schedules of a cycle by their start, with times as the cycle has them."""
    from countinghouse.invoicing.v1 import invoice_schedules_pb2 as pb

    with session(context) as client:
        request = pb.ListInvoiceSchedulesRequest(parent=full("billingCycles", cycle))
        columns = _columns(_zone(client, cycle))
        show_list(client.invoicing.list_schedules(request, limit=limit or None), columns, output)


@app.command()
def create(
    context: typer.Context,
    cycle: Cycle,
    code: Code,
    start: Start = "",
    end: End = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    output: Output = Format.TABLE,
) -> None:
    """Add a schedule behind the last one, or before the first; neither with a gap nor an overlap.

    Without --start it starts where the last one ends, without --end it is as long as the cycle says.
    """
    from countinghouse.invoicing.v1 import invoice_schedules_pb2 as pb

    with session(context) as client:
        zone = _zone(client, cycle)
        new = pb.InvoiceSchedule(
            code=code, start_time=_instant(start, zone, "--start"), end_time=_instant(end, zone, "--end")
        )
        request = pb.CreateInvoiceScheduleRequest(
            parent=full("billingCycles", cycle),
            invoice_schedule=new,
            request_id=request_id,
            validate_only=validate_only,
        )
        show_one(client.invoicing.create_schedule(request), _columns(zone), output)


@app.command()
def change(
    context: typer.Context,
    cycle: Cycle,
    code: Code,
    start: Start = "",
    end: End = "",
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
    output: Output = Format.TABLE,
) -> None:
    """Move the end of the last schedule of a cycle, or the start of the first, while it is open and in no batch."""
    from google.protobuf.field_mask_pb2 import FieldMask

    from countinghouse.invoicing.v1 import invoice_schedules_pb2 as pb

    if not (start or end):
        raise typer.BadParameter("say a new --end, or a new --start", param_hint="--end")
    name = _name(cycle, code)
    with session(context) as client:
        zone = _zone(client, cycle)
        changed = pb.InvoiceSchedule(
            name=name,
            start_time=_instant(start, zone, "--start"),
            end_time=_instant(end, zone, "--end"),
            etag=etag or client.invoicing.get_schedule(pb.GetInvoiceScheduleRequest(name=name)).etag,
        )
        paths = [path for path, given in (("start_time", start), ("end_time", end)) if given]
        request = pb.UpdateInvoiceScheduleRequest(
            invoice_schedule=changed,
            update_mask=FieldMask(paths=paths),
            request_id=request_id,
            validate_only=validate_only,
        )
        show_one(client.invoicing.update_schedule(request), _columns(zone), output)


@app.command()
def delete(
    context: typer.Context,
    cycle: Cycle,
    code: Code,
    etag: Etag = "",
    request_id: RequestId = "",
    validate_only: ValidateOnly = False,
) -> None:
    """Delete the first or the last schedule of a cycle, which has no invoices."""
    from countinghouse.invoicing.v1 import invoice_schedules_pb2 as pb

    name = _name(cycle, code)
    with session(context) as client:
        etag = etag or client.invoicing.get_schedule(pb.GetInvoiceScheduleRequest(name=name)).etag
        client.invoicing.delete_schedule(
            pb.DeleteInvoiceScheduleRequest(name=name, etag=etag, request_id=request_id, validate_only=validate_only)
        )
    say(f"{'Would be deleted' if validate_only else 'Deleted'}: {last(name)}.")


def _name(cycle: str, code: str) -> str:
    return f"{full('billingCycles', cycle)}/schedules/{last(code)}"


def _zone(client: "Client", cycle: str) -> ZoneInfo:
    from countinghouse.invoicing.v1.billing_cycles_pb2 import GetBillingCycleRequest

    found = client.invoicing.get_cycle(GetBillingCycleRequest(name=full("billingCycles", cycle)))
    return ZoneInfo(found.time_zone)


def _instant(text: str, zone: ZoneInfo, option: str) -> "Timestamp | None":
    """A time in a zone, or with a Z in UTC, for the wire. Raises: typer.BadParameter."""
    from google.protobuf.timestamp_pb2 import Timestamp

    if not text:
        return None
    for form in _FORMATS:
        try:
            told = datetime.strptime(text, form).replace(tzinfo=UTC if form == _UTC else zone)
        except ValueError:
            continue
        stamp = Timestamp()
        stamp.FromDatetime(told.astimezone(UTC))
        return stamp
    raise typer.BadParameter(f"{text!r} is no time such as 2026-05-01, or 2026-04-30T22:00:00Z", param_hint=option)
