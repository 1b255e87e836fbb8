"""Taking in interval data and register reads by the million, chunk by chunk (BIL-24).

What is new is inserted, and nothing is locked for it. A value that differs from the one that is known is refused, or if
it is sent as a correction takes its place: the account is locked, so that no bill is made of it meanwhile.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from domain.billing.accounts.store import lock_accounts
from domain.billing.configuration.model import ProfileKind
from domain.billing.configuration.snapshot import Configurations
from domain.billing.names import profile_name, segment_name
from domain.billing.usage import coming, rules, superseding
from domain.billing.usage.rows import Prepared, ReadGroup, Refusal, Row
from domain.billing.usage.rules import Target
from domain.billing.usage.store import insert, targets
from domain.billing.usage.store.corrections import Change
from domain.billing.usage.store.insert import Held, Key
from domain.billing.usage.superseding import Owner, SegmentKey
from domain.kernel import events
from domain.kernel.call import Call
from domain.kernel.errors import Violation
from domain.kernel.ids import new_id


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of the rows of a chunk: received is the sum of accepted, duplicate, replaced and refused.

    `stale_segments` are the frozen segments, by resource name, that made use of a value which was replaced, or that
    were estimated for want of what came in now.
    """

    received: int
    accepted: int
    duplicate: int
    replaced: int
    refusals: tuple[Refusal, ...]
    stale_segments: tuple[str, ...]


@dataclass(slots=True)
class _Sound:
    """Rows of a kind that may go in: by key the first of each, then in their order all that come behind it."""

    firsts: dict[Key, Row] = field(default_factory=dict)
    later: dict[Key, list[Row]] = field(default_factory=dict)
    targets: dict[tuple[str, str], Target] = field(default_factory=dict)

    @property
    def owners(self) -> dict[tuple[str, str], Owner]:
        """Whose the profiles are, by account and profile."""
        return {key: Owner(each.agreement, each.zone, each.profile_type.digits) for key, each in self.targets.items()}

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.firsts) + sum(map(len, self.later.values()))

    def rows(self, key: Key) -> list[Row]:
        """All rows of a key, in their order."""
        return [self.firsts[key], *self.later.get(key, ())]


def ingest_chunk(
    tx: Connection, call: Call, configurations: Configurations, prepared: Prepared, *, correction: bool
) -> Ingested:
    """Take in the sound rows of a chunk together; report each refused one with its reasons.

    A row that is there already with the same value is a duplicate, so that a chunk can be handed in again at any time.
    The audit trail has one entry for the chunk. Cost: some eight statements, and six more where known values differ, or
    where something was estimated for want of the rows.
    """
    refusals = list(prepared.refusals)
    sound = _sorted_out(tx, call, configurations, prepared.groups, refusals)
    coming.share(tx, {account for found in sound.values() for account, _ in found.targets})
    accepted = replaced = 0
    segments: set[SegmentKey] = set()
    for kind, found in sound.items():
        owners = {
            key: Owner(each.agreement, each.zone, each.profile_type.digits) for key, each in found.targets.items()
        }
        late = superseding.late(tx, kind, owners, found.firsts)
        new = insert.insert(tx, kind, found.firsts, call.now_us)
        accepted += new
        segments |= superseding.supersede(tx, late)
        if new < found.count:
            held = insert.held(tx, kind, list(found.firsts if new < len(found.firsts) else found.later))
            if correction:
                made, stale = _correct(tx, call, kind, found, held)
                replaced += made
                segments |= stale
            else:
                refusals += _refused(found, held)
    refusals.sort()
    done = Ingested(
        prepared.count,
        accepted,
        prepared.count - accepted - replaced - len(refusals),
        replaced,
        tuple(refusals),
        tuple(segment_name(*each) for each in sorted(segments)),
    )
    if accepted or replaced:
        _audit(tx, call, done)
    return done


# What may go in


