"""Invoices as the contract tells them."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

from countinghouse.invoicing.v1 import invoices_pb2 as pb
from domain.invoicing.invoices.explaining import Explanation
from domain.invoicing.invoices.model import RATE_UNIT, InvoiceTax, Shown, ShownState
from domain.invoicing.invoices.states import InvoiceKind
from domain.invoicing.invoices.store.reading import Filter
from domain.invoicing.names import batch_name, cycle_name, invoice_name, recipient_name, schedule_name
from domain.kernel.errors import Invalid, Violation
from domain.kernel.money import Money
from server.mapping.days import day_to_proto
from server.mapping.decimals import decimal_to_proto
from server.mapping.entries import code_from_name
from server.mapping.invoicing.parties import party_to_proto
from server.mapping.money import money_to_proto
from server.mapping.operations import instant_to_proto
from server.mapping.updates import mask_faults

WORD = "invoice"

_KINDS = {
    InvoiceKind.INVOICE: pb.INVOICE_KIND_INVOICE,
    InvoiceKind.CREDIT_NOTE: pb.INVOICE_KIND_CREDIT_NOTE,
}
_STATES = {
    ShownState.RUNNING: pb.INVOICE_STATE_RUNNING,
    ShownState.CLOSED: pb.INVOICE_STATE_CLOSED,
    ShownState.LOCKED: pb.INVOICE_STATE_LOCKED,
    ShownState.PUBLISHED: pb.INVOICE_STATE_PUBLISHED,
    ShownState.MERGED: pb.INVOICE_STATE_MERGED,
}
_KINDS_BY_NUMBER = {number: kind for kind, number in _KINDS.items()}
_STATES_BY_NUMBER = {number: state for state, number in _STATES.items()}
_PERCENT = RATE_UNIT // 100


def invoice_to_proto(shown: Shown) -> pb.Invoice:
    """An invoice."""
    found = shown.invoice
    told = pb.Invoice(
        name=found.name,
        account=f"accounts/{found.account_id}",
        billing_cycle=cycle_name(found.cycle_code),
        kind=_KINDS[found.kind],
        state=_STATES[shown.state],
        final=found.final,
        currency_code=found.currency,
        net_amount=money_to_proto(Money(found.net_minor, found.currency)),
        aggregated=found.aggregated,
        line_count=found.line_count,
        carried_count=found.carried_count,
        number=shown.number,
        invoice_batch=batch_name(found.batch_id) if found.batch_id else "",
        recipient=recipient_name(found.account_id) if found.recipient_version else "",
        recipient_etag=str(found.recipient_version) if found.recipient_version else "",
        credited_invoice=invoice_name(found.account_id, found.credits_id) if found.credits_id else "",
        reason=found.reason,
        merged_into=invoice_name(found.account_id, found.merged_into) if found.merged_into else "",
        create_time=instant_to_proto(found.created_us),
        update_time=instant_to_proto(found.updated_us),
        etag=found.etag,
    )
    if found.kind is InvoiceKind.INVOICE:
        told.invoice_schedule = schedule_name(found.cycle_code, found.schedule_code)
    if shown.issue_day:
        told.issue_date.CopyFrom(day_to_proto(shown.issue_day))
        told.due_date.CopyFrom(day_to_proto(shown.due_day))
    if shown.recipient is not None:
        told.recipient_party.CopyFrom(party_to_proto(shown.recipient.party))
        told.recipient_reference = shown.recipient.reference
    if shown.credited_minor:
        told.credited_amount.CopyFrom(money_to_proto(Money(shown.credited_minor, found.currency)))
    if found.aggregated:
        told.tax_amount.CopyFrom(money_to_proto(Money(found.tax_minor, found.currency)))
        told.total_amount.CopyFrom(money_to_proto(Money(found.net_minor + found.tax_minor, found.currency)))
        told.taxes.extend(_tax_to_proto(tax, found.currency) for tax in shown.taxes)
    return told


def explanation_to_proto(told: Explanation) -> pb.ExplainInvoiceResponse:
    """Why an invoice stands where it stands."""
    currency, minimum = told.shown.invoice.currency, told.minimum_minor
    return pb.ExplainInvoiceResponse(
        invoice=invoice_to_proto(told.shown),
        closes=told.closes,
        reasons=[pb.InvoiceReason(code=each.why.value, description=each.sentence) for each in told.reasons],
        minimum_amount=None if minimum is None else money_to_proto(Money(minimum, currency)),
        maximum_carries=told.maximum_carries,
        schedule_end_time=instant_to_proto(told.end_us) if told.end_us else None,
    )


def ids_from_name(name: str) -> tuple[str, str]:
    """The account and the invoice that a name is of."""
    _, account, _, invoice = name.split("/")
    return account, invoice


def filter_from_proto(given: pb.InvoiceFilter, states: Collection[ShownState] = ()) -> Filter:
    """Which invoices, but for their number; `states` in place of those that are asked for.

    Raises: Invalid for a schedule of another cycle than is named, a credited invoice of another account, and for states
    where there is nothing to choose.
    """
    if states and given.states:
        text = "must not be given: these are all published"
        raise Invalid(Violation("filter.states", "STATES_NOT_CHOSEN", text))
    cycle, schedule = code_from_name(given.billing_cycle), ""
    if given.invoice_schedule:
        _, own, _, schedule = given.invoice_schedule.split("/")
        if cycle not in {"", own}:
            text = "must be of the billing cycle that is named beside it"
            raise Invalid(Violation("filter.invoice_schedule", "INVOICE_SCHEDULE_OF_OTHER_CYCLE", text))
        cycle = own
    account, credits_id = code_from_name(given.account), ""
    if given.credited_invoice:
        of, credits_id = ids_from_name(given.credited_invoice)
        if account not in {"", of}:
            text = "must be of the account that is named beside it"
            raise Invalid(Violation("filter.credited_invoice", "INVOICE_OF_OTHER_ACCOUNT", text))
        account = of
    return Filter(
        account,
        cycle,
        schedule,
        code_from_name(given.invoice_batch),
        credits_id,
        states or {_STATES_BY_NUMBER[each] for each in given.states},
        {_KINDS_BY_NUMBER[each] for each in given.kinds},
    )


def final_from_proto(request: pb.UpdateInvoiceRequest) -> bool | None:
    """What `final` becomes; None if it stays. Raises: Invalid for a mask with what is no field, or cannot change."""
    given, paths = request.invoice, request.update_mask.paths
    found = list(mask_faults(given, request.update_mask, WORD))
    fixed = sorted(set(paths) & set(given.DESCRIPTOR.fields_by_name) - {"final"})
    found += [Violation("update_mask", "FIELD_IMMUTABLE", f"{path} is not changed by this call") for path in fixed]
    if found:
        raise Invalid(*found)
    return given.final if paths or given.final else None


def percent_of(ppm: int) -> Decimal:
    """A tax rate in hundredths."""
    return Decimal(ppm) / _PERCENT


def _tax_to_proto(tax: InvoiceTax, currency: str) -> pb.InvoiceTax:
    return pb.InvoiceTax(
        tax_category=tax.tax_category,
        tax_percent=decimal_to_proto(percent_of(tax.tax_ppm)),
        net_amount=money_to_proto(Money(tax.net_minor, currency)),
        tax_amount=money_to_proto(Money(tax.tax_minor, currency)),
    )
