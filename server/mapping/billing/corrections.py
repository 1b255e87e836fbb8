"""What becomes of bills, as the contract tells it."""

from __future__ import annotations

from countinghouse.billing.v1 import bill_corrections_pb2 as pb
from domain.billing.bills.completing import Key
from domain.billing.bills.correcting import Corrected, Correction
from domain.billing.segments.store.bills import Sum
from domain.kernel.errors import Invalid, Violation
from server.mapping.billing.names import key_from_name
from server.mapping.billing.segments import bill_to_proto, segment_to_proto

_TOLD_MAX = 1_000


def key_from_proto(request: pb.FreezeBillRequest | pb.CompleteBillRequest | pb.ReopenBillRequest) -> Key:
    """Which bill, as it was seen."""
    return Key(*key_from_name(request.name), request.etag)


def credited_from_proto(request: pb.CreateCreditNoteRequest) -> tuple[Key, tuple[str, ...]]:
    """Which bill, and which of its segments. Raises: Invalid for every segment of another account."""
    account_id, bill_id = key_from_name(request.bill)
    keys = [key_from_name(name) for name in request.bill_segments]
    text = f"belongs to another account than {request.bill}"
    found = [
        Violation(f"bill_segments[{at}]", "BILL_SEGMENT_OF_ANOTHER_ACCOUNT", text)
        for at, (account, _) in enumerate(keys)
        if account != account_id
    ]
    if found:
        raise Invalid(*found)
    return Key(account_id, bill_id, request.etag), tuple(segment_id for _, segment_id in keys)


def correction_from_proto(request: pb.CancelBillSegmentRequest | pb.RebillBillSegmentRequest) -> Correction:
    """Which segment is corrected, and why."""
    accepted = isinstance(request, pb.RebillBillSegmentRequest) and request.accept_implausible
    return Correction(*key_from_name(request.name), request.reason, accepted)


def corrected_to_proto(found: Corrected, of: Sum) -> pb.BillCorrection:
    """What was corrected, on a bill that comes to so much now."""
    return pb.BillCorrection(
        bill=bill_to_proto(found.bill, of),
        corrected=map(segment_to_proto, found.taken_back[:_TOLD_MAX]),
        made=map(segment_to_proto, found.made[:_TOLD_MAX]),
    )
