"""The SQL by which lines come onto running invoices: a few statements, however many accounts and lines."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection

from domain.invoicing.invoices.model import INVOICE_NET_MAX, LINES_MAX, Key, NewLine, Place, ReckonedTax
from domain.kernel.bulk import Cell, Cells, insert_sheets
from domain.kernel.documents import to_text
from domain.kernel.script import Script


class HeldLine(NamedTuple):
    """A line that is there: as it would be handed in, and where it stands."""

    line: NewLine
    place: Place


class Running(NamedTuple):
    """A running invoice of an account; one that stands in the schedule that lines go to is `here`."""

    here: bool
    currency: str
    net_minor: int
    last_line_no: int


class Sum(NamedTuple):
    """What comes to an account: the id of its invoice if none runs yet, and what its lines are and come to."""

    account_id: str
    new_id: str
    currency: str
    line_count: int
    net_minor: int


class Taken(NamedTuple):
    """The invoice that has taken lines, and the number of the last."""

    invoice_id: str
    last_line_no: int


_CURRENCY = NewLine._fields.index("currency")  # stands in the invoice's row alone
_LINE = tuple(name for name in NewLine._fields if name != "currency")
_TAX = tuple(name for name in ReckonedTax._fields if name != "currency")

_OPEN = (
    "SELECT s.schedule_code FROM invoice_schedule s WHERE s.cycle_code = ? AND (s.state = 'OPEN' OR EXISTS"
    " (SELECT 1 FROM invoice_batch b WHERE b.batch_id = s.batch_id AND b.locked_us = 0))"
)
_RUNNING = (
    "SELECT i.account_id, i.schedule_code, i.currency, i.net_minor, i.last_line_no FROM {keys}"
    " {join} i.cycle_code = ? AND i.schedule_code = k.schedule_code AND i.account_id = k.account_id AND i.slot = ''"
    " AND i.state = 'RUNNING'{end}"
)
_TAKE = """INSERT INTO invoice (account_id, invoice_id, cycle_code, schedule_code, currency, line_count, last_line_no,
 net_minor, created_us, updated_us)
 SELECT {account}, {invoice}, ?, ?, {currency}, {count}, {count}, {net}, ?, ? FROM {keys} ORDER BY 1
 ON CONFLICT (cycle_code, schedule_code, account_id, slot) DO UPDATE SET
 line_count = invoice.line_count + excluded.line_count, last_line_no = invoice.last_line_no + excluded.last_line_no,
 net_minor = invoice.net_minor + excluded.net_minor, aggregated = 0, version = invoice.version + 1,
 updated_us = excluded.updated_us
 WHERE invoice.state = 'RUNNING' AND invoice.currency = excluded.currency
 AND invoice.last_line_no + excluded.last_line_no <= {lines_max}
 AND invoice.net_minor + excluded.net_minor BETWEEN -{net_max} AND {net_max}
 RETURNING account_id, invoice_id, last_line_no"""


def places(tx: Connection, cycle_code: str) -> list[str]:
    """The schedules of a cycle in which invoices may run. Cost: one statement, which reads those of the cycle."""
    return [code for (code,) in Script(tx).ask(_OPEN, cycle_code)]


def running(
    tx: Connection, cycle_code: str, schedules: Collection[str], here: str, accounts: Collection[str]
) -> dict[str, list[Running]]:
    """By account, the invoices that run in these schedules. Cost: one look along invoice_once for each of both."""
    found: dict[str, list[Running]] = {}
    if not accounts:
        return found
    pairs = [(schedule, account) for schedule in sorted(schedules) for account in sorted(accounts)]
    rows = Script(tx).ask(_running(tx.dialect.name), *_handed(tx, pairs), cycle_code)
    for account, schedule, *others in rows:
        found.setdefault(account, []).append(Running(schedule == here, *others))
    return found


def take_in(tx: Connection, cycle_code: str, schedule_code: str, sums: Sequence[Sum], now_us: int) -> dict[str, Taken]:
    """Add what comes to each account to its running invoice, which is made if there is none; gives those that took it.

    Left out are accounts whose invoice does not run any more, has another currency, or would become too large. Cost:
    one statement along invoice_once, which locks the invoices by account until the transaction ends.
    """
    if not sums:
        return {}
    shared = (cycle_code, schedule_code, now_us, now_us)
    rows = Script(tx).ask(_take(tx.dialect.name), *shared, *_handed(tx, sums))
    return {account: Taken(invoice_id, last) for account, invoice_id, last in rows}


def lines(tx: Connection, keys: Collection[Key]) -> dict[Key, HeldLine]:
    """The lines that there are under keys. Cost: one look along invoice_line_once for each."""
    found = {}
    for *cells, invoice_id, line_no in _held(tx, "invoice_line", (*NewLine._fields, "invoice_id", "line_no"), keys):
        line = NewLine(*cells)
        found[line.key] = HeldLine(line, Place(invoice_id, line_no))
    return found


def taxes(tx: Connection, keys: Collection[Key]) -> dict[Key, ReckonedTax]:
    """The reckoned taxes that there are under keys. Cost: as `lines`."""
    found = (ReckonedTax(*cells) for cells in _held(tx, "invoice_reckoned_tax", ReckonedTax._fields, keys))
    return {tax.key: tax for tax in found}


def insert_lines(tx: Connection, placed: Sequence[tuple[NewLine, Place]], now_us: int) -> None:
    """Put lines where they belong, of which nobody has the keys. Cost: that of `insert_sheets`."""
    found = sorted(placed, key=lambda each: (each[0].account_id, each[1]))
    rows = [(*place, *line[:_CURRENCY], *line[_CURRENCY + 1 :]) for line, place in found]
    insert_line_sheets(tx, [_sheet(("invoice_id", "line_no", *_LINE), rows)], now_us)


def insert_taxes(tx: Connection, placed: Sequence[tuple[ReckonedTax, str]]) -> None:
    """Put taxes on invoices, of which nobody has the keys. Cost: that of `insert_sheets`."""
    rows = [(invoice_id, *tax[:_CURRENCY], *tax[_CURRENCY + 1 :]) for tax, invoice_id in sorted(placed)]
    insert_tax_sheets(tx, [_sheet(("invoice_id", *_TAX), rows)])


def _sheet(names: Sequence[str], rows: Sequence[Sequence[Cell]]) -> tuple[int, Cells]:
    """Rows by column; what all of them have the same of stands once."""
    columns = map(list, zip(*rows, strict=True))
    return len(rows), {
        name: column[0] if column.count(column[0]) == len(rows) else column
        for name, column in zip(names, columns, strict=False)  # there are none without rows
    }


def line_cells(line: NewLine) -> Cells:
    """A line's row by column, but for what its invoice says."""
    return _cells_of(line, NewLine._fields)


