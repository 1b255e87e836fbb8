"""A credit note is made: lines of a locked invoice are given back, numbered and posted at once (INV-17, INV-20).

It comes to what an invoice with these lines would: tax is rounded once for each category and rate. Of that, bills have
posted what their segments' reversals give back; the rest is posted here, so that books and document agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from domain.invoicing.batches import booking, numbering
from domain.invoicing.batches.aggregating import tax_of
from domain.invoicing.batches.booking import Booking, Ledger, Rate, Reckoned, Side
from domain.invoicing.configuration import recipient_store
from domain.invoicing.configuration.model import Cycle
from domain.invoicing.configuration.registers import CYCLES
from domain.invoicing.crediting import collecting, store
from domain.invoicing.invoices.model import CREDIT, Invoice, InvoiceLine, InvoiceTax, NewLine, ReckonedTax
from domain.invoicing.invoices.states import InvoiceKind, InvoiceState
from domain.invoicing.names import credit_place
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.ids import new_id
from domain.kernel.registers import service as registers
from domain.kernel.time import BusinessZone

_YEAR = 10_000  # days are yyyymmdd


@dataclass(frozen=True, slots=True)
class GivenBack:
    """What is given back of an invoice, whose row is locked: lines, and the tax that bills have reckoned for them.

    Of a part of a line, `lines` have what is given back of it, and `turns` by its number how often that was by now.
    """

    invoice: Invoice
    lines: Sequence[InvoiceLine]
    taxes: Sequence[ReckonedTax]
    reason: str
    turns: Mapping[int, int] = field(default_factory=dict)


def make(tx: Connection, call: Call, ledger: Ledger, given: GivenBack) -> Invoice:
    """Make the credit note, with its lines and taxes, number and posting, in the batch that collects it.

    Cost: some twenty statements. The series of numbers is asked last, and locked until the transaction ends.

    Raises: TaxCodeMissing; CreditNotesBusy; what `Ledger.post` raises.
    """
    of = given.invoice
    cycle = registers.get(tx, CYCLES, of.cycle_code)
    day = BusinessZone(cycle.settings.time_zone).today(call.now_us)
    sums = _sums(given)
    note = _note(tx, call, given, sums)
    _post(tx, call, ledger, given, note, cycle, day, sums)
    store.insert_lines(tx, note.invoice_id, [_line(given, each) for each in given.lines], call.now_us)
    taxes = [each._replace(source=CREDIT, external_id=f"{of.invoice_id}/{each.external_id}") for each in given.taxes]
    store.insert_taxes(tx, note, taxes, [(sums[rate][0], sums[rate][1]) for rate in sorted(sums)])
    batch = collecting.lock(tx, call, cycle, day)
    _tell(tx, call, given, note)
    number = numbering.reserve(tx, cycle.settings.issuer, day // _YEAR, InvoiceKind.CREDIT_NOTE, 1)
    note = replace(
        note,
        number_no=number,
        batch_id=batch.batch_id,
        schedule_code=credit_place(batch.batch_id),
        slot=note.invoice_id,
    )
    store.insert_note(tx, note)
    collecting.collect(tx, call, batch, note)
    return note


_Sums = dict[Rate, tuple[InvoiceTax, int]]
"""By tax what the note comes to, and what bills have reckoned of it."""


def _sums(given: GivenBack) -> _Sums:
    nets: dict[Rate, int] = {}
    known: dict[Rate, int] = {}
    for line in given.lines:
        rate = (line.tax_category, line.tax_ppm)
        nets[rate] = nets.get(rate, 0) + line.net_minor
    for tax in given.taxes:
        rate = (tax.tax_category, tax.tax_ppm)
        known[rate] = known.get(rate, 0) + tax.tax_minor
    return {
        rate: (InvoiceTax(*rate, nets.get(rate, 0), tax_of(nets.get(rate, 0), rate[1])), known.get(rate, 0))
        for rate in sorted(nets.keys() | known)
    }


def _note(tx: Connection, call: Call, given: GivenBack, sums: _Sums) -> Invoice:
    """The credit note, as far as that is known before it has a batch and a number."""
    of, count = given.invoice, len(given.lines)
    recipient = recipient_store.find(tx, of.account_id)
    return replace(
        of,
        invoice_id=new_id(call.now_us),
        kind=InvoiceKind.CREDIT_NOTE,
        state=InvoiceState.LOCKED,
        final=False,
        carried_count=0,
        line_count=count,
        last_line_no=count,
        net_minor=sum(each.net_minor for each in given.lines),
        aggregated=True,
        tax_minor=sum(tax.tax_minor for tax, _ in sums.values()),
        recipient_version=recipient.version if recipient else 0,
        credits_id=of.invoice_id,
        reason=given.reason,
        version=1,
        created_us=call.now_us,
        updated_us=call.now_us,
    )


def _post(  # noqa: PLR0917 - what is posted, and where
    tx: Connection, call: Call, ledger: Ledger, given: GivenBack, note: Invoice, cycle: Cycle, day: int, sums: _Sums
) -> None:
    own = [each for each in given.lines if each.distribution_code]
    codes: dict[str, int] = {}
    rates: dict[Rate, int] = {}
    for line in own:
        rate = (line.tax_category, line.tax_ppm)
        codes[line.distribution_code] = codes.get(line.distribution_code, 0) + line.net_minor
        rates[rate] = rates.get(rate, 0) + line.net_minor
    taxes = {rate: (tax.tax_minor, known) for rate, (tax, known) in sums.items()}
    reckoned = Reckoned(note.account_id, note.invoice_id, note.currency, codes, rates, taxes)
    if sides := booking.sides(reckoned, cycle.settings, cycle.code):
        back = tuple(map(_back, sides))
        booked = Booking(note.account_id, note.invoice_id, cycle.code, day, back, reversal=True)
        ledger.post(tx, call, [booked])


def _back(side: Side) -> Side:
    return replace(side, amount=-side.amount)


def _line(given: GivenBack, line: InvoiceLine) -> NewLine:
    turn = given.turns.get(line.line_no, 0)
    return NewLine(
        line.account_id,
        CREDIT,
        f"{line.invoice_id}/{line.line_no}/{turn}" if turn else f"{line.invoice_id}/{line.line_no}",
        given.invoice.currency,
        line.net_minor,
        line.tax_category,
        line.tax_ppm,
        line.description,
        line.quantity,
        line.unit_code,
        line.price,
        line.start_day,
        line.end_day,
        line.distribution_code,
        line.segment_id,
    )


def _tell(tx: Connection, call: Call, given: GivenBack, note: Invoice) -> None:
    """One entry of the audit trail, about the invoice."""
    of = given.invoice
    told = {
        "credit_note": note.name,
        "reason": given.reason,
        "lines": [each.line_no for each in given.lines],
        "net_minor": note.net_minor,
        "tax_minor": note.tax_minor,
    }
    scope_id = scopes.intern(tx, scopes.of_one("cycles", of.cycle_code))
    events.append(tx, call, of.name, "invoice.credited", told, scope_id=scope_id)
