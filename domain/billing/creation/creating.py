"""The use case: create interval data of an account's profiles, in order, for some days (BIL-22).

It can be done again at any time: equal values stay as they are, and one that differs takes the place of the one before
it as a correction does, so that frozen segments that made use of it are stale, and others are made again (BIL-24).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from domain.billing.accounts import trail
from domain.billing.accounts.model import Account
from domain.billing.accounts.store import lock_accounts
from domain.billing.configuration.model import ProfileKind
from domain.billing.creation import store
from domain.billing.creation.deciding import Made, decide
from domain.billing.creation.gathering import Around, Progress, gather
from domain.billing.creation.model import DataSet, DataSetState, Wanted
from domain.billing.names import segment_name
from domain.billing.segments.model import BillingException
from domain.billing.segments.states import ExceptionState
from domain.billing.segments.store import exceptions
from domain.billing.usage import superseding
from domain.billing.usage.store import insert
from domain.billing.usage.store.corrections import Change
from domain.billing.usage.store.insert import Held, Key
from domain.billing.usage.superseding import Owner
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.ids import new_id
from domain.kernel.quantities import split
from domain.kernel.script import Script

_KIND = ProfileKind.INTERVALS
Contents = dict[Key, tuple[int, int, int, int]]
"""By account, profile and instant, what is kept of an interval."""


@dataclass(frozen=True, slots=True)
class Created:
    """The data sets that were made, in their order, and by resource name the frozen segments that are stale by it."""

    data_sets: tuple[DataSet, ...] = ()
    stale_segments: tuple[str, ...] = ()


def create(tx: Connection, call: Call, around: Around, account_id: str, wanted: Wanted) -> Created:
    """Create what is due; nothing for an account that is not there, or not for the caller.

    The account is locked first, so that no bill is made of data that are being created. Cost: some sixteen statements,
    however many profiles, and four more where values are replaced; as much again for each DAYS_MAX more days.
    """
    account = lock_accounts(tx, (account_id,)).get(account_id)
    if account is None or not call.scope.has("cycles", account.cycle_code):
        return Created()
    found: dict[str, DataSet] = {}
    stale: set[str] = set()
    for made in passes(tx, call, around, account, wanted, saved=True):
        created = _kept(tx, call, account, made)
        found |= {each.data_set_id: each for each in created.data_sets}
        stale |= set(created.stale_segments)
    return Created(tuple(found.values()), tuple(sorted(stale)))


def passes(
    tx: Connection, call: Call, around: Around, account: Account, wanted: Wanted, *, saved: bool
) -> Iterator[list[Made]]:
    """What becomes of an account's profiles, a pass of days after the other; each goes on where the last ended.

    `saved`: whoever takes a pass keeps it before the next.
    """
    progress, more = Progress(), True
    while more:
        known = gather(tx, call, around, account, wanted, progress=progress)
        if made := decide(known):
            yield made
        progress.go_on(made, saved=saved)
        more = known.more


def _kept(tx: Connection, call: Call, account: Account, made: Sequence[Made]) -> Created:
    """Keep what became of each turn."""
    contents = _contents(made)
    held = insert.held(tx, _KIND, list(contents))
    stale = _keep(tx, call, made, contents, held)
    data_sets = _record(tx, call, account, made, [_counts(each, contents, held) for each in made])
    _audit(tx, call, account, data_sets, len(stale))
    return Created(tuple(data_sets), tuple(segment_name(*each) for each in stale))


def _contents(made: Sequence[Made]) -> Contents:
    return {
        (*each.turn.key, at): (*split(attos), int(estimated))
        for each in made
        for at, (attos, estimated) in each.values.items()
    }


def _keep(
    tx: Connection, call: Call, made: Sequence[Made], contents: Contents, held: Mapping[Key, Held]
) -> list[tuple[str, str]]:
    """Insert what is new, put what differs in its place; gives the frozen segments that are stale by either."""
    owners = {each.turn.key: Owner(each.turn.profile.agreement_id, each.turn.profile.time_zone) for each in made}
    new = {key: (0, key[2], content) for key, content in contents.items() if key not in held}
    late = superseding.late(tx, _KIND, owners, new)
    insert.insert(tx, _KIND, new, call.now_us)
    stale = superseding.supersede(tx, late)
    changes = [
        Change(key, contents[key], kept.revision + 1, ((kept.revision, kept.content, kept.received_us),))
        for key, kept in sorted(held.items())
        if kept.content != contents[key]
    ]
    return sorted(stale | superseding.correct(tx, call, _KIND, owners, changes))


def _counts(made: Made, contents: Contents, held: Mapping[Key, Held]) -> tuple[int, int, int]:
    """How many intervals are new, as they were, and replaced."""
    keys = [(*made.turn.key, at) for at in made.values]
    known = [key for key in keys if key in held]
    same = sum(held[key].content == contents[key] for key in known)
    return len(keys) - len(known), same, len(known) - same


def _record(
    tx: Connection, call: Call, account: Account, made: Sequence[Made], counts: Sequence[tuple[int, int, int]]
) -> list[DataSet]:
    """Keep what became of each turn: the set of its period, in place of all that it covers."""
    first, last = min(each.turn.start_us for each in made), max(each.turn.end_us for each in made)
    there = store.within(tx, account.account_id, first, last)
    new, again, covered = [], [], []
    for each, count in zip(made, counts, strict=True):
        fresh = _data_set(call, each, count)
        inside = [one for one in there if one.profile_id == fresh.profile_id and _covers(fresh, one)]
        same = next((one for one in inside if (one.start_us, one.end_us) == (fresh.start_us, fresh.end_us)), None)
        covered += inside
        if same is None:
            new.append(fresh)
        else:
            again.append(replace(fresh, data_set_id=same.data_set_id, created_us=same.created_us))
    kept = {each.data_set_id for each in again}
    script = Script(tx)
    gone = [each.data_set_id for each in covered]
    exceptions.close_of_data_sets(script, account.account_id, gone, now_us=call.now_us, by=call.caller)
    store.put(script, new, again, [each for each in covered if each.data_set_id not in kept])
    found = sorted([*new, *again], key=lambda each: each.position)
    exceptions.insert(script, [_exception(call, account, each) for each in found if each.state is DataSetState.ERROR])
    script.run()
    return found


def _covers(one: DataSet, other: DataSet) -> bool:
    return one.start_us <= other.start_us and other.end_us <= one.end_us


def _data_set(call: Call, made: Made, counts: tuple[int, int, int]) -> DataSet:
    turn, fault = made.turn, made.fault
    created, unchanged, replaced = counts
    return DataSet(
        account_id=turn.profile.account_id,
        data_set_id=new_id(call.now_us),
        profile_id=turn.profile.profile_id,
        agreement_id=turn.profile.agreement_id,
        start_us=turn.start_us,
        end_us=turn.end_us,
        position=turn.position,
        state=DataSetState.ERROR if fault else DataSetState.COMPLETE,
        reason=fault.reason if fault else "",
        message=fault.message if fault else "",
        waits_on=made.waits_on,
        created_count=created,
        unchanged_count=unchanged,
        replaced_count=replaced,
        estimated=any(estimated for _, estimated in made.values.values()),
        operation_id=call.operation_id,
        created_us=call.now_us,
        updated_us=call.now_us,
    )


def _exception(call: Call, account: Account, data_set: DataSet) -> BillingException:
    return BillingException(
        account_id=account.account_id,
        exception_id=new_id(call.now_us),
        cycle_code=account.cycle_code,
        bill_id="",
        segment_id="",
        agreement_id=data_set.agreement_id,
        reason=data_set.reason,
        message=data_set.message,
        state=ExceptionState.OPEN,
        operation_id=call.operation_id,
        note="",
        created_us=call.now_us,
        data_set_id=data_set.data_set_id,
    )


def _audit(tx: Connection, call: Call, account: Account, data_sets: Sequence[DataSet], stale: int) -> None:
    payload = {
        "data_set_count": len(data_sets),
        "error_count": sum(each.state is DataSetState.ERROR for each in data_sets),
        "created_count": sum(each.created_count for each in data_sets),
        "unchanged_count": sum(each.unchanged_count for each in data_sets),
        "replaced_count": sum(each.replaced_count for each in data_sets),
        "stale_segment_count": stale,
    }
    scope_id = scopes.intern(tx, trail.scope_of((account.cycle_code,)))
    events.append(tx, call, account.name, "interval_data.created", payload, scope_id=scope_id)
