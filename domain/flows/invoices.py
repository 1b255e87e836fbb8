"""A completed bill goes onto the account's running invoice, where the account is on a billing cycle (money path 2).

Its charges become net lines; the tax that it has reckoned, and posted, goes beside them (INV-16). Both are known by the
bill and the segment, so that they can be taken off again, and an addition be found to be there already. What a credit
note takes back of an invoice that is out is a document of its own (BIL-13).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection

from domain.billing.bills import invoicing as billed
from domain.billing.bills.errors import BillNotInvoiceable
from domain.billing.bills.invoicing import Invoiced, InvoicedAlike, InvoiceLines, NotAllInvoiced
from domain.billing.bills.taxing import Taxed
from domain.billing.names import bill_name
from domain.flows.crediting import given_back
from domain.invoicing.configuration.registers import CYCLES
from domain.invoicing.invoices import adding, taking
from domain.invoicing.invoices import alike as together
from domain.invoicing.invoices.alike import Alike, LinesAlike, TaxesAlike
from domain.invoicing.invoices.errors import NotAllTaken
from domain.invoicing.invoices.model import BILLING, RATE_UNIT, Added, NewLine, ReckonedTax
from domain.invoicing.names import cycle_name
from domain.kernel.call import Call
from domain.kernel.errors import Refused, Violation
from domain.kernel.money import Rounding, digits_of, rounded
from domain.kernel.quantities import ATTOS, attos_of, quantity_texts
from domain.kernel.registers import store as registers

UNIT_CODES: Mapping[str, str] = {
    "kWh": "KWH",
    "MWh": "MWH",
    "Wh": "WHR",
    "kW": "KWT",
    "MW": "MAW",
    "kvarh": "KVR",
    "m3": "MTQ",
    "l": "LTR",
    "kg": "KGM",
    "t": "TNE",
    "MJ": "3B",
    "GJ": "GV",
    "MB": "4L",
    "GB": "E34",
    "TB": "E35",
    "s": "SEC",
    "min": "MIN",
    "h": "HUR",
    "day": "DAY",
    "month": "MON",
}
"""By unit as usage is told in, the code of UN/ECE recommendation 20; of others the quantity is not told by code."""


_SHOWN = (ATTOS // 10**3, ATTOS // 10**6)
"""Of quantities, the least that invoices show, in attos."""


class BillingCycleMissing(Refused):
    """The account is on a billing cycle that invoicing does not have."""

    reason = "BILLING_CYCLE_MISSING"

    def __init__(self, code: str) -> None:
        super().__init__(f"there is no {cycle_name(code)}, which the account is on", billing_cycle=code)


def billing_cycles(tx: Connection, codes: Collection[str]) -> Collection[str]:
    """Those of the codes that are billing cycles. Cost: one statement."""
    return registers.known(tx, CYCLES, codes)


class RunningInvoices:
    """The running invoices of accounts that are billed, whatever cycles the caller sees: who may bill, adds."""

    def add(
        self, tx: Connection, call: Call, bills: Sequence[Invoiced], *, alike: Sequence[InvoicedAlike] = ()
    ) -> None:
        """Put what bills charge on the running invoices of their accounts, or nothing of any.

        Cost: one statement and those of `adding.add` for each billing cycle, however many bills; and those of
        `crediting.given_back` for each credit note. Of those `alike` likewise, with those of `alike.add`.

        Raises: BillingCycleMissing; BillNotInvoiceable for what an invoice does not take; as `adding.add` and
        `crediting.given_back`. NotAllInvoiced for those `alike`.
        """
        of_cycles: dict[str, list[Invoiced]] = defaultdict(list)
        for each in bills:
            left = given_back(tx, call, each) if each.credited else each
            if left.invoice_cycle_code:
                of_cycles[left.invoice_cycle_code].append(left)
        for code, some in sorted(of_cycles.items()):
            cycle = registers.find(tx, CYCLES, code)
            if cycle is None:
                raise BillingCycleMissing(code)
            lines = [_line(bill, line) for bill in some for line in bill.lines]
            taxes = [_tax(bill, tax) for bill in some for tax in bill.taxes]
            if lines or taxes:
                _refuse(lines, taxes, adding.add(tx, call, cycle, lines, taxes))
        _add_alike(tx, call, alike)

    def take_off(self, tx: Connection, call: Call, account_id: str, bill_id: str) -> None:
        """Take what a bill has put on invoices off again. Raises, Cost: as `taking.take_off`."""
        taking.take_off(tx, call, account_id, BILLING, bill_id)


def _add_alike(tx: Connection, call: Call, bills: Sequence[InvoicedAlike]) -> None:
    of_cycles: dict[str, list[InvoicedAlike]] = defaultdict(list)
    for each in bills:
        of_cycles[each.invoice_cycle_code].append(each)
    for code, some in sorted(of_cycles.items()):
        cycle = registers.find(tx, CYCLES, code)
        if cycle is None:
            raise NotAllInvoiced({account for each in some for account in each.account_ids})
        try:
            together.add(tx, call, cycle, list(map(_alike, some)))
        except NotAllTaken as refused:
            raise NotAllInvoiced(refused.accounts) from None


def _alike(bills: InvoicedAlike) -> Alike:
    """As `_line` and `_tax`, of bills that are alike."""
    like = Invoiced("", bills.invoice_cycle_code, "", bills.currency, (), ())
    return Alike(
        bills.account_ids,
        bills.currency,
        [_lines(like, each) for each in bills.lines],
        [
            TaxesAlike(_tax(like, each.like), each.rows, each.external_ids, each.segment_ids, each.minor)
            for each in bills.taxes
        ],
    )


def _lines(bill: Invoiced, lines: InvoiceLines) -> LinesAlike:
    descriptions, quantities = lines.descriptions, [""] * len(lines.minor)
    if lines.attos is not None:
        descriptions, quantities = _told(lines.like, descriptions, lines.attos, lines.minor)
    like = _line(bill, lines.like)
    return LinesAlike(like, lines.rows, lines.external_ids, lines.segment_ids, descriptions, quantities, lines.minor)


def _line(bill: Invoiced, line: billed.InvoiceLine) -> NewLine:
    unit = UNIT_CODES.get(line.unit, "")
    descriptions, quantities = [line.description], [""]
    if line.quantity:
        descriptions, quantities = _told(line, descriptions, [_attos(line.quantity)], [line.net.minor])
    return NewLine(
        bill.account_id,
        BILLING,
        line.external_id,
        bill.currency,
        line.net.minor,
        line.taxed.category.value,
        _ppm(line.taxed),
        descriptions[0],
        quantities[0],
        unit,
        line.price if unit else "",
        line.start_day,
        line.end_day,
        "",
        line.segment_id,
    )


def _told(
    like: billed.InvoiceLine, descriptions: list[str], attos: Sequence[int], minor: Sequence[int]
) -> tuple[list[str], list[str]]:
    """Descriptions and quantities of lines like this one: what has no code of a unit is told in words."""
    if like.unit not in UNIT_CODES:
        texts = zip(descriptions, quantity_texts(attos), strict=True)
        return [f"{text} {quantity} {like.unit}" for text, quantity in texts], [""] * len(descriptions)
    price, scale = _attos(like.price), 10 ** (digits_of(like.net.currency) or 0)
    figures = zip(attos, minor, strict=True)
    shown = [each if not each % _SHOWN[0] else _readable(each, price * scale, net) for each, net in figures]
    return descriptions, quantity_texts(shown)


def _readable(attos: int, price: int, net_minor: int) -> int:
    """The quantity with no more decimals than the amount needs: meters tell more than anybody reads.

    The price is that of a unit, in attos of a minor unit.
    """
    for least in _SHOWN:
        shown = rounded(attos, least, Rounding.HALF_EVEN) * least
        if rounded(shown * price, ATTOS * ATTOS, Rounding.HALF_UP) == net_minor:
            return shown
    return attos


def _attos(text: str) -> int:
    attos = attos_of(text)
    assert attos is not None, "it was written by us"
    return attos


def _tax(bill: Invoiced, tax: billed.ReckonedTax) -> ReckonedTax:
    return ReckonedTax(
        bill.account_id,
        BILLING,
        tax.external_id,
        bill.currency,
        tax.taxed.category.value,
        _ppm(tax.taxed),
        tax.amount.minor,
        tax.segment_id,
    )


def _ppm(taxed: Taxed) -> int:
    return int(taxed.percent * (RATE_UNIT // 100))


def _refuse(lines: Sequence[NewLine], taxes: Sequence[ReckonedTax], added: Added) -> None:
    rows: list[tuple[NewLine | ReckonedTax, Violation]] = [
        *((lines[at], why) for at, why in sorted(added.refused.items())),
        *((taxes[at], why) for at, why in sorted(added.taxes_refused.items())),
    ]
    if rows:
        row, why = rows[0]
        raise BillNotInvoiceable(bill_name(row.account_id, row.external_id.partition("/")[0]), why.description)
