"""Which tax stands on which line of a segment, as invoices tell it: one a line, of four decimals at most (INV-16)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from domain.billing.bills.errors import BillNotInvoiceable
from domain.billing.configuration.snapshot import Snapshot
from domain.billing.names import segment_name
from domain.billing.rating.model import Kind, Tax, Version
from domain.billing.rating.segments import Line
from domain.billing.segments.model import Segment
from domain.kernel.taxes import TaxCategory

_DECIMALS_MAX = 4
"""Of percentages; invoices know them as millionths."""


class Taxed(NamedTuple):
    """How a line is taxed: a category of EN 16931 and a percentage."""

    category: TaxCategory
    percent: Decimal


_UNTAXED = Taxed(TaxCategory.ZERO, Decimal(0))


class Taxing:
    """Which tax stands on which line of a segment: the one, of the same version and part, that names its component.

    A tax that another one is reckoned on is a charge to an invoice, as any that is no tax. `lines` are all of the
    segment.
    """

    def __init__(self, segment: Segment, lines: Sequence[Line], snapshot: Snapshot) -> None:
        self._segment = segment
        self._versions: Mapping[int, Version] = {
            day: snapshot.version_of(segment.rate_code, number) for day, number in segment.worked.versions
        }
        found = {(line.version, line.start, tax.code): tax for line in lines if (tax := self._component(line))}
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
