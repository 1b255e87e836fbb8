"""Gathers what is known of an account before data are created for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count

from sqlalchemy import Connection

from domain.billing.accounts import store as accounts
from domain.billing.accounts.explaining import to_create, to_order
from domain.billing.accounts.model import Account, Profile, ServiceAgreement
from domain.billing.configuration.snapshot import Configurations
from domain.billing.creation import store
from domain.billing.creation.deciding import Known, Report, Turn, Values
from domain.billing.creation.derivations import Key, Series
from domain.billing.creation.model import DAYS_MAX, Wanted
from domain.billing.ordering import model as ordering
from domain.billing.ordering.sequence import creation_turns, processing_order
from domain.billing.usage import clock
from domain.billing.usage.store import sums, targets
from domain.billing.usage.store.sums import Window
from domain.kernel.call import Call
from domain.kernel.time import NO_DAY


def gather(
    tx: Connection, call: Call, configurations: Configurations, account: Account, wanted: Wanted, *, report: Report
) -> Known:
    """All that is known of an account, which is locked; of sources outside the caller's scope nothing is (PLT-14).

    Cost: seven statements, and one more where there is no first day.
    """
    account_id = account.account_id
    snapshot = configurations.current(tx)
    agreements = accounts.agreements_of(tx, (account_id,))[account_id]
    profiles = {each.profile_id: each for each in accounts.profiles_of(tx, (account_id,))[account_id]}
    places = processing_order(to_order(agreements, snapshot.agreement_types))
    turns = creation_turns(places, to_create(profiles.values(), snapshot.profile_types))
    due = {} if wanted.start_day != NO_DAY else store.due_from(tx, account_id)
    by_id = {each.agreement_id: each for each in agreements}
    ready = list(_ready(turns, profiles, by_id, wanted, due))
    asked = {key for turn in ready for key in turn.profile.derivation.sources}
    found = targets.profiles(tx, asked)
    series = {
        key: Series(each.type_code, each.zone)
        for key, each in found.items()
        if key[0] == account_id or call.scope.has("cycles", each.cycle_code)
    }
    return Known(
        configured=snapshot,
        turns=ready,
        positions={(account_id, turn.item.id): turn.position for turn in turns},
        series=series,
        kept=_kept(tx, ready, series),
        broken=store.broken(tx, series),
        report=report,
    )


def _ready(
    turns: Sequence[ordering.Turn],
    profiles: Mapping[str, Profile],
    agreements: Mapping[str, ServiceAgreement],
    wanted: Wanted,
    due: Mapping[str, int],
) -> Iterator[Turn]:
    """The turns that have days to be created, within those of the agreement; of many days the first."""
    for turn in turns:
        profile = profiles[turn.item.id]
        agreement = agreements[turn.item.agreement_id]
        first = wanted.start_day
        if first == NO_DAY and profile.profile_id in due:
            first = clock.day_at(profile.time_zone, due[profile.profile_id])
        start = max(first, agreement.start_day)
        end = min(wanted.end_day, agreement.end_day or wanted.end_day)
        last = min(end, clock.day_after(start, DAYS_MAX))
        if start < end:
            yield Turn(turn.position, profile, start, last, more=last < end)


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