def _sorted_out(
    tx: Connection,
    call: Call,
    configurations: Configurations,
    groups: Sequence[ReadGroup],
    refusals: list[Refusal],
) -> dict[ProfileKind, _Sound]:
    """The rows that may go in, by kind; `refusals` grows by the others."""
    known = _targets(tx, call, configurations, {group.key for group in groups if group.key})
    unread = {each.position for each in refusals}
    sound: dict[ProfileKind, _Sound] = defaultdict(_Sound)
    for group in groups:
        target = known.get(group.key) if group.key else None
        refused = rules.UNKNOWN if target is None else rules.of_target(target, group.kind)
        if target is None or refused is not None:
            assert refused is not None
            refusals += _all_of(group, refused, unread)
        else:
            refusals += _take(sound[group.kind], group, target)
    return sound


def _targets(
    tx: Connection, call: Call, configurations: Configurations, keys: set[tuple[str, str]]
) -> dict[tuple[str, str], Target]:
    """The profiles within the caller's scope (PLT-14)."""
    found = targets.profiles(tx, keys)
    types = configurations.current(tx).profile_types
    return {
        key: Target(each.account, each.profile, each.agreement, each.zone, types[each.type_code].settings)
        for key, each in found.items()
        if call.scope.has("cycles", each.cycle_code)
    }


def _all_of(group: ReadGroup, violation: Violation, unread: set[int]) -> list[Refusal]:
    """A refusal of each row of a group that could be read."""
    positions = range(group.first, group.first + group.count)
    return [Refusal(at, group.profile, (violation,)) for at in positions if at not in unread]


def _take(sound: _Sound, group: ReadGroup, target: Target) -> list[Refusal]:
    """Sort the rows of a group by key; gives those that break a rule."""
    account, profile = target.account, target.profile
    sound.targets[account, profile] = target
    bad = rules.of_rows(target, group.rows)
    rows = [row for row in group.rows if row[0] not in bad] if bad else group.rows
    firsts = sound.firsts
    for row in rows:
        key = (account, profile, row[1])
        if key in firsts:
            sound.later.setdefault(key, []).append(row)
        else:
            firsts[key] = row
    return [Refusal(position, group.profile, (violation,)) for position, violation in bad.items()]


# What is known already


def _refused(found: _Sound, held: dict[Key, Held]) -> list[Refusal]:
    """The rows that differ from what is kept."""
    return [
        Refusal(position, profile_name(*key[:2]), (rules.DIFFERS,))
        for key, kept in held.items()
        for position, _, content in found.rows(key)
        if content != kept.content
    ]


def _correct(
    tx: Connection, call: Call, kind: ProfileKind, found: _Sound, known: dict[Key, Held]
) -> tuple[int, set[SegmentKey]]:
    """Put each value that differs in the place of the one before it; gives how many, and the segments that are stale.

    The accounts are locked first, in the order of their ids, as whoever bills them does.
    """
    keys = [key for key, kept in known.items() if any(row[2] != kept.content for row in found.rows(key))]
    lock_accounts(tx, {account for account, _, _ in keys})
    held = insert.held(tx, kind, keys, lock=True)
    changes = [change for key in sorted(held) if (change := _change(key, held[key], found, call.now_us)) is not None]
    stale = superseding.correct(tx, call, kind, found.owners, changes)
    return sum(len(change.old) for change in changes), stale


def _change(key: Key, held: Held, found: _Sound, now_us: int) -> Change | None:
    """What becomes of a value as the rows come, one after the other."""
    old = []
    content, revision, received_us = held
    for _, _, given in found.rows(key):
        if given != content:
            old.append((revision, content, received_us))
            content, revision, received_us = given, revision + 1, now_us
    return Change(key, content, revision, tuple(old)) if old else None


def _audit(tx: Connection, call: Call, done: Ingested) -> None:
    """One entry for all rows, under a name of its own: chunks that commit at the same time do not meet."""
    counts = {
        "received_count": done.received,
        "accepted_count": done.accepted,
        "duplicate_count": done.duplicate,
        "replaced_count": done.replaced,
        "refused_count": len(done.refusals),
        "stale_segment_count": len(done.stale_segments),
    }
    events.append(tx, call, f"usageImports/{new_id(call.now_us)}", "usage.ingested", counts)
