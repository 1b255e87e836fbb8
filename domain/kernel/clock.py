"""The database's clock: the one that all processes share, by which leases and turns are judged."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Connection, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class database_now_us(FunctionElement[int]):  # noqa: N801 - reads as the SQL function that it is
    """Microseconds UTC by the database's clock (SQLite: to the millisecond); in SELECT only, never in UPDATE."""

    type = BigInteger()
    inherit_cache = True


NOW = {
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
    "sqlite": "(CAST(strftime('%s', 'now') AS INTEGER) * 1000000"
    " + CAST(substr(strftime('%f', 'now'), 4) AS INTEGER) * 1000)",
}
"""The database's clock as SQL, by dialect."""


@compiles(database_now_us, "postgresql")
def _on_postgresql(_element: database_now_us, _compiler: object, **_kw: Any) -> str:  # noqa: ANN401
    return NOW["postgresql"]


@compiles(database_now_us, "sqlite")
def _on_sqlite(_element: database_now_us, _compiler: object, **_kw: Any) -> str:  # noqa: ANN401
    return NOW["sqlite"]


_NOW = select(database_now_us())


def now_us(tx: Connection) -> int:
    """The database's clock, in microseconds UTC. Cost: one statement."""
    value: int = tx.execute(_NOW).scalar_one()
    return value
