"""`countinghouse notifications`: who is told what has happened, and what became of it."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from countinghouse.cli import choices
from countinghouse.cli.names import full, last
from countinghouse.cli.output import (
    Column,
    Format,
    Limit,
    ListOutput,
    Output,
    moment,
    say,
    show_list,
    show_one,
    word,
    yes,
)
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from countinghouse.client.sync.client import Client
    from countinghouse.operations.v1.notifications_pb2 import Delivery, NotificationEndpoint

app = typer.Typer(help="Notifications: who is told what has happened, and what became of it.", no_args_is_help=True)


class State(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given-up"
    WITHDRAWN = "withdrawn"


class Kind(StrEnum):
    """What kind of thing is delivered."""

    WEBHOOK = "webhook"
    TRANSMISSION = "transmission"
    SYSTEM_OF_RECORD = "system-of-record"


def _state(one: "Delivery") -> str:
    from countinghouse.operations.v1.notifications_pb2 import DeliveryState

    return word(DeliveryState, one.state)


COLUMNS = (
    Column("ENDPOINT", lambda one: last(one.name)),
    Column("URL", lambda one: one.url, prose=True),
    Column("TYPES", lambda one: ", ".join(one.event_types) or "all", prose=True),
    Column("DISABLED", lambda one: yes(one.disabled)),
    Column("DESCRIPTION", lambda one: one.description, prose=True),
)
MORE_COLUMNS = (
    *COLUMNS,
    Column("SECRET NUMBER", lambda one: str(one.secret_number)),
    Column("OLD SECRET UNTIL", lambda one: moment(one.old_secret_expire_time)),
    Column("CREATED", lambda one: moment(one.create_time)),
    Column("CHANGED", lambda one: moment(one.update_time)),
    Column("ETAG", lambda one: one.etag),
)
SECRET_COLUMNS = (*MORE_COLUMNS, Column("SECRET", lambda one: one.secret))
DELIVERY_COLUMNS = (
    Column("DELIVERY", lambda one: last(one.name)),
    Column("STATE", _state),
    Column("TARGET", lambda one: one.target),
    Column("SUBJECT", lambda one: one.subject),
    Column("TYPE", lambda one: one.event_type),
    Column("ATTEMPTS", lambda one: str(one.attempts)),
    Column("LAST", lambda one: moment(one.attempt_time)),
    Column("NEXT", lambda one: moment(one.next_attempt_time)),
    Column("REASON", lambda one: one.failure_reason),
)
MORE_DELIVERY_COLUMNS = (
    *DELIVERY_COLUMNS,
    Column("MESSAGE", lambda one: one.failure_message, prose=True),
    Column("KEY", lambda one: one.key),
    Column("CREATED", lambda one: moment(one.create_time)),
    Column("ENDED", lambda one: moment(one.end_time)),
    Column("SENT AGAIN", lambda one: str(one.redeliveries)),
)

Endpoint = Annotated[str, typer.Argument(help="The endpoint's id.")]
DeliveryName = Annotated[str, typer.Argument(help="The delivery's id.")]
Types = Annotated[
    list[str] | None,
    typer.Option("--type", metavar="TYPE", help="Only such events, as countinghouse.operation.failed; else all."),
]
Description = Annotated[str, typer.Option(help="A description for people.")]
Etag = Annotated[str, typer.Option(help="The etag as last seen; when not given, as it is now.")]


@app.command("list")
def list_(context: typer.Context, limit: Limit = 50, output: ListOutput = Format.TABLE) -> None:
    """List endpoints, oldest first."""
    from countinghouse.operations.v1 import notifications_pb2

    with session(context) as client:
        request = notifications_pb2.ListNotificationEndpointsRequest()
        show_list(client.notifications.list_endpoints(request, limit=limit or None), COLUMNS, output)


@app.command()
def get(context: typer.Context, endpoint: Endpoint, output: Output = Format.TABLE) -> None:
    """Show an endpoint."""
    with session(context) as client:
        show_one(_seen(client, endpoint), MORE_COLUMNS, output)


@app.command()
def create(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="Where to: an https URL without credentials.")],
    types: Types = None,
    description: Description = "",
    disabled: Annotated[bool, typer.Option("--disabled", help="Tell it nothing for now.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Create an endpoint, and show its secret: this once."""
    from countinghouse.operations.v1 import notifications_pb2

    endpoint = notifications_pb2.NotificationEndpoint(
        url=url, event_types=types or (), description=description, disabled=disabled
    )
    with session(context) as client:
        request = notifications_pb2.CreateNotificationEndpointRequest(notification_endpoint=endpoint)
        show_one(client.notifications.create_endpoint(request), SECRET_COLUMNS, output)
    say("Keep the secret now: it is not shown again.")


