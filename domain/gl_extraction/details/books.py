"""Gathers the reference data that rows are held against, once for many rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby

from sqlalchemy import Connection

from domain.gl_extraction.details.errors import NoOpenPeriod, PeriodMissing
from domain.gl_extraction.details.rows import Prepared, Slot
from domain.gl_extraction.details.rules import CODE, Books, day_of_date
from domain.gl_extraction.names import ledger_name
from domain.gl_extraction.periods import store as periods
from domain.gl_extraction.reference import store as registers
from domain.gl_extraction.reference.model import GROUP_ACCOUNTS, LEDGERS
from domain.kernel.scopes import EVERYTHING, Scope


def gather(tx: Connection, prepared: Prepared, scope: Scope = EVERYTHING) -> Books:
    """The books as far as these rows touch them, those of their periods kept as they are until the transaction ends.

    Ledgers outside the scope are left out, as if there were none (PLT-14).

    Cost: two statements, on PostgreSQL three, however many rows.
    """
    unsound = [prepared.rows[position] for position in prepared.unsound]
    places = {(ledger_code, day) for ledger_code, day, _ in {row.slot for row in prepared.sound}}
    places |= {(row.ledger_code, day) for row in unsound if (day := day_of_date(row.accounting_date))}
    codes = {row.group_account_code for row in prepared.sound} | {row.group_account_code for row in unsound}
    return read(tx, places, group_accounts=codes, scope=scope)


def read(
    tx: Connection,
    places: Iterable[tuple[str, int]],
    *,
    group_accounts: Iterable[str],
    scope: Scope = EVERYTHING,
) -> Books:
    """The books for these pairs of ledger and day (yyyymmdd) and these group accounts; see `gather`."""
    wanted = [(ledger, day) for ledger, day in places if CODE.fullmatch(ledger) and scope.has_ledger(ledger)]
    codes = {LEDGERS: {ledger for ledger, _ in wanted}, GROUP_ACCOUNTS: filter(CODE.fullmatch, group_accounts)}
    known = registers.known_of_all(tx, codes)
    ledgers = known[LEDGERS]
    days = [day for ledger, day in wanted if ledger in ledgers]
    found = periods.covering(tx, ledgers, from_day=min(days), to_day=max(days)) if days else []
    return Books(
        ledgers,
        known[GROUP_ACCOUNTS],
        {ledger: tuple(of_ledger) for ledger, of_ledger in groupby(found, key=lambda period: period.ledger_code)},
    )


def open_periods(books: Books, slots: Iterable[Slot]) -> dict[Slot, str]:
    """The code of the open period for each slot that the books have a place for."""
    codes = {}
    for slot in slots:
        ledger_code, day, given_period = slot
        period = books.period_of(ledger_code, day)
        if period is not None and period.is_open and given_period in {"", period.code}:
            codes[slot] = period.code
    return codes


def misfits(prepared: Prepared, books: Books, periods: Mapping[Slot, str]) -> list[int]:
    """The positions of rows that break a rule, by the `open_periods` of the sound ones."""
    slots = {row.slot for row in prepared.sound}
    unlisted = {row.group_account_code for row in prepared.sound} - books.group_accounts - {""}
    if not unlisted and len(periods) == len(slots):
        return prepared.unsound
    unfit = [row.position for row in prepared.sound if row.slot not in periods or row.group_account_code in unlisted]
    return sorted([*prepared.unsound, *unfit])


def open_day(tx: Connection, books: Books, ledger_code: str, day: int) -> int:
    """The day itself if its period is open, else the first day of the ledger's next open period (GLX-04).

    Raises: PeriodMissing when no period holds the day; NoOpenPeriod.
    """
    period = books.period_of(ledger_code, day)
    if period is None:
        raise PeriodMissing(ledger_name(ledger_code), day)
    if period.is_open:
        return day
    following = periods.next_open(tx, ledger_code, after_day=day)
    if following is None:
        raise NoOpenPeriod(ledger_name(ledger_code), day)
    return following.start_day
