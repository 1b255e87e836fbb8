"""Many rows in: COPY on PostgreSQL, executemany on SQLite."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from itertools import chain, repeat
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

Cell = str | int | bytes

Cells = Mapping[str, "Cell | Sequence[Cell]"]
"""By column, a cell that is the same in all rows, or one for each row, in a list."""

_COPY_BYTES = 1 << 18  # handed to the driver at once
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def insert_rows(tx: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Insert rows of `columns` into `table` (names are ours, never a caller's); no row is NULL anywhere.

    Cost: PostgreSQL one COPY, whose text is held in memory: hand in one chunk (10k to 50k rows) at a time. SQLite one
    prepared INSERT executed per row.
    """
    names = ", ".join(columns)
    if tx.dialect.name == "postgresql":
        lines = ("\t".join(map(copy_cell, row)) + "\n" for row in rows)
        copy_in(tx, table, columns, "".join(lines).encode())
        return
    marks = ", ".join("?" * len(columns))
    tx.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({marks})", [tuple(row) for row in rows])  # noqa: S608


def insert_sheets(tx: Connection, table: str, sheets: Sequence[tuple[int, Cells]]) -> None:
    """As `insert_rows`, of rows that are alike: each sheet is so many rows, column by column, and all have one set.

    What is the same in all rows of a sheet is written once. Cost: as `insert_rows`.
    """
    filled = [(rows, cells) for rows, cells in sheets if rows]
    if not filled:
        return
    columns = list(filled[0][1])
    assert all(list(cells) == columns for _, cells in filled), "one set of columns"
    if tx.dialect.name == "postgresql":
        lines = (line for rows, cells in filled for line in _lines(rows, list(cells.values())))
        copy_in(tx, table, columns, "".join(lines).encode())
        return
    of_rows = (
        zip(*(each if isinstance(each, list) else repeat(each, rows) for each in cells.values()), strict=True)
        for rows, cells in filled
    )
    insert_rows(tx, table, columns, chain.from_iterable(of_rows))


def _lines(rows: int, cells: Sequence[Cell | Sequence[Cell]]) -> Iterable[str]:
    """A sheet in COPY's text format."""
    format_ = "\t".join("%s" if isinstance(each, list) else copy_cell(each).replace("%", "%%") for each in cells)  # type: ignore[arg-type]
    columns = [_escaped(each) for each in cells if isinstance(each, list)]
    return map(f"{format_}\n".__mod__, zip(*columns, strict=True) if columns else repeat((), rows))


def _escaped(column: list[Cell]) -> Iterable[Cell]:
    """The cells of a column, all of one kind, as COPY wants them; nearly none has anything to escape."""
    kind = type(column[0])
    if kind is int or (kind is str and not _SPECIAL.search("".join(column))):  # type: ignore[arg-type]
        return column
    return map(copy_cell, column)


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
        return value.translate(_ESCAPES)
    if isinstance(value, bytes):
        return "\\\\x" + value.hex()
    return str(value)