@app.command()
def update(
    context: typer.Context,
    endpoint: Endpoint,
    url: Annotated[str | None, typer.Option(help="The new URL.")] = None,
    types: Types = None,
    all_types: Annotated[bool, typer.Option("--all-types", help="Tell it of all events.")] = False,
    description: Annotated[str | None, typer.Option(help="The new description.")] = None,
    disabled: Annotated[bool | None, typer.Option("--disable/--enable", help="Tell it nothing, or again.")] = None,
    etag: Etag = "",
    output: Output = Format.TABLE,
) -> None:
    """Change what is given of an endpoint."""
    from google.protobuf.field_mask_pb2 import FieldMask

    from countinghouse.operations.v1 import notifications_pb2

    if types and all_types:
        raise typer.BadParameter("give either --type or --all-types")
    given = {
        "url": url,
        "event_types": [] if all_types else types,
        "description": description,
        "disabled": disabled,
    }
    paths = [field for field, value in given.items() if value is not None]
    if not paths:
        raise typer.BadParameter("nothing to change was given")
    changed = notifications_pb2.NotificationEndpoint(
        name=full("notificationEndpoints", endpoint),
        url=url or "",
        event_types=types or (),
        description=description or "",
        disabled=bool(disabled),
    )
    with session(context) as client:
        changed.etag = etag or _seen(client, endpoint).etag
        request = notifications_pb2.UpdateNotificationEndpointRequest(
            notification_endpoint=changed, update_mask=FieldMask(paths=paths)
        )
        show_one(client.notifications.update_endpoint(request), MORE_COLUMNS, output)


@app.command()
def delete(context: typer.Context, endpoint: Endpoint, etag: Etag = "") -> None:
    """Delete an endpoint; what waits for it is given up."""
    from countinghouse.operations.v1 import notifications_pb2

    name = full("notificationEndpoints", endpoint)
    with session(context) as client:
        client.notifications.delete_endpoint(notifications_pb2.DeleteNotificationEndpointRequest(name=name, etag=etag))
    say(f"{name} is gone; what waits for it is given up.")


@app.command("test")
def send_test(context: typer.Context, endpoint: Endpoint, output: Output = Format.TABLE) -> None:
    """Send an endpoint a test, the whole way that all others go."""
    from countinghouse.operations.v1 import notifications_pb2

    with session(context) as client:
        name = full("notificationEndpoints", endpoint)
        sent = client.notifications.test_endpoint(notifications_pb2.TestNotificationEndpointRequest(name=name))
        show_one(sent, DELIVERY_COLUMNS, output)
    say(f"See what becomes of it: countinghouse notifications delivery {last(sent.name)}")


@app.command()
def rotate_secret(context: typer.Context, endpoint: Endpoint, etag: Etag = "", output: Output = Format.TABLE) -> None:
    """Give an endpoint a new secret, and show it: this once. The old one signs, too, for a day."""
    from countinghouse.operations.v1 import notifications_pb2

    name = full("notificationEndpoints", endpoint)
    with session(context) as client:
        etag = etag or _seen(client, endpoint).etag
        request = notifications_pb2.RotateNotificationEndpointSecretRequest(name=name, etag=etag)
        show_one(client.notifications.rotate_secret(request), SECRET_COLUMNS, output)
    say("Keep the secret now: it is not shown again.")


@app.command()
def deliveries(
    context: typer.Context,
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    kind: Annotated[Kind | None, typer.Option(help="Only those of this kind.")] = None,
    endpoint: Annotated[str, typer.Option(help="Only those to this endpoint.")] = "",
    subject: Annotated[str, typer.Option(help="Only those about this resource, such as operations/ID.")] = "",
    key: Annotated[str, typer.Option(help="Only those with this key: the id of an event.")] = "",
    limit: Limit = 50,
    output: ListOutput = Format.TABLE,
) -> None:
    """List deliveries, newest first."""
    from countinghouse.operations.v1 import notifications_pb2

    request = notifications_pb2.ListDeliveriesRequest(
        state=choices.number(notifications_pb2.DeliveryState, state),
        kind=choices.number(notifications_pb2.DeliveryKind, kind),
        target=full("notificationEndpoints", endpoint) if endpoint else "",
        subject=subject,
        key=key,
    )
    with session(context) as client:
        show_list(client.notifications.list_deliveries(request, limit=limit or None), DELIVERY_COLUMNS, output)


@app.command()
def delivery(context: typer.Context, delivery: DeliveryName, output: Output = Format.TABLE) -> None:
    """Show a delivery."""
    from countinghouse.operations.v1 import notifications_pb2

    with session(context) as client:
        request = notifications_pb2.GetDeliveryRequest(name=full("deliveries", delivery))
        show_one(client.notifications.get_delivery(request), MORE_DELIVERY_COLUMNS, output)


@app.command()
def redeliver(context: typer.Context, delivery: DeliveryName, output: Output = Format.TABLE) -> None:
    """Send a delivery that has ended again, with the same content and key."""
    from countinghouse.operations.v1 import notifications_pb2

    with session(context) as client:
        request = notifications_pb2.RedeliverDeliveryRequest(name=full("deliveries", delivery))
        show_one(client.notifications.redeliver(request), DELIVERY_COLUMNS, output)


def _seen(client: "Client", endpoint: str) -> "NotificationEndpoint":
    from countinghouse.operations.v1 import notifications_pb2

    name = full("notificationEndpoints", endpoint)
    return client.notifications.get_endpoint(notifications_pb2.GetNotificationEndpointRequest(name=name))
