"""What a hook is asked about a batch of invoices, and what it answers, as the contract tells it (INV-10)."""

from __future__ import annotations

from countinghouse.connector.v1 import hook_pb2 as pb
from domain.invoicing.batches.hooks import Asked, Decision, Point
from domain.kernel.errors import Invalid
from domain.kernel.money import Money
from server.gate.validation import validate
from server.mapping.money import money_to_proto
from server.outbound.hooks.telling import BadAnswer

# Looked up when the module loads: a word of the domain that the contract lacks stops the server.
_POINTS = {each: pb.InvoiceBatchPoint.Value(f"INVOICE_BATCH_POINT_{each}") for each in Point}


def batch_request_of(asked: Asked) -> pb.DecideInvoiceBatchRequest:
    """What is asked."""
    return pb.DecideInvoiceBatchRequest(
        hookpoint_key=asked.key,
        point=_POINTS[asked.point],
        invoice_batch_id=asked.batch_id,
        billing_cycle_code=asked.cycle_code,
        schedule_codes=asked.schedules,
        counts=dict(asked.counts),
        totals=[
            pb.InvoiceBatchTotal(
                net_amount=money_to_proto(Money(net, currency)), tax_amount=money_to_proto(Money(tax, currency))
            )
            for currency, (net, tax) in sorted(asked.totals.items())
        ],
    )


def decision_of(answer: pb.DecideInvoiceBatchResponse) -> Decision:
    """What is answered. Raises: BadAnswer with the first fault."""
    try:
        validate(answer)
    except Invalid as error:
        raise BadAnswer("; ".join(f"{each.field}: {each.description}" for each in error.violations[:1])) from None
    return Decision(answer.decision == pb.INVOICE_BATCH_DECISION_GO_ON, answer.message)
