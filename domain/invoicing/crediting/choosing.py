"""Which lines of an invoice a credit note gives back, or parts of them: values in, values out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from domain.invoicing.crediting.errors import (
    LineCredited,
    LinePartOfBill,
    LinePartTooLarge,
    LineWithoutQuantity,
    NothingLeftToCredit,
)
from domain.invoicing.invoices.errors import LineNotFound
from domain.invoicing.invoices.model import Invoice, InvoiceLine
from domain.kernel.money import Money, Rounding, digits_of, rounded
from domain.kernel.quantities import ATTOS, attos_of, quantity_text


class Part(NamedTuple):
    """How much of a line is given back: so much of its net amount, in minor units, or of its quantity, in text."""

    net_minor: int = 0
    quantity: str = ""


class Before(NamedTuple):
    """What was given back of a line before: in so many turns, so much of its net amount and quantity (attos)."""

    turns: int = 0
    net_minor: int = 0
    attos: int = 0


NOTHING = Before()


class Chosen(NamedTuple):
    """What is given back of a line, as a line: `turn` counts from 1; 0 is all of one of which nothing was before."""

    line: InvoiceLine
    turn: int = 0


def chosen(
    of: Invoice,
    lines: Sequence[InvoiceLine],
    wanted: Mapping[int, Part | None],
    before: Mapping[int, Before],
    gone: Collection[str],
) -> list[Chosen]:
    """What is left of the lines that are wanted, or a part of it, and all others of their segments; none named: all.

    `gone` are segments that their bills have taken back in another way, or are about to. These are left out where no
    line is named, and given with the others where one is, so that billing says why not.

    Raises: LineNotFound; LineCredited; LinePartOfBill; LineWithoutQuantity; LinePartTooLarge; NothingLeftToCredit.
    """
    by_number = {each.line_no: each for each in lines}
    for line_no in sorted(wanted):
        if line_no not in by_number:
            raise LineNotFound(of.account_id, of.invoice_id, line_no)
        if not _is_left(by_number[line_no], before):
            raise LineCredited(by_number[line_no].name)
    if not wanted:
        left = [_rest(of, each, before) for each in lines if each.segment_id not in gone and _is_left(each, before)]
        if not left:
            raise NothingLeftToCredit(of.name)
        return left
    segments = {by_number[line_no].segment_id for line_no in wanted} - {""}
    some = [each for each in lines if each.line_no in wanted or each.segment_id in segments]
    return [_of(of, each, wanted.get(each.line_no), before) for each in some]


def _is_left(line: InvoiceLine, before: Mapping[int, Before]) -> bool:
    done = before.get(line.line_no, NOTHING)
    return not done.turns or done.net_minor != line.net_minor


def _of(of: Invoice, line: InvoiceLine, part: Part | None, before: Mapping[int, Before]) -> Chosen:
    if part is None:
        return _rest(of, line, before)
    if line.segment_id:
        raise LinePartOfBill(line.name)
    done = before.get(line.line_no, NOTHING)
    left = line.net_minor - done.net_minor
    net_minor = _net_of(of, line, part.quantity, done) if part.quantity else part.net_minor
    if not 0 < net_minor * _sign(left) <= abs(left):
        raise LinePartTooLarge(line.name, Money(left, of.currency))
    return Chosen(_told(of, line, net_minor, _attos(part.quantity) if part.quantity else 0), done.turns + 1)


def _net_of(of: Invoice, line: InvoiceLine, quantity: str, done: Before) -> int:
    """What a part of the quantity comes to; the last of it to what is left. Zero where there is not so much of it."""
    if not line.quantity:
        raise LineWithoutQuantity(line.name)
    wanted, left = _attos(quantity), _attos(line.quantity) - done.attos
    if not 0 < wanted * _sign(left) <= abs(left):
        return 0
    if wanted == left:
        return line.net_minor - done.net_minor
    return _product(of, wanted, line.price)


def _rest(of: Invoice, line: InvoiceLine, before: Mapping[int, Before]) -> Chosen:
    """All that is left of a line."""
    done = before.get(line.line_no, NOTHING)
    if not done.turns:
        return Chosen(line)
    attos = _attos(line.quantity) - done.attos if line.quantity else 0
    return Chosen(_told(of, line, line.net_minor - done.net_minor, attos), done.turns + 1)


def _told(of: Invoice, line: InvoiceLine, net_minor: int, attos: int) -> InvoiceLine:
    """The line, of so much; with its quantity where that, times the price, is what it comes to."""
    if attos and _product(of, attos, line.price) == net_minor:
        return replace(line, net_minor=net_minor, quantity=quantity_text(attos))
    return replace(line, net_minor=net_minor, quantity="", price="", unit_code="")


def _product(of: Invoice, attos: int, price: str) -> int:
    digits = digits_of(of.currency)
    assert digits is not None
    return rounded(attos * _attos(price) * 10**digits, ATTOS * ATTOS, Rounding.HALF_UP)


def _attos(text: str) -> int:
    attos = attos_of(text)
    assert attos is not None, "it was checked"
    return attos


def _sign(number: int) -> int:
    return -1 if number < 0 else 1
