"""Events of claims as the contract tells them."""

from __future__ import annotations

from countinghouse.accounting.v1 import feed_pb2 as pb
from countinghouse.operations.v1.operations_pb2 import WatchHeartbeat
from domain.accounting.claims.model import Claim
from domain.accounting.feed.model import AccountingEvent, EventKind
from domain.accounting.names import claim_name, operation_name
from server.mapping.accounting.claims import claim_to_proto
from server.mapping.operations import instant_to_proto

# Looked up when the module loads: a kind of the domain that the contract lacks stops the server.
_KINDS = {kind: pb.AccountingEventKind.Value(f"ACCOUNTING_EVENT_KIND_{kind}") for kind in EventKind}


def event_to_proto(event: AccountingEvent) -> pb.AccountingEvent:
    """An event."""
    return pb.AccountingEvent(
        name=event.name,
        kind=_KINDS[event.kind],
        event_time=instant_to_proto(event.at_us),
        claim=claim_name(event.claim_id),
        operation=operation_name(event.claim_id, event.operation_id) if event.operation_id else "",
        client_code=event.client_code,
        sequence=event.sequence,
        position=event.position,
    )


def event_of_client(event: AccountingEvent) -> pb.WatchAccountingEventsResponse:
    """An event as watchers of its client are sent it."""
    return pb.WatchAccountingEventsResponse(
        position=event.position, event_time=instant_to_proto(event.at_us), event=event_to_proto(event)
    )


def event_of_claim(event: AccountingEvent) -> pb.WatchClaimResponse:
    """An event as watchers of its claim are sent it."""
    return pb.WatchClaimResponse(
        sequence=event.sequence, event_time=instant_to_proto(event.at_us), event=event_to_proto(event)
    )


def claim_as_seen(claim: Claim) -> pb.WatchClaimResponse:
    """A claim as it stood when a watch of it began."""
    return pb.WatchClaimResponse(
        sequence=claim.events_made, event_time=instant_to_proto(claim.updated_us), claim=claim_to_proto(claim)
    )


def heartbeat_of_client(position: int) -> pb.WatchAccountingEventsResponse:
    """That a watch of a client is alive."""
    return pb.WatchAccountingEventsResponse(position=position, heartbeat=WatchHeartbeat())


def heartbeat_of_claim(sequence: int) -> pb.WatchClaimResponse:
    """That a watch of a claim is alive."""
    return pb.WatchClaimResponse(sequence=sequence, heartbeat=WatchHeartbeat())
