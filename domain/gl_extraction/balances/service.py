"""Use cases of trial balances: tell, page, check, compact (GLX-24).

As of an instant, a balance never changes once it was told. What is recorded counts as of when it was recorded, unless a
balance as of then may have been told before it was committed: then it counts right after that balance.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from domain.gl_extraction.balances.compacting import TIERS, Tier
from domain.gl_extraction.balances.errors import TrialBalanceNotFound
from domain.gl_extraction.balances.model import NOTHING, Difference, Line, Movement, Place, TrialBalance
from domain.gl_extraction.balances.store import checking, compaction, movements, reading, telling
from domain.gl_extraction.balances.sums import merged
from domain.gl_extraction.names import trial_balance_name
from domain.gl_extraction.periods import store as periods
from domain.gl_extraction.periods.model import Period
from domain.kernel.as_of import AsOfInFuture
from domain.kernel.call import Call
from domain.kernel.characters import require_storable


@dataclass(frozen=True, slots=True)
class LinesWanted:
    """Which lines: of a ledger's period, of one distribution account or (None) all, behind the last one shown."""

    ledger_code: str
    period_code: str
    distribution_account: str | None
    after: tuple[str, str] | None
    limit: int


def told(tx: Connection, as_of_us: int | None) -> int | None:
    """The instant as of which it can be answered without writing; None when it must be told anew by `tell`.

    `as_of_us` None asks for now: nothing has changed since the last balance that was told. Cost: two statements.
    """
    settled_us = telling.mark(tx, telling.SETTLED)
    if as_of_us is not None:
        return as_of_us if as_of_us <= settled_us and telling.is_told(tx, as_of_us) else None
    return settled_us if settled_us and not telling.has_unsettled(tx) else None


def tell(tx: Connection, call: Call, as_of_us: int | None) -> int:
    """The instant as of which it is answered: now, or the one asked for, so finely as the past is kept.

    From here on, nothing changes as of it. Raises: AsOfInFuture. Cost: about five statements, and the lock of a mark
    which takings of details do not wait for.
    """
    settled_us = telling.mark(tx, telling.SETTLED, lock=True)
    if as_of_us is not None and as_of_us > max(call.now_us, settled_us):
        raise AsOfInFuture(as_of_us, call.now_us)
    if as_of_us is None or as_of_us > settled_us:
        settled_us = _settle(tx, settled_us, call.now_us)
    at_us = settled_us if as_of_us is None else _kept(tx, as_of_us)
    telling.remember_told(tx, at_us)
    return at_us


def require(tx: Connection, call: Call, ledger_code: str, period_code: str) -> None:
    """Refuse a period that is not there, or not for this caller. Raises: TrialBalanceNotFound."""
    _period(tx, call, ledger_code, period_code)


def get(tx: Connection, call: Call, ledger_code: str, period_code: str, as_of_us: int) -> TrialBalance:
    """What the period comes to as of an instant that was told. Raises: TrialBalanceNotFound; BalanceTooLarge."""
    period = _period(tx, call, ledger_code, period_code)
    totals, line_count = reading.totals(tx, period, as_of_us)
    return TrialBalance(ledger_code, period_code, as_of_us, totals, line_count)


def lines(tx: Connection, call: Call, wanted: LinesWanted, as_of_us: int) -> list[Line]:
    """At most `limit` lines as of an instant that was told, by account and currency.

    Raises: TrialBalanceNotFound; BalanceTooLarge; Invalid for an account that no detail could have.
    """
    require_storable(distribution_account=wanted.distribution_account or "")
    period = _period(tx, call, wanted.ledger_code, wanted.period_code)
    account = wanted.distribution_account
    return reading.page(tx, period, as_of_us, account=account, after=wanted.after, limit=wanted.limit)


def check(tx: Connection, call: Call, ledger_code: str, period_code: str) -> list[Difference]:
    """Where what was recorded of a period is not what its details come to at this moment: nowhere, or there is damage.

    Raises: TrialBalanceNotFound; BalanceTooLarge. Cost: reads all details and their stamps.
    """
    period = _period(tx, call, ledger_code, period_code)
    key = (period.ledger_code, period.code)
    recorded = {movement.place: movement for movement in merged(checking.recorded(tx, *key))}
    found = {movement.place: movement for movement in merged(checking.found(tx, *key))}

    def nothing(place: Place) -> Movement:
        return Movement(place, NOTHING, NOTHING)

    return [
        Difference(place, recorded.get(place, nothing(place)), found.get(place, nothing(place)))
        for place in sorted(recorded.keys() | found.keys())
        if recorded.get(place) != found.get(place)
    ]


def compact(tx: Connection, *, now_us: int, rows_max: int) -> bool:
    """Settle what is committed, and keep what is old as one row a place and span; says whether there is more to do.

    Balances as of instants that were told stay what they are. Cost: about `rows_max` changes read, removed and put in,
    or those of one span where it has more.
    """
    settled_us = _settle(tx, telling.mark(tx, telling.SETTLED, lock=True), now_us)  # nothing is told meanwhile
    return any(_compact_tier(tx, tier, min(now_us - tier.after_us, settled_us), rows_max) for tier in TIERS)


def _period(tx: Connection, call: Call, ledger_code: str, period_code: str) -> Period:
    found = periods.find(tx, ledger_code, period_code) if call.scope.has_ledger(ledger_code) else None
    if found is None:
        raise TrialBalanceNotFound(trial_balance_name(ledger_code, period_code))
    return found


def _settle(tx: Connection, settled_us: int, now_us: int) -> int:
    """Settle what is committed; gives up to which instant."""
    until_us = max(now_us, settled_us + 1)
    if not telling.settle(tx, after_us=settled_us, until_us=until_us):
        until_us = max(now_us, settled_us)
    telling.set_mark(tx, telling.SETTLED, until_us)
    return until_us


def _kept(tx: Connection, as_of_us: int) -> int:
    """The last instant, at or before the one asked for, as of which balances are still kept apart."""
    for tier in reversed(TIERS):
        if as_of_us <= telling.mark(tx, tier.mark):
            return max(tier.begin(as_of_us), telling.last_told(tx, as_of_us))
    return as_of_us


def _compact_tier(tx: Connection, tier: Tier, until_us: int, rows_max: int) -> bool:
    after_us, until_us = telling.mark(tx, tier.mark), tier.begin(until_us)
    if until_us <= after_us:
        return False
    last_us = compaction.instant_of(tx, packed=tier.packed, after_us=after_us, until_us=until_us, limit=rows_max)
    more = last_us is not None and tier.end(last_us) < until_us
    if last_us is not None:
        until_us = tier.end(last_us)
    rows = compaction.read(tx, packed=tier.packed, after_us=after_us, until_us=until_us)
    kept = _by_span(rows, tier, telling.told_between(tx, after_us, until_us))
    if tier.packed or sum(map(len, kept.values())) < len(rows):
        compaction.remove(tx, packed=tier.packed, after_us=after_us, until_us=until_us)
        movements.record_spans(tx, kept)
    telling.set_mark(tx, tier.mark, until_us)
    return more


def _by_span(rows: Sequence[tuple[Movement, int]], tier: Tier, told_us: Sequence[int]) -> dict[int, list[Movement]]:
    """The movements added up by place, by the end of their span: a border, or an instant that was told."""
    spans: dict[int, list[Movement]] = {}
    for movement, settled_us in rows:
        following = bisect_left(told_us, settled_us)
        end_us = min([tier.end(settled_us), *told_us[following : following + 1]])
        spans.setdefault(end_us, []).append(movement)
    return {end_us: merged(of_span) for end_us, of_span in sorted(spans.items())}
