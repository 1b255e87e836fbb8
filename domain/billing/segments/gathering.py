"""Gathers what is known of accounts as they are billed: one or thousands, in the same few statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection

from domain.billing.accounts import store as accounts
from domain.billing.accounts.model import ServiceAgreement
from domain.billing.configuration.snapshot import Configurations, Snapshot
from domain.billing.segments import planning
from domain.billing.segments.model import Agenda, Facts
from domain.billing.segments.settling import outdated
from domain.billing.segments.store import bills, segments
from domain.billing.usage.gathering import gather as gather_usage
from domain.billing.usage.model import Gathered

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of accounts, by account; those alone that there are."""

    snapshot: Snapshot
    facts: Mapping[str, Facts]


def gather(tx: Connection, configurations: Configurations, account_ids: Collection[str], *, lock: bool) -> Known:
    """All that is known of accounts before their usage is; `lock` holds them against all that changes them.

    They are locked in the order of their ids, before anything else of them is read. What was made by a configuration of
    before is incomplete; who holds the accounts notes that.

    Cost: eight statements, however many accounts; one more where types have limits, and one where segments are found
    that were made by a configuration of before.
    """
    found = accounts.lock_accounts(tx, account_ids) if lock else accounts.accounts(tx, account_ids)
    snapshot = configurations.current(tx)
    agreements = accounts.agreements_of(tx, found)
    profiles = accounts.profiles_of(tx, found)
    premises = accounts.premises(
        tx, {each.premise_id for several in agreements.values() for each in several if each.premise_id}
    )
    pending = bills.pending(tx, found) if found else {}
    on_bills = segments.of_bills(tx, [(account_id, bill.bill_id) for account_id, bill in pending.items()])
    wrong = {
        each.segment_id: each
        for account_id, several in on_bills.items()
        for each in outdated(several, agreements[account_id], snapshot)
    }
    if lock and wrong:
        segments.put_state(tx, wrong.values())
    through = _by_account(segments.billed_through(tx, found) if found else {})
    history = _by_account(segments.spent(tx, _judged(snapshot, agreements)))
    return Known(
        snapshot,
        {
            account_id: Facts(
                account,
                agreements[account_id],
                premises,
                profiles[account_id],
                pending.get(account_id),
                [wrong.get(each.segment_id, each) for each in on_bills[account_id]],
                through[account_id],
                history[account_id],
            )
            for account_id, account in found.items()
        },
    )


def usage_of(tx: Connection, snapshot: Snapshot, agendas: Collection[Agenda]) -> dict[Hashable, Gathered]:
    """What was used for all that is due of agendas. Cost: a few statements (`usage.gathering.gather`)."""
    wanted = [each for agenda in agendas for each in planning.measured(agenda, snapshot)]
    return gather_usage(tx, wanted) if wanted else {}


def _judged(snapshot: Snapshot, agreements: Mapping[str, Collection[ServiceAgreement]]) -> dict[tuple[str, str], int]:
    """By account and agreement, how many of its last segments its type has limits by (BIL-16)."""
    return {
        (account_id, each.agreement_id): plausible.segments
        for account_id, several in agreements.items()
        for each in several
        if (plausible := snapshot.agreement_types[each.type_code].settings.plausible)
    }


def _by_account(found: Mapping[tuple[str, str], V]) -> Mapping[str, Mapping[str, V]]:
    of: dict[str, dict[str, V]] = defaultdict(dict)
    for (account_id, agreement_id), value in found.items():
        of[account_id][agreement_id] = value
    return of
