"""`countinghouse accounting watch`: what happens to the claims of a client, or to one claim."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from countinghouse.cli.exits import INTERRUPTED
from countinghouse.cli.names import full, last
from countinghouse.cli.output import Format, jsonable, moment, say, word
from countinghouse.cli.progress import Display
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from countinghouse.accounting.v1.feed_pb2 import (
        AccountingEvent,
        WatchAccountingEventsResponse,
        WatchClaimResponse,
    )
    from countinghouse.client import Client

    Message = WatchAccountingEventsResponse | WatchClaimResponse


def watch(
    context: typer.Context,
    client: Annotated[str, typer.Option(help="Watch the claims of this client.")] = "",
    claim: Annotated[str, typer.Option(help="Watch this claim.")] = "",
    after: Annotated[
        int | None, typer.Option(min=0, help="Go on after this position of the client, or sequence of the claim.")
    ] = None,
    max_wait: Annotated[float | None, typer.Option(min=0.1, help="Stop after so many seconds.")] = None,
    output: Annotated[Format, typer.Option("-o", "--output", help="A line of text or of JSON each.")] = Format.TABLE,
) -> None:
    """Show what happens to the claims of a client, or to one claim, as it happens; with `-o json` as lines of JSON.

    Without --after, from now on; of a client, --after 0 begins with the first event there was. A lost connection is
    taken up where it was cut.
    """
    if bool(client) == bool(claim):
        raise typer.BadParameter("give --client or --claim", param_hint="--client / --claim")
    if output is Format.YAML:
        raise typer.BadParameter("events are lines of text, or of json", param_hint="--output")
    place = after
    try:
        with session(context, patient=True) as connected:
            for message in _messages(connected, client, claim, after, max_wait):
                place = _place(message)
                print(_json(message) if output is Format.JSON else _line(message), flush=True)
    except KeyboardInterrupt:
        chosen = f"--client {last(client)}" if client else f"--claim {last(claim)}"
        say("Go on where this ended:")
        say(f"  countinghouse accounting watch {chosen}{'' if place is None else f' --after {place}'}")
        raise typer.Exit(INTERRUPTED) from None


def _messages(
    connected: "Client", client: str, claim: str, after: int | None, max_wait: float | None
) -> "Iterator[Message]":
    accounting, on_retry = connected.accounting, Display().retry
    if client:
        name = full("clients", client)
        return accounting.watch_events(name, after_position=after, timeout_s=max_wait, on_retry=on_retry)
    name = full("claims", claim)
    return accounting.watch_claim(name, after_sequence=after or 0, timeout_s=max_wait, on_retry=on_retry)


def _place(message: "Message") -> int:
    from countinghouse.accounting.v1.feed_pb2 import WatchClaimResponse

    return message.sequence if isinstance(message, WatchClaimResponse) else message.position


def _json(message: "Message") -> str:
    return json.dumps(jsonable(message), ensure_ascii=False)


def _line(message: "Message") -> str:
    """Its place, when it was, what it was, and of what."""
    from countinghouse.accounting.v1.claims_pb2 import ClaimState
    from countinghouse.accounting.v1.feed_pb2 import WatchClaimResponse

    if isinstance(message, WatchClaimResponse) and message.HasField("claim"):
        what, of = f"claim {word(ClaimState, message.claim.state)}", message.claim.name
    else:
        what, of = _what(message.event)
    return f"{_place(message):>8}  {moment(message.event_time)}  {what:<20}  {of}"


def _what(event: "AccountingEvent") -> tuple[str, str]:
    from countinghouse.accounting.v1.feed_pb2 import AccountingEventKind

    return word(AccountingEventKind, event.kind), event.operation or event.claim
