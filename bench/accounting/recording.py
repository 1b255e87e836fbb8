"""The statements of calls, as the product sends them: what a floor has to run.

A few calls are made in this process, and what the driver is given is noted. Ids and keys in it become places that the
floor fills anew each time: the claim, ids that the product makes, and the sequence of an event.
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from sqlalchemy import create_engine, event

from bench.accounting import shop
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.performing import executing
from domain.accounting.performing.booking import Books
from domain.accounting.performing.gathering import gather
from domain.accounting.performing.requests import Entry, Execution
from domain.flows.accounting import Posting
from domain.kernel.call import Call
from domain.kernel.money import Money
from domain.kernel.script import Script
from server.database.transaction import Database

METHOD = "countinghouse.accounting.v1.AccountingService/ExecuteAccounting"
EVENTS_MADE = 7_000_000_000  # recorded sequences follow on it, so that they are told from other numbers

_KNOWN = re.compile(r"\bs(?P<claim>\d+)\b|\b(?P<id>0[0-9a-hjkmnp-tv-z]{25})\b|\b(?P<sequence>70\d{8})\b")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as the driver was given it, and its parameters; on PostgreSQL they are written into it."""

    text: str
    parameters: Any = ()


class Calls:
    """The use case in this process, without a server."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self._configurations, self._books = Configurations(), Books(Posting())

    def make(self, wanted: Sequence[Execution]) -> list[Any]:
        """One call."""
        call = Call("bench", METHOD, "", time.time_ns() // 1_000)
        return self.database.write(
            lambda tx: executing.execute_many(tx, call, self._configurations, self._books, wanted)
        )

    def decision(self, wanted: Execution) -> Callable[[], object]:
        """What decides a workflow point, on facts that are there."""
        call = Call("bench", METHOD, "", time.time_ns() // 1_000)
        entries = [(entry.claim_id, entry.dispute_id) for entry in wanted.entries]
        gathered = self.database.write(lambda tx: gather(tx, self._configurations, entries))
        return lambda: executing._plan(gathered, call, wanted, set())  # noqa: SLF001


def wanted_of(point: str, claims: Sequence[int]) -> list[Execution]:
    """A workflow point of claims by number."""
    ids = [f"{shop.SPREAD}{number}" for number in claims]
    return [Execution(claim, point, (Entry(claim, shop.DISPUTE, Money(1_050, "USD")),)) for claim in ids]


def record(url: str, point: str, claims: Sequence[int]) -> list[Statement]:
    """The statements of a call for these claims, once everything is warm. The database is not to be measured on."""
    calls = Calls(url)
    wanted = wanted_of(point, claims)
    calls.make(wanted)
    _mark(url)
    with listening() as seen:
        assert not any(isinstance(found, Exception) for found in calls.make(wanted))
    calls.database.dispose()
    return [each for each in seen if not each.text.startswith("BEGIN")]


def places(text: str, numbers: Sequence[int], ids: dict[str, int], named: tuple[str, str, str]) -> str:
    """The text with places for what is different each time; `named` are formats of claim, id and sequence."""
    order = {str(number): at for at, number in enumerate(numbers)}

    def place(found: re.Match[str]) -> str:
        if found["claim"]:
            return shop.SPREAD + named[0].format(order[found["claim"]])
        if found["id"]:
            return named[1].format(ids.setdefault(found["id"], len(ids)))
        return named[2].format(int(found["sequence"]) - EVENTS_MADE)

    return _KNOWN.sub(place, text)


@contextmanager
def listening() -> Iterator[list[Statement]]:
    """What any connection of this process is given meanwhile."""
    from sqlalchemy import Engine  # noqa: PLC0415

    seen: list[Statement] = []

    def note(_: object, cursor: Any, text: str, parameters: Any, *_more: object) -> None:  # noqa: ANN401
        sent = getattr(cursor, "query", None)
        seen.append(Statement(sent.decode()) if sent else Statement(text, parameters))

    def heard(self: Script, statement: str, rows: Any) -> Any:  # noqa: ANN401
        cursor = do(self, statement, rows)
        note(self, cursor, statement, rows[0] if len(rows) == 1 else rows)
        return cursor

    do = Script._do  # noqa: SLF001 - scripts go past SQLAlchemy
    event.listen(Engine, "after_cursor_execute", note)
    try:
        with patch.object(Script, "_do", heard):
            yield seen
    finally:
        event.remove(Engine, "after_cursor_execute", note)


def _mark(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE claim SET events_made = {EVENTS_MADE}")
    engine.dispose()
