"""The SQL by which invoices, their lines and taxes are read; one statement a function."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, func, literal, or_, select, true, tuple_

from domain.invoicing.batches.states import BatchKind, BatchState
from domain.invoicing.invoices.model import Invoice, InvoiceLine, InvoiceTax, ShownState
from domain.invoicing.invoices.states import InvoiceKind, InvoiceState
from domain.invoicing.tables import invoice, invoice_batch, invoice_line, invoice_tax
from domain.kernel.paging import Key

_i, _l, _t, _b = invoice.c, invoice_line.c, invoice_tax.c, invoice_batch.c
COLUMNS = [_i[field.name] for field in fields(Invoice)]
"""What `from_row` wants."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which invoices; what is empty means any. `number_no` is a number within one of `number_batches`."""

    account_id: str = ""
    cycle_code: str = ""
    schedule_code: str = ""
    batch_id: str = ""
    credits_id: str = ""
    states: Collection[ShownState] = ()
    kinds: Collection[InvoiceKind] = ()
    number_no: int = 0
    number_batches: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Batched:
    """What invoices have from their batch: `issue_day` is 0 before its lock."""

    state: BatchState
    issue_day: int


def find(tx: Connection, account_id: str, invoice_id: str) -> Invoice | None:
    """The invoice, if there is one; by primary key."""
    found = some(tx, account_id, [invoice_id])
    return found[0] if found else None


def some(tx: Connection, account_id: str, ids: Collection[str], *, lock: bool = False) -> list[Invoice]:
    """Invoices of an account by id, as far as there are; `lock` keeps them until the transaction ends."""
    query = select(*COLUMNS).where(_i.account_id == account_id, _i.invoice_id.in_(sorted(ids))).order_by(_i.invoice_id)
    return [from_row(row) for row in tx.execute(query.with_for_update() if lock else query).mappings()]


def page(
    tx: Connection, wanted: Filter, *, cycles: Collection[str] | None, after: Key | None, limit: int
) -> list[Invoice]:
    """At most `limit` invoices of these cycles (None: of all), in the order of `key_of`, from behind a key.

    Cost: along the primary key for an account, along invoice_once for a cycle; what is filtered besides is read past.
    """
    order = _order(wanted)
    query = select(*COLUMNS).outerjoin(invoice_batch, _b.batch_id == _i.batch_id).where(_matches(wanted))
    query = query.where(_i.cycle_code.in_(sorted(cycles))) if cycles is not None else query
    query = query.where(tuple_(*order) > tuple_(*map(literal, after))) if after else query
    return [from_row(row) for row in tx.execute(query.order_by(*order).limit(limit)).mappings()]


def key_of(wanted: Filter, found: Invoice) -> Key:
    """What pages go by."""
    return [getattr(found, column.name) for column in _order(wanted)]


def batched(tx: Connection, ids: Collection[str]) -> dict[str, Batched]:
    """What invoices have from these batches."""
    query = select(_b.batch_id, _b.state, _b.issue_day).where(_b.batch_id.in_(sorted(ids)))
    return {row[0]: Batched(BatchState(row[1]), row[2]) for row in (tx.execute(query) if ids else ())}


def batches_of_number(tx: Connection, year: int, number_no: int) -> list[str]:
    """The batches of a year that a number may be of, in whatever series; reads the batches."""
    last = _b.first_number + _b.number_count
    query = select(_b.batch_id).where(_b.issue_day.between(year * 10_000, year * 10_000 + 9_999))
    its = or_(and_(_b.first_number <= number_no, last > number_no), _b.kind == BatchKind.CREDIT_NOTES)
    return list(tx.execute(query.where(its)).scalars())


def lines_page(tx: Connection, account_id: str, invoice_id: str, *, after: int, limit: int) -> list[InvoiceLine]:
    """At most `limit` lines of an invoice behind a number, by number; along the primary key."""
    columns = [_l[field.name] for field in fields(InvoiceLine)]
    query = select(*columns).where(_l.account_id == account_id, _l.invoice_id == invoice_id, _l.line_no > after)
    return [InvoiceLine(*row) for row in tx.execute(query.order_by(_l.line_no).limit(limit))]


