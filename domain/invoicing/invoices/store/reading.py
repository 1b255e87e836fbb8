"""Rows of invoices as values."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from domain.invoicing.invoices.model import Invoice
from domain.invoicing.invoices.states import InvoiceKind, InvoiceState
from domain.invoicing.tables import invoice

_i = invoice.c
COLUMNS = [_i[field.name] for field in fields(Invoice)]
"""What `from_row` wants."""


def find(tx: Connection, account_id: str, invoice_id: str) -> Invoice | None:
    """The invoice, if there is one; by primary key."""
    query = select(*COLUMNS).where(_i.account_id == account_id, _i.invoice_id == invoice_id)
    row = tx.execute(query).mappings().one_or_none()
    return from_row(row) if row else None


def from_row(row: RowMapping) -> Invoice:
    """An invoice as its row has it."""
    values: dict[str, Any] = dict(row)
    values |= {"kind": InvoiceKind(values["kind"]), "state": InvoiceState(values["state"])}
    values |= {name: bool(values[name]) for name in ("final", "aggregated")}
    return Invoice(**values)
