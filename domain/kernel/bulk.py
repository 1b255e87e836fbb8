"""Many rows in: COPY on PostgreSQL, on SQLite statements of many rows, which bind once what rows have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from io import BytesIO
from itertools import chain, repeat
from typing import Any, cast

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from domain.kernel.templates import woven

Cell = str | int | bytes

Cells = Mapping[str, "Cell | Sequence[Cell]"]
"""By column, a cell that is the same in all rows, or one for each row, in a list."""

Sheet = tuple[int, Cells]
"""So many rows that are alike."""

_COPY_BYTES = 1 << 18  # handed to the driver at once
_ROWS_PER_STATEMENT = 50  # on SQLite; more gain nothing (measured)
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_COPIED = str.maketrans(_ESCAPES)


def insert_rows(tx: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Insert rows of `columns` into `table` (names are ours, never a caller's); no row is NULL anywhere.

    Cost: PostgreSQL one COPY, whose text is held in memory: hand in one chunk (10k to 50k rows) at a time. SQLite a
    statement for 50 rows.
    """
    if tx.dialect.name == "postgresql":
        lines = ("\t".join(map(copy_cell, row)) + "\n" for row in rows)
        copy_in(tx, table, columns, "".join(lines).encode())
        return
    insert_new(tx, table, columns, list(rows), {})


def insert_sheets(tx: Connection, table: str, sheets: Sequence[Sheet], *, order: Sequence[int] | None = None) -> None:
    """As `insert_rows`, of rows that are alike: each sheet is so many rows, column by column, and all have one set.

    What is the same in all rows of a sheet is written once. `order` has the places of the rows, counted through all
    sheets, as they are to go in. Cost: as `insert_rows`.
    """
    filled = [(rows, cells) for rows, cells in sheets if rows]
    if not filled:
        return
    columns = list(filled[0][1])
    assert all(list(cells) == columns for _, cells in filled), "one set of columns"
    if tx.dialect.name == "postgresql":
        lines = list(chain.from_iterable(_lines(rows, list(cells.values())) for rows, cells in filled))
        copy_in(tx, table, columns, "".join(lines if order is None else map(lines.__getitem__, order)).encode())
        return
    for rows, cells in filled if order is None else [_as_one(filled)]:
        own = {name: each for name, each in cells.items() if isinstance(each, list)}
        own = own or {columns[0]: [cast("Cell", cells[columns[0]])] * rows}
        common = {name: cast("Cell", each) for name, each in cells.items() if name not in own}
        found = list(zip(*own.values(), strict=True))
        insert_new(tx, table, list(own), found if order is None else [found[at] for at in order], common)


def _as_one(sheets: Sequence[Sheet]) -> Sheet:
    """Sheets of one set of columns together; what all of them have the same of stays written once."""
    rows = [rows for rows, _ in sheets]
    return sum(rows), {name: _joined(rows, [cells[name] for _, cells in sheets]) for name in sheets[0][1]}


def _joined(rows: Sequence[int], cells: Sequence[Cell | Sequence[Cell]]) -> Cell | Sequence[Cell]:
    first, *others = cells
    if not isinstance(first, list) and all(each == first for each in others):
        return first
    columns = (each if isinstance(each, list) else repeat(each, n) for n, each in zip(rows, cells, strict=True))
    return list(chain.from_iterable(columns))


def insert_new(
    tx: Connection,
    table: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    common: Mapping[str, Cell],
    *,
    otherwise: str = "",
) -> int:
    """SQLite: rows of `columns`, with cells that they have in `common`; gives how many were inserted.

    `otherwise` is what becomes of those that are in conflict (ON CONFLICT …). Cost: as `insert_rows`.
    """
    made, whole = 0, len(rows) - len(rows) % _ROWS_PER_STATEMENT
    for first, last, size in ((0, whole, _ROWS_PER_STATEMENT), (whole, len(rows), 1)):
        if first < last:
            statement = _statement(table, tuple(columns), tuple(common), size, otherwise)
            some = [rows[at : at + size] for at in range(first, last, size)]
            bound = [(*chain.from_iterable(each), *common.values()) for each in some]
            made += tx.exec_driver_sql(statement, bound).rowcount
    return made


@lru_cache
def _statement(table: str, columns: tuple[str, ...], common: tuple[str, ...], rows: int, otherwise: str) -> str:
    row = f"({', '.join('?' * len(columns))})"
    given = f"WITH given ({', '.join(columns)}) AS (VALUES {', '.join([row] * rows)})"
    cells = ", ".join(["given.*", *("?" * len(common))])
    names = ", ".join([*columns, *common])
    return f"INSERT INTO {table} ({names}) {given} SELECT {cells} FROM given WHERE true {otherwise}"  # noqa: S608


def _lines(rows: int, cells: Sequence[Cell | Sequence[Cell]]) -> Iterable[str]:
    """A sheet in COPY's text format."""
    of_cells = [_copied(each) if isinstance(each, list) else copy_cell(cast("Cell", each)) for each in cells]
    return woven(rows, chain.from_iterable(zip(chain([""], repeat("\t")), of_cells, strict=False)), "\n")


def _copied(column: list[Cell]) -> Iterable[str]:
    """The cells of a column, all of one kind, in COPY's text format; nearly none has anything to escape."""
    kind = type(column[0])
    if kind is int:
        return map(str, column)
    if kind is bytes:
        return map("\\\\x".__add__, map(bytes.hex, cast("list[bytes]", column)))
    texts = cast("list[str]", column)
    return map(copy_cell, texts) if _is_among(_ESCAPES, "".join(texts)) else texts


def copy_in(tx: Connection, table: str, columns: Sequence[str], lines: bytes) -> None:
    """Hand `lines`, in COPY's text format (`copy_cell`), to PostgreSQL.

    Raises: DBAPIError, as every statement of SQLAlchemy does, so that the transaction runner knows what went wrong.
    """
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    driver: Any = tx.connection
    errors: Any = tx.dialect.loaded_dbapi
    cursor: Any = driver.cursor()
    try:
        cursor.copy_expert(statement, BytesIO(lines), _COPY_BYTES)
    except errors.Error as error:
        lost = tx.dialect.is_disconnect(error, driver.dbapi_connection, cursor)
        if lost:
            tx.invalidate(error)
        raise DBAPIError.instance(
            statement, (), error, errors.Error, hide_parameters=True, connection_invalidated=lost, dialect=tx.dialect
        ) from error
    finally:
        cursor.close()


def copy_cell(value: Cell) -> str:
    """A value in COPY's text format."""
    if isinstance(value, str):
        return value.translate(_COPIED)
    if isinstance(value, bytes):
        return "\\\\x" + value.hex()
    return str(value)


def array_text(values: Sequence[str | int]) -> str:
    """Values of one kind as PostgreSQL writes an array. Cost: to read it there a tenth of what ARRAY[…] costs."""
    if not values or isinstance(values[0], int):
        return f"{{{','.join(map(str, values))}}}"
    texts = cast("Sequence[str]", values)
    if _is_among('"\\', "".join(texts)):
        texts = [each.replace("\\", "\\\\").replace('"', '\\"') for each in texts]
    return '{"' + '","'.join(texts) + '"}'


def _is_among(characters: Iterable[str], text: str) -> bool:
    """Whether a text has any of some characters; with so few a tenth of the time of a pattern."""
    return any(map(text.__contains__, characters))
