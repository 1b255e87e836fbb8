"""Gathers what is known of an account before data are created for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from sqlalchemy import Connection

from domain.billing.accounts import store as accounts
from domain.billing.accounts.explaining import to_create, to_order
from domain.billing.accounts.model import Account, Profile, ServiceAgreement
from domain.billing.configuration.model import DAY_S
from domain.billing.configuration.snapshot import Configurations, Snapshot
from domain.billing.creation import store
from domain.billing.creation.deciding import Answers, Known, Made, Report, Turn, Values
from domain.billing.creation.derivations import Key, Series
from domain.billing.creation.model import DAYS_MAX, Wanted
from domain.billing.ordering import model as ordering
from domain.billing.ordering.sequence import creation_turns, processing_order
from domain.billing.usage import clock
from domain.billing.usage.store import sums, targets
from domain.billing.usage.store.sums import Window
from domain.kernel.call import Call
from domain.kernel.time import NO_DAY

HOOK_VALUES_MAX = 50_000
"""About so many values an algorithm over the network is asked about at once, unless a single day has more."""


@dataclass(slots=True)
class Progress:
    """How far an account is after some passes: by profile the day `reached`, and those `stopped` by an error.

    `ahead` are values that were decided, but are kept nowhere yet.
    """

    reached: dict[str, int] = field(default_factory=dict)
    stopped: set[Key] = field(default_factory=set)
    ahead: dict[Key, Values] = field(default_factory=dict)

    def go_on(self, made: Sequence[Made], *, saved: bool) -> None:
        """Take note of a pass."""
        for each in made:
            self.reached[each.turn.profile.profile_id] = each.turn.end
            if each.fault:
                self.stopped.add(each.turn.key)
            elif not saved:
                self.ahead.setdefault(each.turn.key, {}).update(each.values)


@dataclass(frozen=True, slots=True)
class Around:
    """What data are created with: configuration, answers of algorithms over the network, and a log (`Report`)."""

    configurations: Configurations
    report: Report
    answers: Answers = field(default_factory=dict)


def gather(
    tx: Connection, call: Call, around: Around, account: Account, wanted: Wanted, *, progress: Progress
) -> Known:
    """All that is known of an account; of sources outside the caller's scope nothing is (PLT-14).

    Cost: seven statements, and one more where there is no first day.
    """
    account_id = account.account_id
    snapshot = around.configurations.current(tx)
    agreements = accounts.agreements_of(tx, (account_id,))[account_id]
    profiles = {each.profile_id: each for each in accounts.profiles_of(tx, (account_id,))[account_id]}
    places = processing_order(to_order(agreements, snapshot.agreement_types))
    turns = creation_turns(places, to_create(profiles.values(), snapshot.profile_types))
    due = {} if wanted.start_day != NO_DAY else store.due_from(tx, account_id)
    begun = {
        profile_id: clock.day_at(profiles[profile_id].time_zone, us)
        for profile_id, us in due.items()
        if profile_id in profiles
    }
    by_id = {each.agreement_id: each for each in agreements}
    whole = [
        each
        for each in _due(turns, profiles, by_id, wanted, {**begun, **progress.reached})
        if each.key not in progress.stopped
    ]
    ready = _of_this_pass(whole, snapshot)
    asked = {key for turn in ready for key in turn.profile.derivation.sources}
    found = targets.profiles(tx, asked)
    series = {
        key: Series(each.type_code, each.zone)
        for key, each in found.items()
        if key[0] == account_id or call.scope.has("cycles", each.cycle_code)
    }
    kept = _kept(tx, ready, series)
    return Known(
        configured=snapshot,
        turns=ready,
        positions={(account_id, turn.item.id): turn.position for turn in turns},
        series=series,
        kept={key: {**values, **progress.ahead.get(key, {})} for key, values in kept.items()},
        broken=store.broken(tx, series),
        report=around.report,
        answers=around.answers,
        stopped=progress.stopped,
        more=ready != whole,
    )


def _due(
    turns: Sequence[ordering.Turn],
    profiles: Mapping[str, Profile],
    agreements: Mapping[str, ServiceAgreement],
    wanted: Wanted,
    begun: Mapping[str, int],
) -> Iterator[Turn]:
    """The turns that have days to be created, within those of the agreement; of some `begun` is where they go on."""
    for turn in turns:
        profile = profiles[turn.item.id]
        agreement = agreements[turn.item.agreement_id]
        start = max(begun.get(profile.profile_id, wanted.start_day), agreement.start_day)
        end = min(wanted.end_day, agreement.end_day or wanted.end_day)
        if start < end:
            yield Turn(turn.position, profile, start, end)


def _of_this_pass(turns: Sequence[Turn], snapshot: Snapshot) -> list[Turn]:
    """Of many days the first: the same for all profiles, as they are created from one another."""
    if not turns:
        return []
    days = min(_days_at_once(each, snapshot) for each in turns)
    until = clock.day_after(min(each.start for each in turns), days)
    return [replace(each, end=min(each.end, until)) for each in turns if each.start < until]


def _days_at_once(turn: Turn, snapshot: Snapshot) -> int:
    settings = snapshot.profile_types[turn.profile.type_code].settings
    algorithm = snapshot.creations.get(settings.creation)
    if algorithm is None or algorithm.create is not None:
        return DAYS_MAX
    of_a_day = DAY_S // settings.interval_s * (1 + len(turn.profile.derivation.sources))
    return min(DAYS_MAX, max(1, HOOK_VALUES_MAX // of_a_day))


def _kept(tx: Connection, turns: Sequence[Turn], series: Mapping[Key, Series]) -> dict[Key, Values]:
    """The data of sources, for as long as something is created from them. Cost: one statement."""
    spans: dict[Key, tuple[int, int]] = {}
    for turn in turns:
        for key in turn.profile.derivation.sources:
            low, high = spans.get(key, (turn.start_us, turn.end_us))
            spans[key] = (min(low, turn.start_us), max(high, turn.end_us))
    numbers = count()
    windows = [Window(next(numbers), *key, *spans[key]) for key in sorted(spans) if key in series]
    found = sums.intervals(tx, windows)
    return {
        (window.account, window.profile): {
            each.start_us: (each.attos, each.estimated) for each in found.get(window.number, ())
        }
        for window in windows
    }
