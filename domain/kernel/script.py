"""Statements that change rows and are handed to the database together: on PostgreSQL one way there and back.

On the hot path the ways cost more than the work, and so does what SQLAlchemy adds to a statement: the driver is used
past it. What a statement gives back is lost, so a script is for what must simply be done; what it must not do a
constraint of the table refuses. Questions are asked by themselves (`Script.ask`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from domain.kernel.bulk import Cell, array_text, insert_rows
from domain.kernel.clock import NOW

_ROWS_PER_STATEMENT = 200
_COPY_FROM = 200  # rows; for fewer an INSERT costs less than a COPY


class Script:
    """Statements in their order, for one transaction. Names in them are ours, never a caller's."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx
        self._together = tx.dialect.name == "postgresql"
        self.now = NOW[tx.dialect.name]
        """The database's clock as SQL, in microseconds."""
        self._statements: list[str] = []
        self._values: list[Cell] = []

    def add(self, statement: str, *values: Cell) -> None:
        """A statement whose values stand as `?`; it holds no other question mark, and no percent sign."""
        if not self._together:
            self._do(statement, [values])
            return
        self._statements.append(statement.replace("?", "%s"))
        self._values += values

    def insert(
        self,
        table: str,
        columns: Sequence[str],
        rows: Sequence[Sequence[Cell]],
        *,
        values: str = "",
        then: str = "",
    ) -> None:
        """Insert rows, in a COPY when they are many.

        `values` are SQL for each of the columns, with a `?` for each cell of a row; empty: a cell for each column.
        `then` is what follows them (ON CONFLICT …).
        """
        if not rows:
            return
        if not values and not then and len(rows) >= _COPY_FROM:
            self.run()
            insert_rows(self._tx, table, columns, rows)
            return
        head = f"INSERT INTO {table} ({', '.join(columns)}) VALUES "  # noqa: S608 - names of ours
        marks = f"({values or ', '.join('?' * len(columns))})"
        if not self._together:
            self._do(f"{head}{marks} {then}", rows)
            return
        for first in range(0, len(rows), _ROWS_PER_STATEMENT):
            some = rows[first : first + _ROWS_PER_STATEMENT]
            statement = f"{head}{', '.join([marks] * len(some))} {then}"
            self.add(statement, *(cell for row in some for cell in row))

    def update(self, table: str, key: Sequence[str], columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        """Set `columns` of the rows of these keys; each row of cells is a key and then what is set."""
        if not rows:
            return
        if not self._together:
            where = " AND ".join(f"{name} = ?" for name in key)
            statement = f"UPDATE {table} SET {', '.join(f'{name} = ?' for name in columns)} WHERE {where}"  # noqa: S608
            width = len(key)
            self._do(statement, [(*row[width:], *row[:width]) for row in rows])
            return
        names = (*key, *columns)
        changes = ", ".join(f"{name} = v.{name}" for name in columns)
        where = " AND ".join(f"t.{name} = v.{name}" for name in key)
        marks = f"({', '.join('?' * len(names))})"
        for first in range(0, len(rows), _ROWS_PER_STATEMENT):
            some = rows[first : first + _ROWS_PER_STATEMENT]
            values = ", ".join([marks] * len(some))
            statement = f"UPDATE {table} t SET {changes} FROM (VALUES {values}) v({', '.join(names)}) WHERE {where}"  # noqa: S608
            self.add(statement, *(cell for row in some for cell in row))

    def ask(self, question: str, *values: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401 - lists on PostgreSQL, too
        """The rows that a statement gives, once all before it is done; written as in `add`, in the database's words.

        On PostgreSQL a value may be a list of texts or of integers, where the statement casts it to an array. Of
        several on PostgreSQL those of the last. Cost: one statement, and what `run` costs.
        """
        self.run()
        if self._together:
            values = tuple(array_text(each) if isinstance(each, list) else each for each in values)
            question = question.replace("?", "%s")
        found: list[tuple[Any, ...]] = self._do(question, [values]).fetchall()
        return found

    def run(self) -> None:
        """Do what was not done yet. Cost: one statement on PostgreSQL; on SQLite all is done already."""
        if self._statements:
            self._do(";".join(self._statements), [self._values])
            self._statements.clear()
            self._values.clear()

    def _do(self, statement: str, rows: Sequence[Sequence[Any]]) -> Any:  # noqa: ANN401 - the driver's cursor
        """Have the driver do it for each row."""
        cursor: Any = self._tx.connection.driver_connection.cursor()  # type: ignore[union-attr]
        if len(rows) == 1:
            cursor.execute(statement, rows[0])
        else:
            cursor.executemany(statement, rows)
        return cursor
