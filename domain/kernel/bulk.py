"""Many rows in: COPY on PostgreSQL, executemany on SQLite."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Any

from sqlalchemy import Connection

Cell = str | int | bytes

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def insert_rows(tx: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Insert rows of `columns` into `table` (names are ours, never a caller's); no row is NULL anywhere.

    Cost: PostgreSQL one COPY, whose text is held in memory: hand in one chunk (10k to 50k rows) at a time. SQLite one
    prepared INSERT executed per row.
    """
    names = ", ".join(columns)
    if tx.dialect.name == "postgresql":
        text = StringIO()
        for row in rows:
            text.write("\t".join(map(copy_cell, row)))
            text.write("\n")
        text.seek(0)
        cursor: Any = tx.connection.cursor()
        try:
            cursor.copy_expert(f"COPY {table} ({names}) FROM STDIN", text)
        finally:
            cursor.close()
        return
    marks = ", ".join("?" * len(columns))
    tx.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({marks})", [tuple(row) for row in rows])  # noqa: S608


def copy_cell(value: Cell) -> str:
    """A value in COPY's text format."""
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if isinstance(value, bytes):
        return "\\\\x" + value.hex()
    return str(value)
