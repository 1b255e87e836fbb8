"""What bills of accounts that are alike put on running invoices: how lines are told is decided once (decision 34)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from domain.billing.bills.errors import BillNotInvoiceable
from domain.billing.bills.invoicing import (
    InvoicedAlike,
    InvoiceLine,
    InvoiceLines,
    ReckonedTax,
    ReckonedTaxes,
    Rows,
    likes,
)
from domain.billing.bills.wording import told_apart
from domain.billing.configuration.snapshot import Snapshot
from domain.billing.rating.sheets import Lines, like
from domain.billing.runs.alike.filling import Batch, Filled
from domain.billing.runs.alike.likeness import ACCOUNT, BILL
from domain.kernel.templates import Template

T = TypeVar("T")


def with_invoices(batch: Batch, snapshot: Snapshot) -> Batch | None:
    """The batch with how its lines go on invoices, where they do; None for lines that an invoice cannot tell.

    Then each account is told so by itself.
    """
    completion = batch.mold.decided.completion
    if completion is None or completion.invoiced is None:
        return batch
    apart = told_apart(batch.mold.facts.agreements)
    currency = completion.bill.currency
    try:
        told = tuple(
            tuple(likes(each.piece.segment, [like(one, currency) for one in each.rated.lines], snapshot, apart))
            for each in batch.filled
        )
    except BillNotInvoiceable:
        return None
    return replace(batch, told=told)


def invoiced(batch: Batch, names: Mapping[str, list[str]]) -> InvoicedAlike | None:
    """What goes on invoices, in columns; None where nothing does. What comes to nothing stays away."""
    completion = batch.mold.decided.completion
    if completion is None or completion.invoiced is None:
        return None
    found = [column for each, told in zip(batch.filled, batch.told, strict=True) for column in _told(each, told, names)]
    return InvoicedAlike(
        completion.invoiced.invoice_cycle_code,
        completion.invoiced.currency,
        names[ACCOUNT],
        tuple(each for each in found if isinstance(each, InvoiceLines)),
        tuple(each for each in found if isinstance(each, ReckonedTaxes)),
    )


def _told(
    filled: Filled, told: Sequence[InvoiceLine | ReckonedTax], names: Mapping[str, list[str]]
) -> list[InvoiceLines | ReckonedTaxes]:
    """The lines of a piece; they are numbered as they stand in each row's document."""
    segment_ids = names[filled.piece.segment.segment_id]
    groups = [f"{bill}/{segment}" for bill, segment in zip(names[BILL], segment_ids, strict=True)]
    found: list[InvoiceLines | ReckonedTaxes] = []
    numbers = [0] * len(groups)
    for line, its in zip(filled.rated.lines, told, strict=True):
        numbers = _counted(numbers, line)
        rows = None if all(line.minor) else [row for row, minor in enumerate(line.minor) if minor]
        if rows is not None and not rows:
            continue
        ids = [f"{group}/{number}" for group, number in zip(groups, numbers, strict=True)]
        minor, own = _at(rows, line.minor), (rows, _at(rows, ids), _at(rows, segment_ids))
        if isinstance(its, ReckonedTax):
            found.append(ReckonedTaxes(its, *own, minor))
            continue
        texts = Template(its.description, [filled.piece.segment.agreement_id]).filled(len(groups), names)
        attos = _at(rows, line.attos) if its.quantity and line.attos is not None else None
        found.append(InvoiceLines(its, *own, _at(rows, texts), minor, attos))
    return found


def _counted(numbers: list[int], line: Lines) -> list[int]:
    """Of each row, the number of its last line once this one has come, where it has it."""
    if line.has is None:
        return [each + 1 for each in numbers]
    return [each + bool(has) for each, has in zip(numbers, line.has, strict=True)]


def _at(rows: Rows, column: Sequence[T]) -> list[T]:
    return list(column) if rows is None else [column[row] for row in rows]
