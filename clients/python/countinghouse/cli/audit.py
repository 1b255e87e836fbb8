"""`countinghouse audit`: who changed what."""

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from countinghouse.cli.choices import INSTANT_FORMATS, instant
from countinghouse.cli.names import full
from countinghouse.cli.output import Column, Format, Limit, ListOutput, jsonable, moment, show_list
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from countinghouse.operations.v1.audit_pb2 import AuditEntry

app = typer.Typer(help="The audit trail: who changed what, when, by which call.", no_args_is_help=True)


def _changes(entry: "AuditEntry") -> str:
    return json.dumps(_whole(jsonable(entry.changes)), ensure_ascii=False, sort_keys=True)


COLUMNS = (
    Column("TIME", lambda entry: moment(entry.event_time)),
    Column("TYPE", lambda entry: entry.type),
    Column("RESOURCE", lambda entry: entry.resource),
    Column("CALLER", lambda entry: entry.caller),
    Column("OPERATION", lambda entry: entry.operation),
    Column("CHANGES", _changes, prose=True),
)


def _whole(value: object) -> object:
    """The value with its counts as whole numbers: a Struct knows no integers."""
    if isinstance(value, dict):
        return {key: _whole(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@app.callback()
def group() -> None:
    """The audit trail: who changed what, when, by which call."""


@app.command("list")
def list_(
    context: typer.Context,
    resource: Annotated[str, typer.Option(help="Only about this resource, by its full name.")] = "",
    caller: Annotated[str, typer.Option(help="Only by this caller.")] = "",
    type_: Annotated[str, typer.Option("--type", help="Only of this type, such as accounting_period.closed.")] = "",
    operation: Annotated[str, typer.Option(help="Only of this operation.")] = "",
    since: Annotated[datetime | None, typer.Option(formats=INSTANT_FORMATS, help="From this instant on, UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=INSTANT_FORMATS, help="Before this instant, UTC.")] = None,
    limit: Limit = 50,
    output: ListOutput = Format.TABLE,
) -> None:
    """List entries, newest first."""
    from countinghouse.operations.v1 import audit_pb2

    request = audit_pb2.ListAuditEntriesRequest(
        resource=resource,
        caller=caller,
        type=type_,
        operation=full("operations", operation) if operation else "",
        start_time=instant(since),
        end_time=instant(until),
    )
    with session(context) as client:
        show_list(client.audit.list_entries(request, limit=limit or None), COLUMNS, output)
