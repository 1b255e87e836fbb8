"""Accounts that are alike become rows: what they have in common is written once, the rest in columns (decision 34)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring

from sqlalchemy import Connection

from domain.billing.bills import completing
from domain.billing.bills.booking import Charges
from domain.billing.bills.freezing import Freezing, charge_of
from domain.billing.bills.invoicing import InvoicedAlike
from domain.billing.bills.telling import scope_of
from domain.billing.names import bill_name
from domain.billing.rating.sheets import Column, Rows
from domain.billing.runs.alike.filling import Batch, Filled, added
from domain.billing.runs.alike.invoicing import invoiced
from domain.billing.runs.alike.likeness import ACCOUNT, BILL, agreement_name, names_of
from domain.billing.runs.deciding import Desk
from domain.billing.segments.documents import Layout, line_texts, total_texts
from domain.billing.segments.model import Bill
from domain.billing.segments.store import bills, segments
from domain.kernel import events
from domain.kernel.bulk import Cell, Cells, insert_sheets
from domain.kernel.call import Call
from domain.kernel.ids import some_ids
from domain.kernel.templates import Template

Names = Mapping[str, list[str]]
"""By what stands in for them, the names of each account and of what it has, those of what is new too."""

_FALSE, _TRUE = "false", "true"


@dataclass(frozen=True, slots=True)
class Written:
    """What accounts that are alike become: so many `rows` of bills and of each of the segments, and their charges.

    With them, what goes on invoices. `owners` are the bills by name, where there is something to tell of them.
    """

    batch: Batch
    rows: int
    bills: Cells
    segments: tuple[Cells, ...]
    charges: tuple[Charges, ...]
    invoiced: InvoicedAlike | None
    owners: list[str]


def written(call: Call, desk: Desk, batch: Batch) -> Written:
    """The rows of accounts that have something to bill. Pure; ids come from the call's instant and the desk's seed."""
    names, decided = _names(call, desk, batch), batch.mold.decided
    return Written(
        batch,
        len(batch.members),
        _bills(batch, names),
        tuple(_segments(each, names) for each in batch.filled),
        tuple(_charges(batch, decided.done, names)) if decided.done else (),
        invoiced(batch, names),
        list(map(bill_name, names[ACCOUNT], names[BILL])) if decided.done else [],
    )


def record(tx: Connection, call: Call, desk: Desk, batches: Sequence[Batch]) -> None:
    """Do what was decided of accounts that are alike, which are locked.

    Cost: three COPYs, or prepared INSERTs, those of posting, and those of `Invoices.add`, however many accounts.

    Raises: what the ledger refuses; NotAllInvoiced.
    """
    found = [written(call, desk, batch) for batch in batches if batch.filled]
    insert_sheets(tx, "bill", [(each.rows, each.bills) for each in found])
    insert_sheets(tx, "bill_segment", [(each.rows, segments) for each in found for segments in each.segments])
    for each in found:
        decided = each.batch.mold.decided
        if decided.done is not None:
            _, kind, payload = completing.entry(decided.done, completed=decided.completion is not None)
            events.add_first(tx, call, each.owners, kind, payload, scope_id=scope_of(decided.account))
    if charges := [each for one in found for each in one.charges]:
        desk.bench.ledger.post(tx, call, (), alike=charges)
    if on_invoices := [each.invoiced for each in found if each.invoiced]:
        desk.bench.invoices.add(tx, call, (), alike=on_invoices)


def _names(call: Call, desk: Desk, batch: Batch) -> Names:
    """The names of accounts, with those of what is new: a bill, and its segments."""
    new = [BILL, *(each.piece.segment.segment_id for each in batch.filled)]
    ids = [some_ids(call.now_us, desk.seed_of(each.account_id), len(new)) for each in batch.members]
    return {**names_of(batch.members), **dict(zip(new, map(list, zip(*ids, strict=True)), strict=True))}


def _bills(batch: Batch, names: Names) -> Cells:
    """The rows of the bills."""
    bill = _bill(batch)
    common = dict(zip(bills.COLUMNS, bills.row_of(bill), strict=True))
    order = Template(str(common["processing_order"]), map(agreement_name, range(len(bill.order))))
    own: dict[str, Cell | Sequence[Cell]] = {
        "account_id": names[ACCOUNT],
        "bill_id": names[BILL],
        "processing_order": order.filled(len(batch.members), names),
    }
    if bill.completed_us:
        own |= {"amount_minor": list(batch.amounts), "tax_minor": list(batch.taxes)}
    return {**common, **own}


def _segments(filled: Filled, names: Names) -> Cells:
    """The rows of the segments of a piece."""
    segment = filled.piece.segment
    common = dict(zip(segments.COLUMNS, segments.row_of(segment), strict=True))
    return {
        **common,
        "account_id": names[ACCOUNT],
        "segment_id": names[segment.segment_id],
        "bill_id": names[BILL],
        "agreement_id": names[segment.agreement_id],
        "estimated": list(map(int, filled.any_estimated)),
        "amount_minor": list(filled.rated.amount),
        "tax_minor": list(filled.rated.tax),
        "calculation": _documents(filled, names),
    }


def _documents(filled: Filled, names: Names) -> list[str]:
    """How the segments of a piece were calculated."""
    rows = len(names[ACCOUNT])
    layout = Layout(filled.piece.segment.worked, list(filled.totals), list(filled.texts), names)
    lines = zip(*(line_texts(each, rows) for each in filled.rated.lines), strict=True)
    all_there = all(each.has is None for each in filled.rated.lines)
    values: dict[str, str | Sequence[object]] = {
        "lines": list(map(",".join, lines if all_there else map(_present, lines))),
        **{measure: total_texts(measure, column) for measure, column in filled.totals.items()},
        **{f"estimated {name}": _flags(column) for name, column in filled.estimated.items()},
        **{f"texts {name}": list(map(_sentences, column)) for name, column in filled.texts.items()},
    }
    return layout.filled(rows, names, values)


def _charges(batch: Batch, done: Freezing, names: Names) -> Iterator[Charges]:
    """What the ledger is told of accounts."""
    for each in batch.filled:
        segment = each.piece.segment
        columns: dict[str, list[Column]] = defaultdict(list)
        for line in each.rated.lines:
            columns[line.distribution_code].append(line.minor)
        yield Charges(
            charge_of(segment, done, reversal=False),
            names[ACCOUNT],
            names[segment.segment_id],
            names[segment.agreement_id],
            each.rated.amount,
            {code: added(of_code, len(batch.members)) for code, of_code in columns.items()},
        )


def _bill(batch: Batch) -> Bill:
    bill = batch.mold.decided.bill
    assert bill is not None, "there is something to bill"
    return bill


def _present(texts: tuple[str, ...]) -> Iterator[str]:
    return filter(None, texts)


def _sentences(texts: tuple[str, ...]) -> str:
    return ",".join(map(encode_basestring, texts))


def _flags(column: Rows) -> str | list[str]:
    return [_TRUE if each else _FALSE for each in column] if any(column) else _FALSE
