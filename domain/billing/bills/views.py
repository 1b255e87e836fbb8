"""A bill as algorithms are shown it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from domain.billing.algorithms.model import AgreementView, BillView, SegmentView
from domain.billing.ordering.model import Place
from domain.billing.segments.model import Bill, Facts, Segment
from domain.kernel.amounts import scale_of


def bill_view(facts: Facts, bill: Bill, places: Sequence[Place], segments: Iterable[Segment]) -> BillView:
    """The bill of an account with these segments; its agreements in the processing order."""
    by_id = {each.agreement_id: each for each in facts.agreements}
    account = facts.account
    return BillView(
        account_id=account.account_id,
        bill_id=bill.bill_id,
        customer_class=account.customer_class_code,
        currency=account.currency,
        bill_day=bill.bill_day,
        attributes=account.attributes,
        agreements=tuple(
            AgreementView(
                agreement.agreement_id,
                agreement.type_code,
                agreement.master_id,
                agreement.start_day,
                agreement.end_day,
                agreement.attributes,
            )
            for agreement in (by_id[place.agreement.id] for place in places)
        ),
        segments=tuple(map(segment_view, segments)),
        messages=bill.messages,
    )


def segment_view(segment: Segment) -> SegmentView:
    """A segment; of its totals those by unit of measure."""
    return SegmentView(
        segment_id=segment.segment_id,
        agreement_id=segment.agreement_id,
        kind=segment.kind,
        state=segment.state,
        start_day=segment.period.start,
        end_day=segment.period.end,
        amount=segment.amount,
        tax=segment.tax,
        reason=segment.reason,
        rebills=bool(segment.rebills_id),
        totals={unit: total for unit, total in segment.worked.totals.items() if scale_of(unit) is None},
    )
