"""Rows that are to come onto invoices, sorted out: what is there already, what was sent twice, what is refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Generic, TypeVar

from domain.invoicing.invoices import refusals
from domain.invoicing.invoices.model import INVOICE_NET_MAX, LINES_MAX, Key, NewLine, ReckonedTax
from domain.invoicing.invoices.store.adding import Running, Sum
from domain.kernel.errors import Violation
from domain.kernel.ids import new_id

R = TypeVar("R", NewLine, ReckonedTax)
Refuse = Callable[[NewLine | ReckonedTax], Violation | None]


class Rows(Generic[R]):
    """Rows by their position: those that wait for an invoice, by account; those refused; those that are there."""

    def __init__(self, rows: Sequence[R], held: Mapping[Key, R], refuse: Refuse, differs: Violation) -> None:
        self.rows: Sequence[R] = rows
        self.waiting: dict[str, list[int]] = defaultdict(list)
        self.refused: dict[int, Violation] = {}
        self.held: list[int] = []
        self.again: list[tuple[int, int]] = []  # with the position of the first that was sent of it
        firsts: dict[Key, int] = {}
        for position, row in enumerate(rows):
            key = row.key
            first = firsts.setdefault(key, position)
            kept = held.get(key)
            if kept is not None:
                self._sort(row == kept, position, self.held, differs)
            elif first != position:
                if row == rows[first]:
                    self.again.append((position, first))
                else:
                    self.refused[position] = differs
            elif (found := refuse(row)) is not None:
                self.refused[position] = found
            else:
                self.waiting[row.account_id].append(position)

    def _sort(self, same: bool, position: int, held: list[int], differs: Violation) -> None:  # noqa: FBT001 - one of two
        if same:
            held.append(position)
        else:
            self.refused[position] = differs

    def of(self, account: str) -> list[R]:
        """The rows of an account that wait."""
        return [self.rows[position] for position in self.waiting.get(account, ())]

    def refuse(self, account: str, wrong: Refuse) -> None:
        """Refuse those of an account's waiting rows with which something is wrong."""
        staying = []
        for position in self.waiting.get(account, ()):
            found = wrong(self.rows[position])
            if found is None:
                staying.append(position)
            else:
                self.refused[position] = found
        if account in self.waiting:
            self.waiting[account] = staying

    def follow(self) -> None:
        """What was sent twice is refused as the first of it."""
        self.refused |= {at: self.refused[first] for at, first in self.again if first in self.refused}


def beyond(known: Sequence[Running], count: int, net_minor: int, currency: str) -> Violation | None:
    """What is wrong with so many lines more, of so much, for an account whose running invoices are known."""
    here = next((each for each in known if each.here), None)
    if count + (here.last_line_no if here else 0) > LINES_MAX:
        return refusals.LINES_TOO_MANY
    if abs(net_minor + (here.net_minor if here else 0)) > INVOICE_NET_MAX:
        return refusals.too_large(currency)
    return None


class Sorted:
    """Lines and reckoned taxes that come together."""

    def __init__(self, lines: Rows[NewLine], taxes: Rows[ReckonedTax]) -> None:
        self.lines, self.taxes = lines, taxes

    @property
    def accounts(self) -> set[str]:
        """Those for which anything waits."""
        return self.lines.waiting.keys() | self.taxes.waiting.keys()

    def sums(self, known: Mapping[str, Sequence[Running]], accounts: Collection[str], now_us: int) -> list[Sum]:
        """What comes to accounts whose running invoices are known, once what does not fit is refused.

        Accounts of which nothing is left are left out.
        """
        found = (self._sum_of(account, known.get(account, ()), new_id(now_us)) for account in sorted(accounts))
        return [each for each in found if each is not None]

    def _sum_of(self, account: str, known: Sequence[Running], fresh_id: str) -> Sum | None:
        currency = known[0].currency if known else self._first(account).currency
        self._refuse(account, lambda row: None if row.currency == currency else refusals.other_currency(row, currency))
        rows = self.lines.of(account)
        net_minor = sum(row.net_minor for row in rows)
        if (wrong := beyond(known, len(rows), net_minor, currency)) is not None:
            self._refuse(account, lambda _: wrong)
        if not self.lines.of(account) and not self.taxes.of(account):
            return None
        return Sum(account, fresh_id, currency, len(rows), net_minor)

    def follow(self) -> None:
        """What was sent twice is refused as the first of it."""
        self.lines.follow()
        self.taxes.follow()

    def _first(self, account: str) -> NewLine | ReckonedTax:
        rows: list[NewLine | ReckonedTax] = [*self.lines.of(account), *self.taxes.of(account)]
        return rows[0]

    def _refuse(self, account: str, wrong: Refuse) -> None:
        self.lines.refuse(account, wrong)
        self.taxes.refuse(account, wrong)
