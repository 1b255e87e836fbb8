"""What a completed bill puts on the account's running invoice: contexts hand in values, a flow does it (money path 2).

Lines are net. Tax that the bill has reckoned, and posted, goes beside them as tax (INV-16).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection

from domain.billing.bills.taxing import Taxed, Taxing
from domain.billing.bills.wording import Words
from domain.billing.configuration.snapshot import Snapshot
from domain.billing.rating.model import Kind
from domain.billing.rating.segments import Line
from domain.billing.segments.model import Bill, Segment
from domain.billing.segments.states import BillKind
from domain.kernel.call import Call
from domain.kernel.money import Money
from domain.kernel.quantities import quantity_text

_PRICED = frozenset({Kind.STEP, Kind.TIME_OF_USE})
"""Of these lines the amount is quantity times rate, and nothing else."""


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


Rows = Sequence[int] | None
"""The places of those bills that have something, in order; None: all have it."""


@dataclass(frozen=True, slots=True)
class InvoiceLines:
    """A line of each of some bills that are alike, or of those at `rows`.

    `like` is one of them, in which names, amount and quantity mean nothing; these are columns, `minor` in minor units
    and `attos`, where a quantity is told, in 10^-18 units.
    """

    like: InvoiceLine
    rows: Rows
    external_ids: list[str]
    segment_ids: list[str]
    descriptions: list[str]
    minor: list[int]
    attos: list[int] | None


@dataclass(frozen=True, slots=True)
class ReckonedTaxes:
    """A reckoned tax of each of some bills that are alike, or of those at `rows`, likewise."""

    like: ReckonedTax
    rows: Rows
    external_ids: list[str]
    segment_ids: list[str]
    minor: list[int]


@dataclass(frozen=True, slots=True)
class InvoicedAlike:
    """What bills that are alike put on the running invoices of their accounts: the lines of each in their order."""

    invoice_cycle_code: str
    currency: str
    account_ids: list[str]
    lines: tuple[InvoiceLines, ...]
    taxes: tuple[ReckonedTaxes, ...]


class NotAllInvoiced(Exception):
    """Of bills that are alike nothing was put on invoices, as those of some accounts do not go there as they are."""

    def __init__(self, accounts: Collection[str]) -> None:
        super().__init__(f"{len(accounts)} accounts")
        self.accounts = frozenset(accounts)


class Invoices(Protocol):
    """Invoicing, as billing needs it."""

    def add(
        self, tx: Connection, call: Call, bills: Sequence[Invoiced], *, alike: Sequence[InvoicedAlike] = ()
    ) -> None:
        """Put what bills charge on the running invoices of their accounts, or nothing of any.

        Raises: why one does not go there; of those `alike`, which are new, NotAllInvoiced, and each says why by itself.
        """
        ...

    def take_off(self, tx: Connection, call: Call, account_id: str, bill_id: str) -> None:
        """Take what a bill has put there off again; refuses once the invoice is locked."""
        ...


def invoiced(  # noqa: PLR0917 - what a bill is
    cycle_code: str,
    bill: Bill,
    charged: Sequence[Segment],
    taken_back: Sequence[Segment],
    snapshot: Snapshot,
    apart: Collection[str] = (),
) -> Invoiced:
    """What a complete bill puts on a running invoice; `cycle_code` is invoicing's. What comes to nothing stays away.

    Without a cycle nothing is put anywhere: what a credit note takes back is told alone. Lines of the agreements
    `apart` name them.

    Raises: BillNotInvoiceable for a line that invoices cannot tell.
    """
    told: list[InvoiceLine | ReckonedTax] = []
    for sign, segments in ((1, charged), (-1, taken_back)) if cycle_code else ():
        for segment in segments:
            lines = segment.worked.lines
            telling = _Telling(segment, lines, snapshot, named=segment.agreement_id in apart)
            told += [
                telling.told(f"{bill.bill_id}/{segment.segment_id}/{at}", line, sign)
                for at, line in enumerate(lines, start=1)
                if line.amount.minor
            ]
    credit_note = bill.kind is BillKind.CREDIT_NOTE
    credited = frozenset((each.bill_id, each.segment_id) for each in taken_back if credit_note)
    net = tuple(each for each in told if isinstance(each, InvoiceLine))
    taxes = tuple(each for each in told if isinstance(each, ReckonedTax))
    return Invoiced(bill.account_id, cycle_code, bill.bill_id, bill.currency, net, taxes, credited)


def likes(
    segment: Segment, lines: Sequence[Line], snapshot: Snapshot, apart: Collection[str]
) -> list[InvoiceLine | ReckonedTax]:
    """What lines of segments that are alike go on invoices as, each standing for all: without ids, and of no amount.

    `segment` stands for all of them, `lines` are all that any has. Raises: BillNotInvoiceable.
    """
    telling = _Telling(segment, lines, snapshot, named=segment.agreement_id in apart)
    return [telling.told("", each) for each in lines]


class _Telling:
    """Tells the lines of a segment as invoices have them; `named`: with the agreement in any case."""

    def __init__(self, segment: Segment, lines: Sequence[Line], snapshot: Snapshot, *, named: bool) -> None:
        self._segment_id = segment.segment_id
        self._taxing = Taxing(segment, lines, snapshot)
        self._words = Words(segment, snapshot, named=named)

    def told(self, external_id: str, line: Line, sign: int = 1) -> InvoiceLine | ReckonedTax:
        """A line, or the tax that it is; `sign` is -1 for what is taken back. Raises: BillNotInvoiceable."""
        net, taxed = Money(sign * line.amount.minor, line.amount.currency), self._taxing.of(line)
        if self._taxing.is_tax(line):
            return ReckonedTax(external_id, self._segment_id, taxed, net, line.distribution_code)
        quantity, price, unit = "", "", ""
        if line.kind in _PRICED and line.quantity is not None:
            quantity = quantity_text(sign * line.quantity.attos)
            price, unit = f"{line.rate:f}", line.quantity.unit
        return InvoiceLine(
            external_id,
            self._segment_id,
            self._words.of(line),
            net,
            taxed,
            line.distribution_code,
            line.start,
            line.end,
            quantity,
            unit,
            price,
        )
