"""Many rows in: COPY on PostgreSQL, executemany on SQLite."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

Cell = str | int | bytes

_COPY_BYTES = 1 << 18  # handed to the driver at once
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
