"""What is posted when invoices are locked (INV-16): values here, the posting itself is a flow's (`domain/flows`).

Lines that no bill has made, and their tax, are posted for the first time. What then is left between the tax of the
invoice and what has been posted of it, is posted as TAX_ROUNDING. What is posted for an invoice balances.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection, text

from domain.invoicing.batches.aggregating import tax_of
from domain.invoicing.batches.counting import Span
from domain.invoicing.batches.model import Batch
from domain.invoicing.batches.numbering import of
from domain.invoicing.configuration.model import CycleSettings
from domain.invoicing.names import cycle_name
from domain.kernel.call import Call
from domain.kernel.errors import Refused
from domain.kernel.money import Money

TAX_ROUNDING = "TAX_ROUNDING"
"""The category of details that make up for tax rounded twice."""

Rate = tuple[str, int]
"""A tax category and its rate in millionths."""


class TaxCodeMissing(Refused):
    """The billing cycle has no distribution code for the tax of this category: give it one."""

    reason = "INVOICE_TAX_CODE_MISSING"

    def __init__(self, cycle: str, category: str) -> None:
        super().__init__(
            f"{cycle_name(cycle)} has no distribution code for the tax of category {category}",
            resource_name=cycle_name(cycle),
            tax_category=category,
        )


@dataclass(frozen=True, slots=True)
class Side:
    """One side of what is posted: a debit when positive. `key` is unique within the invoice."""

    key: str
    code: str
    amount: Money
    category: str = ""


@dataclass(frozen=True, slots=True)
class Booking:
    """What is posted for an invoice on a day (yyyymmdd); its sides sum to zero.

    Of a credit note it is a `reversal`: as of an invoice with its lines, posted the other way round.
    """

    account_id: str
    invoice_id: str
    cycle_code: str
    day: int
    sides: tuple[Side, ...]
    reversal: bool = False


class Ledger(Protocol):
    """The general ledger, as invoicing needs it."""

    def known(self, tx: Connection, codes: Collection[str]) -> frozenset[str]:
        """Those of the distribution codes that there are."""
        ...

    def check(self, tx: Connection, codes: Collection[str], day: int) -> Mapping[str, str]:
        """The ledger of each distribution code; refuses what could not be posted on the day (yyyymmdd)."""
        ...

    def post(self, tx: Connection, call: Call, bookings: Sequence[Booking]) -> None:
        """Make the accounting details of these bookings, or of none."""
        ...


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What an invoice comes to, as far as it has not been posted.

    `own` has by distribution code the net of lines that no bill has made, `own_by_rate` the same by tax, `taxes` by tax
    what the invoice's tax is, and what of it bills have posted. Minor units of the invoice's currency.
    """

    account_id: str
    invoice_id: str
    currency: str
    own: Mapping[str, int]
    own_by_rate: Mapping[Rate, int]
    taxes: Mapping[Rate, tuple[int, int]]


def sides(reckoned: Reckoned, settings: CycleSettings, cycle: str) -> tuple[Side, ...]:
    """What is to be posted for an invoice; nothing where bills have posted all of it. Raises: TaxCodeMissing."""
    found = [*_own(reckoned, settings, cycle), *_rounding(reckoned, settings, cycle)]
    told = tuple(each for each in found if each.amount.minor)
    assert sum(each.amount.minor for each in told) == 0, "a booking balances"
    return told


def _own(reckoned: Reckoned, settings: CycleSettings, cycle: str) -> Iterator[Side]:
    """Lines that no bill has made, and their tax, rounded once a rate."""
    currency = reckoned.currency
    taxes = {rate: tax_of(net, rate[1]) for rate, net in sorted(reckoned.own_by_rate.items())}
    yield Side("D", settings.receivable, Money(sum(reckoned.own.values()) + sum(taxes.values()), currency))
    for code, net in sorted(reckoned.own.items()):
        yield Side(f"C/{code}", code, Money(-net, currency))
    for rate, tax in taxes.items():
        if tax:
            yield Side(f"T/{_key(rate)}", _code(settings, cycle, rate), Money(-tax, currency))