def tax_cells(tax: ReckonedTax) -> Cells:
    """A tax's row by column, likewise."""
    return _cells_of(tax, ReckonedTax._fields)


def _cells_of(row: Sequence[str | int], names: Sequence[str]) -> Cells:
    return {name: cell for name, cell in zip(names, row, strict=True) if name != "currency"}


def insert_line_sheets(tx: Connection, sheets: Sequence[tuple[int, Cells]], now_us: int) -> None:
    """As `insert_lines`, of lines that are alike; their cells have the invoice and the number, too."""
    insert_sheets(tx, "invoice_line", [(rows, {**cells, "created_us": now_us}) for rows, cells in sheets])


def insert_tax_sheets(tx: Connection, sheets: Sequence[tuple[int, Cells]]) -> None:
    """As `insert_taxes`, likewise."""
    insert_sheets(tx, "invoice_reckoned_tax", sheets)


# Sets of keys, as each database takes them: of how few there are neither knows anything by itself


def _handed(tx: Connection, rows: Sequence[Sequence[str | int]]) -> list[object]:
    """Rows as values of a statement: an array for each column on PostgreSQL, one document on SQLite."""
    if tx.dialect.name == "postgresql":
        return [list(column) for column in zip(*rows, strict=True)]
    return [to_text([list(row) for row in rows])]


def _unnested(**types: str) -> str:
    arrays = ", ".join(f"CAST(? AS {kind}[])" for kind in types.values())
    return f"unnest({arrays}) k ({', '.join(types)})"


def _cells(names: Sequence[str]) -> Mapping[str, str]:
    return {name: f"json_extract(k.value, '$[{at}]')" for at, name in enumerate(names)}


def _held(tx: Connection, table: str, columns: Sequence[str], keys: Collection[Key]) -> list[tuple[Any, ...]]:
    if not keys:
        return []
    return Script(tx).ask(_held_statement(tx.dialect.name, table, tuple(columns)), *_handed(tx, sorted(keys)))


@lru_cache
def _held_statement(dialect: str, table: str, columns: tuple[str, ...]) -> str:
    names = ("account_id", "source", "external_id")
    told = ", ".join(f"{'i' if name == 'currency' else 'd'}.{name}" for name in columns)
    owner = "i.account_id = d.account_id AND i.invoice_id = d.invoice_id"
    if dialect == "postgresql":
        same = " AND ".join(f"d.{name} = k.{name}" for name in names)
        keys = _unnested(**dict.fromkeys(names, "text"))
        found = f"SELECT {told} FROM {table} d JOIN invoice i ON {owner} WHERE {same} OFFSET 0"  # noqa: S608 - ours
        return f"SELECT f.* FROM {keys} CROSS JOIN LATERAL ({found}) f"  # noqa: S608 - ours
    same = " AND ".join(f"d.{name} = {cell}" for name, cell in _cells(names).items())
    return f"SELECT {told} FROM json_each(?) k CROSS JOIN {table} d ON {same} CROSS JOIN invoice i ON {owner}"  # noqa: S608


@lru_cache
def _running(dialect: str) -> str:
    names = ("schedule_code", "account_id")
    if dialect == "postgresql":
        keys = _unnested(**dict.fromkeys(names, "text"))
        return _RUNNING.format(keys=keys, join="CROSS JOIN LATERAL (SELECT * FROM invoice i WHERE", end=" OFFSET 0) i")
    statement = _RUNNING.format(keys="json_each(?) k", join="CROSS JOIN invoice i ON", end="")
    for name, cell in _cells(names).items():
        statement = statement.replace(f"k.{name}", cell)
    return statement


@lru_cache
def _take(dialect: str) -> str:
    names = {"account": "text", "invoice": "text", "currency": "text", "count": "int", "net": "bigint"}
    bounds = {"lines_max": str(LINES_MAX), "net_max": str(INVOICE_NET_MAX)}
    if dialect == "postgresql":
        columns = {name: f"k.{name}" for name in names}
        return _TAKE.format(keys=_unnested(**names), **columns, **bounds)
    return _TAKE.format(keys="json_each(?) k WHERE true", **_cells(list(names)), **bounds)
