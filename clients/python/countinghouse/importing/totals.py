"""Control totals: exact sums of debits and credits, one currency never added to another (PLT-03)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2
from countinghouse.values import decimal_of_nanos, nanos_of


@dataclass(frozen=True, slots=True)
class Entry:
    """What a detail adds to the totals; amounts in billionths of a unit."""

    bulking_group: str
    currency: str
    debit_nanos: int
    credit_nanos: int

    @classmethod
    def of(cls, detail: details_pb2.AccountingDetail) -> "Entry":
        """The entry of a detail with exactly one side."""
        currency = detail.debit.currency_code or detail.credit.currency_code
        return cls(detail.bulking_group, currency, nanos_of(detail.debit), nanos_of(detail.credit))


@dataclass(frozen=True, slots=True)
class Total:
    """Sums of one currency, of one bulking group or of all."""

    bulking_group: str | None
    """None for the total over all."""
    currency: str
    detail_count: int
    debit: Decimal
    credit: Decimal


@dataclass(slots=True)
class Totals:
    """Sums by bulking group and currency."""

    _sums: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Count one detail in."""
        sums = self._sums.setdefault((entry.bulking_group, entry.currency), [0, 0, 0])
        sums[0] += 1
        sums[1] += entry.debit_nanos
        sums[2] += entry.credit_nanos

    def by_currency(self) -> list[Total]:
        """One total a currency."""
        merged: dict[str, list[int]] = {}
        for (_, currency), sums in self._sums.items():
            into = merged.setdefault(currency, [0, 0, 0])
            into[:] = [one + other for one, other in zip(into, sums, strict=True)]
        return [_total(None, currency, sums) for currency, sums in sorted(merged.items())]

    def by_bulking_group(self) -> Iterator[Total]:
        """One total a bulking group and currency."""
        for (group, currency), sums in sorted(self._sums.items()):
            yield _total(group, currency, sums)


def _total(group: str | None, currency: str, sums: list[int]) -> Total:
    return Total(group, currency, sums[0], decimal_of_nanos(sums[1]), decimal_of_nanos(sums[2]))
