"""What becomes of segments that were made of other values than are known now (BIL-21, BIL-24).

What is not frozen is made again, what is frozen is stale. Either a correction has put values in the place of others; or
data come in late, for what was estimated for want of them. Nothing is replaced by these, so that nobody would notice.
Segments that were estimated are looked for first, as nearly always there are none: then the rows that are taken in are
looked at no further.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import count
from typing import NamedTuple

from sqlalchemy import Connection

from domain.billing.accounts.store import lock_accounts, unsettle_segments
from domain.billing.configuration.model import ProfileKind
from domain.billing.segments.states import SegmentState
from domain.billing.usage import clock
from domain.billing.usage.registers import Bounds, Used, used
from domain.billing.usage.store import corrections, insert, sums
from domain.billing.usage.store.corrections import Change, Estimated, Touched
from domain.billing.usage.store.insert import Key
from domain.billing.usage.store.sums import Window
from domain.kernel.call import Call

ProfileKey = tuple[str, str]
"""Account and profile."""

SegmentKey = tuple[str, str]
"""Account and segment."""


class Owner(NamedTuple):
    """The agreement that owns a profile, the profile's time zone, and of a register how many digits it has."""

    agreement: str
    zone: str
    digits: int = 0


class Late(NamedTuple):
    """Data that may have been estimated, by profile the instants of those that are new; and whose the profiles are."""

    kind: ProfileKind
    owners: Mapping[ProfileKey, Owner]
    instants: Mapping[ProfileKey, Sequence[int]]


def correct(
    tx: Connection, call: Call, kind: ProfileKind, owners: Mapping[ProfileKey, Owner], changes: Sequence[Change]
) -> set[SegmentKey]:
    """Put values in the place of others, and mark what was made of those; gives what is frozen of it.

    The accounts and the values are locked. Cost: none without a change, else some six statements.
    """
    if not changes:
        return set()
    corrections.replace(tx, kind, changes, now_us=call.now_us, caller=call.caller)
    touched = {_touched(kind, change.key, owners[change.key[:2]]) for change in changes}
    stale = corrections.stale(tx, {each for each in touched if each.agreement})
    unsettle_segments(tx, *sorted({change.key[0] for change in changes}))
    return set(stale)


def late(tx: Connection, kind: ProfileKind, owners: Mapping[ProfileKey, Owner], keys: Iterable[Key]) -> Late:
    """Those of the keys that are not there yet, of agreements that have something estimated; asked before they are.

    Cost: one statement, and one more where there is anything estimated.
    """
    concerned = {(account, owner.agreement) for (account, _), owner in owners.items() if owner.agreement}
    estimated = {(each.account, each.agreement) for each in corrections.estimated(tx, concerned)}
    mine = {key: owner for key, owner in owners.items() if (key[0], owner.agreement) in estimated}
    wanted = [key for key in keys if key[:2] in mine] if mine else []
    instants: dict[ProfileKey, list[int]] = defaultdict(list)
    for key in sorted(set(wanted).difference(insert.held(tx, kind, wanted))):
        instants[key[:2]].append(key[2])
    return Late(kind, mine, instants)


def supersede(tx: Connection, found: Late) -> set[SegmentKey]:
    """Have what was estimated without these data made again, now that they are there; what is frozen of it is stale.

    The accounts are locked, in the order of their ids. Gives account and segment of what is frozen.
    Cost: none where nothing came late, else some six statements.
    """
    if not found.instants:
        return set()
    lock_accounts(tx, {account for account, _ in found.instants})
    concerned = {(key[0], found.owners[key].agreement) for key in found.instants}
    estimated = corrections.estimated(tx, concerned)
    wrong = _wrong_reads(tx, found, estimated) if found.kind is ProfileKind.REGISTER else _wrong(found, estimated)
    unsettle_segments(tx, *sorted({each.account for each in wrong if each.state is SegmentState.FREEZABLE}))
    frozen = [each for each in wrong if each.state is SegmentState.FROZEN]
    corrections.mark_stale(tx, [(each.account, each.segment, each.version) for each in frozen])
    return {(each.account, each.segment) for each in frozen}


def _touched(kind: ProfileKind, key: Key, owner: Owner) -> Touched:
    """Of which days an instant is part: a read belongs to the period that ends with its day, too."""
    day = clock.day_at(owner.zone, key[2])
    after = clock.day_after(day) if kind is ProfileKind.INTERVALS else day
    return Touched(key[0], owner.agreement, day, after)


def _wrong(found: Late, estimated: Collection[Estimated]) -> list[Estimated]:
    """Those of the segments that have intervals which came late among their days."""
    return [
        each
        for each in estimated
        if any(
            _any_within(
                found.instants[key],
                clock.begin_us(found.owners[key].zone, each.start),
                clock.begin_us(found.owners[key].zone, each.end),
            )
            for key in _profiles(found, each)
        )
    ]


def _wrong_reads(tx: Connection, found: Late, estimated: Collection[Estimated]) -> list[Estimated]:
    """Those of the segments that would be made of reads which came late."""
    asked = [
        (each, key, Bounds.of(found.owners[key].zone, each.start, each.end))
        for each in estimated
        for key in _profiles(found, each)
    ]
    numbers = count()
    windows = [Window(next(numbers), *key, bounds.start_us, bounds.after_end_us) for _, key, bounds in asked]
    reads = sums.reads(tx, windows)
    wrong = []
    for number, (each, key, bounds) in enumerate(asked):
        around = reads.get(number, [])
        counted = used(around, bounds, found.owners[key].digits, estimate=True)
        looked_at = counted.reads if isinstance(counted, Used) else around
        if each not in wrong and not {read.at_us for read in looked_at}.isdisjoint(found.instants[key]):
            wrong.append(each)
    return wrong


def _profiles(found: Late, segment: Estimated) -> list[ProfileKey]:
    """The profiles of a segment's agreement for which data came late."""
    return [
        key for key in found.instants if (key[0], found.owners[key].agreement) == (segment.account, segment.agreement)
    ]


def _any_within(instants: Sequence[int], from_us: int, until_us: int) -> bool:
    """Whether one of the instants, which are in order, lies within [from, until)."""
    at = bisect_left(instants, from_us)
    return at < len(instants) and instants[at] < until_us
