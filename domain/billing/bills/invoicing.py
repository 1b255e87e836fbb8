"""What a completed bill puts on the account's running invoice: contexts hand in values, a flow does it (money path 2).

Lines are net. Tax that the bill has reckoned, and posted, goes beside them as tax (INV-16).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Protocol

from sqlalchemy import Connection

from domain.billing.bills.errors import BillNotInvoiceable
from domain.billing.configuration.snapshot import Snapshot
from domain.billing.names import segment_name
from domain.billing.rating.model import Kind, Tax, Version
from domain.billing.rating.segments import Line
from domain.billing.segments.model import Bill, Segment
from domain.billing.segments.states import BillKind
from domain.kernel.call import Call
from domain.kernel.money import Money
from domain.kernel.quantities import quantity_text
from domain.kernel.taxes import TaxCategory

_DECIMALS_MAX = 4
"""Of percentages; invoices know them as millionths."""

_PRICED = frozenset({Kind.STEP, Kind.TIME_OF_USE})
"""Of these lines the amount is quantity times rate, and nothing else."""


class Taxed(NamedTuple):
    """How a line is taxed: a category of EN 16931 and a percentage."""

    category: TaxCategory
    percent: Decimal


_UNTAXED = Taxed(TaxCategory.ZERO, Decimal(0))


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """A line, net; of what is taken back, less than it was. Quantity and price of one unit are text, or empty.

    `external_id` is unique, whatever bill it is of. It was posted by `distribution_code`. Days are yyyymmdd, the end is
    not part of the period.
    """

    external_id: str
    segment_id: str
    description: str
    net: Money
    taxed: Taxed
    distribution_code: str
    start_day: int
    end_day: int
    quantity: str = ""
    unit: str = ""
    price: str = ""


@dataclass(frozen=True, slots=True)
class ReckonedTax:
    """Tax that a bill has reckoned, and posted by `distribution_code`."""

    external_id: str
    segment_id: str
    taxed: Taxed
    amount: Money
    distribution_code: str


@dataclass(frozen=True, slots=True)
class Invoiced:
    """What a bill puts on the running invoice of its account, in a cycle of invoicing.

    `credited` are the segments that a credit note takes back, each behind the bill that charged it, and `reason` says
    why; other bills have none. The cycle is empty for a credit note of an account that is on none any more.
    """

    account_id: str
    invoice_cycle_code: str
    bill_id: str
    currency: str
    lines: tuple[InvoiceLine, ...]
    taxes: tuple[ReckonedTax, ...]
    credited: frozenset[tuple[str, str]] = frozenset()
    reason: str = ""


class Invoices(Protocol):
    """Invoicing, as billing needs it."""

    def add(self, tx: Connection, call: Call, bills: Sequence[Invoiced]) -> None:
        """Put what bills charge on the running invoices of their accounts, or nothing of any."""
        ...

    def take_off(self, tx: Connection, call: Call, account_id: str, bill_id: str) -> None:
        """Take what a bill has put there off again; refuses once the invoice is locked."""
        ...


def invoiced(
    cycle_code: str, bill: Bill, charged: Sequence[Segment], taken_back: Sequence[Segment], snapshot: Snapshot
) -> Invoiced:
    """What a complete bill puts on a running invoice; `cycle_code` is invoicing's. What comes to nothing stays away.

    Without a cycle nothing is put anywhere: what a credit note takes back is told alone.

    Raises: BillNotInvoiceable for a line that invoices cannot tell.
    """
    lines: list[InvoiceLine] = []
    taxes: list[ReckonedTax] = []
    for sign, segments in ((1, charged), (-1, taken_back)) if cycle_code else ():
        for segment in segments:
            taxing = _Taxing(segment, snapshot)
            for at, line in enumerate(segment.worked.lines, start=1):
                if not line.amount.minor:
                    continue
                external_id = f"{bill.bill_id}/{segment.segment_id}/{at}"
                if taxing.is_tax(line):
                    taxes.append(_tax(external_id, segment, line, taxing, sign))
                else:
                    lines.append(_line(external_id, segment, line, taxing, sign))
    credit_note = bill.kind is BillKind.CREDIT_NOTE
    credited = frozenset((each.bill_id, each.segment_id) for each in taken_back if credit_note)
    return Invoiced(bill.account_id, cycle_code, bill.bill_id, bill.currency, tuple(lines), tuple(taxes), credited)


class _Taxing:
    """Which tax stands on which line of a segment: the one, of the same version and part, that names its component.

    A tax that another one is reckoned on is a charge to an invoice, as any that is no tax.
    """

    def __init__(self, segment: Segment, snapshot: Snapshot) -> None:
        self._segment = segment
        self._versions: Mapping[int, Version] = {
            day: snapshot.version_of(segment.rate_code, number) for day, number in segment.worked.versions
        }
        found = {
            (line.version, line.start, tax.code): tax for line in segment.worked.lines if (tax := self._component(line))
        }
        charges = {(*where, code) for (*where, _), tax in found.items() for code in tax.of}
        self._taxes: dict[tuple[int, int, str], list[Tax]] = {}
        for place, tax in found.items():
            for code in tax.of if place not in charges else ():
                self._taxes.setdefault((*place[:2], code), []).append(tax)

    def is_tax(self, line: Line) -> bool:
        """Whether the line is tax to an invoice."""
        return line.kind is Kind.TAX and not self._on(line)

    def of(self, line: Line) -> Taxed:
        """How a line is taxed, or, of a tax, which it is. Raises: BillNotInvoiceable."""
        own = self._component(line) if self.is_tax(line) else None
        found = [own] if own is not None else self._on(line)
        if not found:
            return _UNTAXED
        if len(found) > 1:
            codes = " and ".join(sorted(each.code for each in found))
            raise self._not_invoiceable(f"{line.component} is taxed twice, by {codes}")
        (tax,) = found
        if -int(tax.percent.normalize().as_tuple().exponent) > _DECIMALS_MAX:
            raise self._not_invoiceable(f"the percentage of {tax.code} has more than {_DECIMALS_MAX} decimals")
        return Taxed(tax.told_category, tax.percent)

    def _on(self, line: Line) -> list[Tax]:
        return self._taxes.get((line.version, line.start, line.component), [])

    def _component(self, line: Line) -> Tax | None:
        """The component of a line that is a tax."""
        if line.kind is not Kind.TAX:
            return None
        components = self._versions[line.version].components
        return next(each for each in components if isinstance(each, Tax) and each.code == line.component)

    def _not_invoiceable(self, why: str) -> BillNotInvoiceable:
        return BillNotInvoiceable(segment_name(self._segment.account_id, self._segment.segment_id), why)


def _line(external_id: str, segment: Segment, line: Line, taxing: _Taxing, sign: int) -> InvoiceLine:
    quantity, price, unit = "", "", ""
    if line.kind in _PRICED and line.quantity is not None:
        quantity = quantity_text(sign * line.quantity.attos)
        price, unit = f"{line.rate:f}", line.quantity.unit
    return InvoiceLine(
        external_id,
        segment.segment_id,
        _description(segment, line),
        Money(sign * line.amount.minor, line.amount.currency),
        taxing.of(line),
        line.distribution_code,
        line.start,
        line.end,
        quantity,
        unit,
        price,
    )


def _tax(external_id: str, segment: Segment, line: Line, taxing: _Taxing, sign: int) -> ReckonedTax:
    amount = Money(sign * line.amount.minor, line.amount.currency)
    return ReckonedTax(external_id, segment.segment_id, taxing.of(line), amount, line.distribution_code)


def _description(segment: Segment, line: Line) -> str:
    return " ".join(_words(segment, line))


def _words(segment: Segment, line: Line) -> Iterator[str]:
    yield segment.agreement_id
    yield segment.worked.message if line.kind is Kind.ADJUSTMENT and segment.worked.message else line.component
    if line.bucket:
        yield line.bucket
