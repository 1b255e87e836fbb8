"""Legal numbers: a range of the series reserved at the lock, and given to invoices by their place (INV-20).

The invoices of a batch are in one order, by schedule and account, which nothing changes once it is locked. So the
number of each is known from the first of the range: whoever is killed gives the same ones again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from domain.invoicing.batches.counting import Span
from domain.invoicing.batches.model import Batch
from domain.invoicing.invoices.states import InvoiceKind

_RESERVE = text(
    "INSERT INTO number_series (issuer_code, year, kind, next_no) VALUES (:issuer, :year, :kind, 1 + :count)"
    " ON CONFLICT (issuer_code, year, kind) DO UPDATE SET next_no = number_series.next_no + :count RETURNING next_no"
)
_OF = (
    "i.cycle_code = :cycle AND i.schedule_code = :schedule AND i.account_id BETWEEN :first AND :last"
    " AND i.slot = '' AND i.batch_id = :batch_id"
)
_GIVE = (
    "UPDATE invoice SET state = 'LOCKED', number_no = placed.number_no, recipient_version = placed.recipient_version,"  # noqa: S608
    " version = invoice.version + 1, updated_us = :now_us FROM ("
    " SELECT i.account_id, i.invoice_id, i.state, coalesce(r.version, 0) AS recipient_version,"
    " CASE WHEN i.line_count > 0 THEN :number + sum(CASE WHEN i.line_count > 0 THEN 1 ELSE 0 END)"
    " OVER (ORDER BY i.account_id) ELSE 0 END AS number_no"
    " FROM invoice i LEFT JOIN recipient r ON r.account_id = i.account_id"
    f" WHERE {_OF} AND i.state IN ('CLOSED', 'LOCKED')) AS placed"
    " WHERE placed.state = 'CLOSED' AND invoice.state = 'CLOSED' AND invoice.account_id BETWEEN :first AND :last"
    " AND invoice.account_id = placed.account_id AND invoice.invoice_id = placed.invoice_id"
)
_COUNTED = {
    "postgresql": text(
        f"WITH given AS ({_GIVE} RETURNING invoice.number_no)"  # noqa: S608
        " SELECT count(*), coalesce(sum(CASE number_no WHEN 0 THEN 1 ELSE 0 END), 0) FROM given"
    ),
    "sqlite": text(
        "SELECT count(*), coalesce(sum(CASE i.line_count WHEN 0 THEN 1 ELSE 0 END), 0) FROM invoice i"  # noqa: S608
        f" WHERE {_OF} AND i.state = 'CLOSED'"
    ),
}
_ALONE = text(_GIVE)


@dataclass(frozen=True, slots=True)
class Placed:
    """A span, and how many invoices with lines come before it in the batch."""

    span: Span
    before: int


def reserve(tx: Connection, issuer: str, year: int, kind: InvoiceKind, count: int) -> int:
    """The first of `count` fresh numbers of a series, which follow on the last ones without a gap.

    Rolled back, they are taken again. Cost: one statement, which locks the series until the transaction ends: ask last.
    """
    assert count > 0
    row = {"issuer": issuer, "year": year, "kind": kind, "count": count}
    following: int = tx.execute(_RESERVE, row).scalar_one()
    return following - count


def placed(spans: Sequence[Span]) -> list[Placed]:
    """The spans of a batch in its order, each with its place."""
    found, before = [], 0
    for span in spans:
        found.append(Placed(span, before))
        before += span.billable
    return found


def give(tx: Connection, batch: Batch, place: Placed, now_us: int) -> tuple[int, int]:
    """Lock the invoices of a span for good, with their numbers; gives how many, and how many have no number.

    Cost: one statement along invoice_once; two on SQLite, where nobody writes between them.
    """
    values = {**of(batch, place.span), "number": batch.first_number + place.before - 1, "now_us": now_us}
    count, empty = tx.execute(_COUNTED[tx.dialect.name], values).one()
    if tx.dialect.name != "postgresql":
        tx.execute(_ALONE, values)
    return int(count), int(empty)


def of(batch: Batch, span: Span) -> dict[str, str]:
    """A span as statements are told it."""
    return {
        "cycle": batch.cycle_code,
        "schedule": span.schedule,
        "first": span.first,
        "last": span.last,
        "batch_id": batch.batch_id,
    }