def line(tx: Connection, account_id: str, invoice_id: str, line_no: int) -> InvoiceLine | None:
    """A line, if there is one; by primary key."""
    found = lines_page(tx, account_id, invoice_id, after=line_no - 1, limit=1)
    return found[0] if found and found[0].line_no == line_no else None


def taxes(tx: Connection, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], list[InvoiceTax]]:
    """What aggregation has come to, by account and invoice; by primary key."""
    found: dict[tuple[str, str], list[InvoiceTax]] = {}
    if not keys:
        return found
    columns = [_t[name] for name in ("account_id", "invoice_id", "tax_category", "tax_ppm", "net_minor", "tax_minor")]
    mine = _t.account_id.in_(sorted({key[0] for key in keys}))  # leads SQLite, which makes nothing of pairs
    query = select(*columns).where(mine, tuple_(_t.account_id, _t.invoice_id).in_(sorted(keys))).order_by(*columns[:4])
    for row in tx.execute(query):
        found.setdefault((row[0], row[1]), []).append(InvoiceTax(*row[2:]))
    return found


def credited(
    tx: Connection, keys: Collection[tuple[str, str]], *, published: bool = False
) -> dict[tuple[str, str], int]:
    """By account and invoice, what credit notes (or the published ones) give back of it, with tax, in minor units.

    Cost: along ix_invoice_credits.
    """
    if not keys:
        return {}
    query = select(_i.account_id, _i.credits_id, func.sum(_i.net_minor + _i.tax_minor)).where(
        _i.account_id.in_(sorted({key[0] for key in keys})),
        _i.credits_id != "",
        tuple_(_i.account_id, _i.credits_id).in_(sorted(keys)),
    )
    if published:
        query = query.join(invoice_batch, _b.batch_id == _i.batch_id).where(_b.state == BatchState.PUBLISHED)
    return {(row[0], row[1]): int(row[2]) for row in tx.execute(query.group_by(_i.account_id, _i.credits_id))}


def from_row(row: RowMapping) -> Invoice:
    """An invoice as its row has it."""
    values: dict[str, Any] = dict(row)
    values |= {"kind": InvoiceKind(values["kind"]), "state": InvoiceState(values["state"])}
    values |= {name: bool(values[name]) for name in ("final", "aggregated")}
    return Invoice(**values)


def _order(wanted: Filter) -> list[ColumnElement[Any]]:
    if wanted.cycle_code and not wanted.account_id:
        return [_i.cycle_code, _i.schedule_code, _i.account_id, _i.invoice_id]
    return [_i.account_id, _i.invoice_id]


def _matches(wanted: Filter) -> ColumnElement[bool]:
    given = (
        (_i.account_id, wanted.account_id),
        (_i.cycle_code, wanted.cycle_code),
        (_i.schedule_code, wanted.schedule_code),
        (_i.batch_id, wanted.batch_id),
        (_i.credits_id, wanted.credits_id),
    )
    parts: list[ColumnElement[bool]] = [column == value for column, value in given if value]
    if wanted.kinds:
        parts.append(_i.kind.in_(sorted(wanted.kinds)))
    if wanted.states:
        parts.append(or_(*map(_is, sorted(wanted.states))))
    if wanted.number_no:
        parts += [_i.number_no == wanted.number_no, _i.batch_id.in_(sorted(wanted.number_batches))]
    return and_(true(), *parts)


def _is(state: ShownState) -> ColumnElement[bool]:
    match state:
        case ShownState.PUBLISHED:
            return and_(_i.state == InvoiceState.LOCKED, _b.state == BatchState.PUBLISHED)
        case ShownState.LOCKED:
            return and_(_i.state == InvoiceState.LOCKED, _b.state != BatchState.PUBLISHED)
        case _:
            plain: ColumnElement[bool] = _i.state == state.value
            return plain