def _rounding(reckoned: Reckoned, settings: CycleSettings, cycle: str) -> Iterator[Side]:
    """By rate what is left between the invoice's tax and what is posted."""
    for rate in sorted(reckoned.taxes.keys() | reckoned.own_by_rate.keys()):
        tax, posted = reckoned.taxes.get(rate, (0, 0))  # of a rate that is not told, bills have posted all
        left = Money(tax - posted - tax_of(reckoned.own_by_rate.get(rate, 0), rate[1]), reckoned.currency)
        if left.minor:
            yield Side(f"RD/{_key(rate)}", settings.receivable, left, TAX_ROUNDING)
            yield Side(f"RC/{_key(rate)}", _code(settings, cycle, rate), -left, TAX_ROUNDING)


def _key(rate: Rate) -> str:
    return f"{rate[0]}-{rate[1]}"


def _code(settings: CycleSettings, cycle: str, rate: Rate) -> str:
    code = settings.taxes.get(rate[0], "")
    if not code:
        raise TaxCodeMissing(cycle, rate[0])
    return code


# What there is to post of a span

_DUE = (
    "i.cycle_code = :cycle AND i.schedule_code = :schedule AND i.account_id BETWEEN :first AND :last"
    " AND i.slot = '' AND i.batch_id = :batch_id AND i.state = 'CLOSED'"
)
_OWN = text(
    "SELECT i.account_id, i.invoice_id, i.currency, l.distribution_code, l.tax_category, l.tax_ppm,"  # noqa: S608
    " sum(l.net_minor) AS net_minor"
    " FROM invoice i JOIN invoice_line l ON l.account_id = i.account_id AND l.invoice_id = i.invoice_id"
    f" WHERE {_DUE} AND l.distribution_code <> '' AND l.account_id BETWEEN :first AND :last"
    " GROUP BY i.account_id, i.invoice_id, i.currency, l.distribution_code, l.tax_category, l.tax_ppm"
)
_TAXES = text(
    "SELECT i.account_id, i.invoice_id, i.currency, t.tax_category, t.tax_ppm, t.tax_minor, t.reckoned_minor, t.own"  # noqa: S608
    " FROM invoice_tax t JOIN invoice i ON i.account_id = t.account_id AND i.invoice_id = t.invoice_id"
    f" WHERE {_DUE} AND (t.own = 1 OR t.tax_minor <> t.reckoned_minor) AND t.account_id BETWEEN :first AND :last"
)


def to_post(tx: Connection, batch: Batch, span: Span) -> list[Reckoned]:
    """Those closed invoices of a span of which something is not posted yet.

    Cost: one statement, and one more where lines may be among them that no bill has made.
    """
    values = of(batch, span)
    own: dict[tuple[str, str, str], dict[str, int]] = {}
    by_rate: dict[tuple[str, str, str], dict[Rate, int]] = {}
    taxes: dict[tuple[str, str, str], dict[Rate, tuple[int, int]]] = {}
    found = tx.execute(_TAXES, values).all()
    for row in found:
        if row.tax_minor != row.reckoned_minor:
            key, rate = (row.account_id, row.invoice_id, row.currency), (row.tax_category, row.tax_ppm)
            taxes.setdefault(key, {})[rate] = (row.tax_minor, row.reckoned_minor)
    for row in tx.execute(_OWN, values) if any(row.own for row in found) else ():
        key, rate, net = (row.account_id, row.invoice_id, row.currency), (row.tax_category, row.tax_ppm), int(row[6])
        codes, rates = own.setdefault(key, {}), by_rate.setdefault(key, {})
        codes[row.distribution_code] = codes.get(row.distribution_code, 0) + net
        rates[rate] = rates.get(rate, 0) + net
    return [
        Reckoned(*key, own.get(key, {}), by_rate.get(key, {}), taxes.get(key, {})) for key in sorted(own.keys() | taxes)
    ]
