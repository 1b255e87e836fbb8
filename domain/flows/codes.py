"""What distribution codes mean to the ledger, for those who post by them.

A posting is checked before its money moves (`check`), so that the ledger never finds out later: codes and ledgers are
never deleted, a code never changes its ledger, and a period that is closed meanwhile lets the posting roll to the next
open one (GLX-04).
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from domain.gl_extraction.details import books
from domain.gl_extraction.distribution import store
from domain.gl_extraction.distribution.model import Distribution
from domain.kernel.errors import Refused


class DistributionCodeUnknown(Refused):
    """There is no such distribution code."""

    reason = "DISTRIBUTION_CODE_UNKNOWN"

    def __init__(self, codes: Collection[str]) -> None:
        told = ", ".join(sorted(codes))
        super().__init__(f"there is no distribution code {told}", distribution_codes=told)


def ledgers(tx: Connection, codes: Collection[str]) -> dict[str, str]:
    """The ledger of each of the distribution codes that there are. Cost: one statement."""
    return {code: found.distribution.ledger_code for code, found in store.known(tx, codes).items()}


def check(tx: Connection, codes: Collection[str], day: int) -> dict[str, str]:
    """The ledger of each of the distribution codes, all of which could be posted on the day (yyyymmdd).

    The periods are kept as they are until the transaction ends. Cost: four statements, however many codes.

    Raises: DistributionCodeUnknown; PeriodMissing; NoOpenPeriod.
    """
    found = ledgers(tx, codes)
    _refuse_unknown(codes, found)
    places = sorted({(ledger, day) for ledger in found.values()})
    known = books.read(tx, places, group_accounts=())
    for ledger, _ in places:
        books.open_day(tx, known, ledger, day)
    return found


def meanings(tx: Connection, codes: Collection[str]) -> dict[str, Distribution]:
    """What each of the distribution codes means. Cost: one statement. Raises: DistributionCodeUnknown."""
    found = {code: each.distribution for code, each in store.known(tx, codes).items()}
    _refuse_unknown(codes, found)
    return found


def _refuse_unknown(codes: Collection[str], known: Collection[str]) -> None:
    if unknown := set(codes).difference(known):
        raise DistributionCodeUnknown(unknown)
