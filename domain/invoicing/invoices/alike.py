"""Lines and reckoned taxes of accounts that are alike come onto running invoices, in columns (INV-11, INV-16).

They come to what `adding` makes of each, where all are new and none is refused: where one is, nothing is done, and each
account is to be told by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection

from domain.invoicing.configuration import schedules
from domain.invoicing.configuration.model import Cycle
from domain.invoicing.invoices import adding
from domain.invoicing.invoices.errors import NotAllTaken
from domain.invoicing.invoices.model import NewLine, ReckonedTax
from domain.invoicing.invoices.sorting import beyond
from domain.invoicing.invoices.store import adding as store
from domain.invoicing.invoices.store.adding import Running, Sum, Taken
from domain.kernel.bulk import Cells
from domain.kernel.call import Call
from domain.kernel.ids import new_id

T = TypeVar("T")

Rows = Sequence[int] | None
"""The places of those accounts that have something, in order; None: all have it."""


class LinesAlike(NamedTuple):
    """A line of each account, or of those at `rows`: `like` is one, but for what stands in columns, a list each."""

    like: NewLine
    rows: Rows
    external_ids: list[str]
    segment_ids: list[str]
    descriptions: list[str]
    quantities: list[str]
    net_minor: list[int]


class TaxesAlike(NamedTuple):
    """A reckoned tax of each account, or of those at `rows`, likewise."""

    like: ReckonedTax
    rows: Rows
    external_ids: list[str]
    segment_ids: list[str]
    tax_minor: list[int]


class Alike(NamedTuple):
    """What comes to accounts that are alike, all in one currency; the lines of each in their order."""

    account_ids: list[str]
    currency: str
    lines: Sequence[LinesAlike]
    taxes: Sequence[TaxesAlike]


def add(tx: Connection, call: Call, cycle: Cycle, several: Sequence[Alike]) -> None:
    """Put new lines and taxes on the running invoices of their accounts, as `adding.add`, or nothing of any.

    No account is handed in twice. Cost: some seven statements, however many rows.

    Raises: NotAllTaken, with the accounts of which something is refused; what is new already, as an integrity error of
    the database's; as `adding.add`.
    """
    coming = _Coming(cycle, several)
    if not coming.accounts:
        return
    schedule = schedules.covering(tx, call, cycle.code, call.now_us)
    taken = adding.taken(tx, call, schedule, coming)
    store.insert_line_sheets(tx, [sheet for each in several for sheet in _lines(each, taken)], call.now_us)
    store.insert_tax_sheets(tx, [sheet for each in several for sheet in _taxes(each, taken)])
    adding.tell(tx, call, schedule, created=coming.created, taxes=coming.taxes)


class _Coming:
    """What comes to each account: how many lines, and their net."""

    def __init__(self, cycle: Cycle, several: Sequence[Alike]) -> None:
        self.created = [(each.currency, len(of.net_minor), sum(of.net_minor)) for each in several for of in each.lines]
        self.taxes = sum(len(of.tax_minor) for each in several for of in each.taxes)
        self._of: dict[str, tuple[str, int, int]] = {}
        self._refused: set[str] = set()
        for each in several:
            self._of |= _sums(each)
            self._refused.update(_untaxed(cycle, each))

    @property
    def accounts(self) -> set[str]:
        """Those for which there is anything."""
        return set(self._of)

    def sums(self, known: Mapping[str, Sequence[Running]], accounts: Collection[str], now_us: int) -> list[Sum]:
        """What comes to accounts whose running invoices are known. Raises: NotAllTaken."""
        found = []
        for account in sorted(accounts):
            currency, count, net_minor = self._of[account]
            running = known.get(account, ())
            other = running[0].currency != currency if running else False
            if other or beyond(running, count, net_minor, currency) is not None:
                self._refused.add(account)
            found.append(Sum(account, new_id(now_us), currency, count, net_minor))
        if self._refused:
            raise NotAllTaken(self._refused)
        return found


def _sums(alike: Alike) -> Iterator[tuple[str, tuple[str, int, int]]]:
    """Of each account to which anything comes, currency, number of lines and their net."""
    counts, nets = _counts(alike), [0] * len(alike.account_ids)
    for each in alike.lines:
        for row, minor in zip(_places(alike, each.rows), each.net_minor, strict=True):
            nets[row] += minor
    taxed = {row for tax in alike.taxes for row in _places(alike, tax.rows)}
    for row, account in enumerate(alike.account_ids):
        if counts[row] or row in taxed:
            yield account, (alike.currency, counts[row], nets[row])


def _counts(alike: Alike) -> list[int]:
    """How many lines each account has."""
    counts = [sum(each.rows is None for each in alike.lines)] * len(alike.account_ids)
    for each in alike.lines:
        for row in each.rows or ():
            counts[row] += 1
    return counts


def _untaxed(cycle: Cycle, alike: Alike) -> Iterator[str]:
    """The accounts with a row that `adding.untaxed` refuses."""
    refuse = adding.untaxed(cycle)
    of: Iterable[LinesAlike | TaxesAlike] = (*alike.lines, *alike.taxes)
    for each in of:
        if refuse(each.like) is not None:
            yield from (alike.account_ids[row] for row in _places(alike, each.rows))


def _lines(alike: Alike, taken: Mapping[str, Taken]) -> Iterator[tuple[int, Cells]]:
    """The lines as rows: those of an account by arrival behind those that were there."""
    places = _taken(alike, taken)
    numbers = [each.last_line_no - count for each, count in zip(places, _counts(alike), strict=True)]
    accounts, invoices = alike.account_ids, [each.invoice_id for each in places]
    for each in alike.lines:
        numbers = numbers.copy()
        for row in _places(alike, each.rows):
            numbers[row] += 1
        own = {
            **store.line_cells(each.like),
            "account_id": _at(each.rows, accounts),
            "invoice_id": _at(each.rows, invoices),
            "line_no": _at(each.rows, numbers),
            "external_id": each.external_ids,
            "segment_id": each.segment_ids,
            "description": each.descriptions,
            "quantity": each.quantities if each.like.unit_code else "",
            "net_minor": each.net_minor,
        }
        yield len(each.net_minor), own


def _taxes(alike: Alike, taken: Mapping[str, Taken]) -> Iterator[tuple[int, Cells]]:
    """The taxes as rows."""
    invoices = [each.invoice_id for each in _taken(alike, taken)]
    for each in alike.taxes:
        own = {
            **store.tax_cells(each.like),
            "account_id": _at(each.rows, alike.account_ids),
            "invoice_id": _at(each.rows, invoices),
            "external_id": each.external_ids,
            "segment_id": each.segment_ids,
            "tax_minor": each.tax_minor,
        }
        yield len(each.tax_minor), own


def _taken(alike: Alike, taken: Mapping[str, Taken]) -> list[Taken]:
    """The invoice of each account; of those to which nothing comes, none."""
    nowhere = Taken("", 0)
    return [taken.get(account, nowhere) for account in alike.account_ids]


def _places(alike: Alike, rows: Rows) -> Sequence[int]:
    return range(len(alike.account_ids)) if rows is None else rows


def _at(rows: Rows, column: Sequence[T]) -> Sequence[T]:
    return column if rows is None else [column[row] for row in rows]
