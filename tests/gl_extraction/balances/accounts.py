"""Balances for the tests: what is told, and whether it is what the details come to."""

from __future__ import annotations

from dataclasses import replace

from domain.gl_extraction.balances import service
from domain.gl_extraction.balances.model import Difference, Line, TrialBalance
from domain.gl_extraction.balances.service import LinesWanted
from server.database.transaction import Database
from tests.gl_extraction.samples import CALL, MONTHS

MAY = "2026-05"


def told(
    database: Database, as_of_us: int | None = None, *, now_us: int = CALL.now_us, period: str = MAY
) -> TrialBalance:
    """The trial balance of a month, asked for at an instant."""
    call = replace(CALL, now_us=now_us)
    at_us = database.read(lambda tx: service.told(tx, as_of_us))
    if at_us is None:
        at_us = database.write(lambda tx: service.tell(tx, call, as_of_us))
    return database.read(lambda tx: service.get(tx, call, "MAIN", period, at_us))


def lines(database: Database, at_us: int, *, period: str = MAY, account: str | None = None) -> list[Line]:
    """All lines of a month as of an instant that was told, a page of two at a time."""
    found: list[Line] = []
    while True:
        after = (found[-1].distribution_account, found[-1].currency) if found else None
        wanted = LinesWanted("MAIN", period, account, after, 2)
        page = database.read(lambda tx, wanted=wanted: service.lines(tx, CALL, wanted, at_us))  # type: ignore[misc]
        found += page
        if not page:
            return found


def differences(database: Database) -> list[Difference]:
    """Where what was recorded is not what the details come to, over all months, on one snapshot."""
    return database.read(lambda tx: [each for month in MONTHS for each in service.check(tx, CALL, "MAIN", month.code)])


def compacted(database: Database, now_us: int, *, rows_max: int = 1_000) -> int:
    """Compact all there is to compact; gives how many steps it took."""
    steps = 1
    while database.write(lambda tx: service.compact(tx, now_us=now_us, rows_max=rows_max)):
        steps += 1
    return steps
