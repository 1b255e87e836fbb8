"""Accounts that are alike: nothing tells them apart but names and what they used.

A likeness holds all that decides what becomes of an account, beside the run's order and what is configured. So it is
decided once for each, of an account that stands in for all (`molds`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain, groupby
from operator import itemgetter
from typing import NamedTuple

from domain.billing.accounts.model import Account, Premise, Profile, ServiceAgreement
from domain.billing.configuration.model import Derivation
from domain.billing.segments.model import Facts

AGREEMENTS_MAX = 100
"""Accounts with more agreements are decided each by itself."""

ACCOUNT, BILL = "\ue000", "\ue001"
"""What stands in for the names of an account and of its bill: characters that no name has."""


Attributes = tuple[tuple[str, str], ...]
"""Some attributes by name, in the order of these."""


class Read(NamedTuple):
    """What conditions of an agreement's rate read: attributes, and the premise's code; None: it is not read."""

    account: Attributes = ()
    agreement: Attributes = ()
    premise: Attributes = ()
    premise_id: str | None = None


class Agreed(NamedTuple):
    """An agreement, as accounts may have it in common. `master` is the place of its master among them, -1 for none.

    Days are yyyymmdd, 0 for none, and say no more than what is still to be billed hangs on.
    """

    type_code: str
    rate_code: str
    zone: str
    master: int
    start_day: int
    end_day: int
    billed_through: int
    read: Read = Read()


class Likeness(NamedTuple):
    """What accounts have in common: their agreements by id, and profiles by id as type and place of their owner."""

    customer_class: str
    invoice_cycle: str
    currency: str
    agreements: tuple[Agreed, ...]
    profiles: tuple[tuple[str, int], ...]


class Member(NamedTuple):
    """An account by its names: those of its agreements and profiles are in the order of the likeness."""

    account_id: str
    agreement_ids: tuple[str, ...]
    profile_ids: tuple[str, ...]


class AgreementRow(NamedTuple):
    """An agreement as it is gathered; `billed_through` is 0 for none."""

    account_id: str
    agreement_id: str
    type_code: str
    rate_code: str
    zone: str
    master_id: str
    start_day: int
    end_day: int
    billed_through: int
    read: Read = Read()


AccountRow = tuple[str, str, str, str]
"""Account, customer class, invoice cycle, which is empty for none, and currency."""

ProfileRow = tuple[str, str, str, str]
"""Account, profile, type and the agreement that owns it; by account and profile."""


def alike(
    accounts: Iterable[AccountRow], agreements: Iterable[AgreementRow], profiles: Iterable[ProfileRow]
) -> dict[Likeness, list[Member]]:
    """Accounts by what they have in common; all rows are by account, and then by id."""
    agreements_of = _by_account(agreements)
    profiles_of = _by_account(profiles)
    found: dict[Likeness, list[Member]] = defaultdict(list)
    for account_id, customer_class, invoice_cycle, currency in accounts:
        of_account = agreements_of.get(account_id, ())
        if len(of_account) > AGREEMENTS_MAX:
            continue
        places = {row[1]: place for place, row in enumerate(of_account)}
        owned = [row for row in profiles_of.get(account_id, ()) if row[3] in places]
        likeness = Likeness(
            customer_class,
            invoice_cycle,
            currency,
            _agreed(of_account, places),
            tuple([(row[2], places[row[3]]) for row in owned]),
        )
        found[likeness].append(Member(account_id, tuple(places), tuple([row[1] for row in owned])))
    return found


def stand_in(likeness: Likeness, cycle: str) -> Facts:
    """What is known of an account that stands in for all that are alike, under names that stand for theirs."""
    stamps = {"version": 1, "created_us": 0, "updated_us": 0}
    agreements = tuple(
        ServiceAgreement(
            account_id=ACCOUNT,
            agreement_id=agreement_name(place),
            description="",
            type_code=each.type_code,
            premise_id=premise_name(place) if each.read.premise_id is None else each.read.premise_id,
            time_zone=each.zone,
            master_id="" if each.master < 0 else agreement_name(each.master),
            rate_code=each.rate_code,
            start_day=each.start_day,
            end_day=each.end_day,
            attributes=dict(each.read.agreement),
            **stamps,
        )
        for place, each in enumerate(likeness.agreements)
    )
    premises: dict[str, dict[str, str]] = defaultdict(dict)
    for agreement, each in zip(agreements, likeness.agreements, strict=True):
        premises[agreement.premise_id].update(each.read.premise)
    profiles = [
        Profile(
            account_id=ACCOUNT,
            profile_id=profile_name(place),
            description="",
            type_code=type_code,
            agreement_id=agreement_name(owner),
            time_zone=agreements[owner].time_zone,
            derivation=Derivation(),
            **stamps,
        )
        for place, (type_code, owner) in enumerate(likeness.profiles)
    ]
    through = {
        agreement_name(place): each.billed_through
        for place, each in enumerate(likeness.agreements)
        if each.billed_through
    }
    invoice_cycle, currency = likeness.invoice_cycle, likeness.currency
    attributes = dict(chain.from_iterable(each.read.account for each in likeness.agreements))
    account = Account(ACCOUNT, "", likeness.customer_class, cycle, invoice_cycle, currency, "", attributes, **stamps)
    places = {name: Premise(name, "", "", its, **stamps) for name, its in premises.items()}
    return Facts(account, agreements, places, profiles, billed_through=through)


def agreement_name(place: int) -> str:
    """What stands in for the name of an agreement; these sort as the places do."""
    return chr(0xE100 + place)


def agreement_place(name: str) -> int:
    """Which agreement a name stands in for."""
    return ord(name) - ord(agreement_name(0))


def premise_name(place: int) -> str:
    """What stands in for the name of an agreement's premise."""
    return chr(0xEC00 + place)


def profile_name(place: int) -> str:
    """What stands in for the name of a profile."""
    return chr(0xE800 + place)


def profile_place(name: str) -> int:
    """Which profile a name stands in for."""
    return ord(name) - ord(profile_name(0))


def segment_name(place: int) -> str:
    """What stands in for the name of a segment."""
    return chr(0xE400 + place)


def names_of(members: Sequence[Member]) -> dict[str, list[str]]:
    """By what stands in for them, the names of accounts that are alike, and of their agreements."""
    columns = zip(*(each.agreement_ids for each in members), strict=True)
    return {
        ACCOUNT: [each.account_id for each in members],
        **{agreement_name(place): list(column) for place, column in enumerate(columns)},
    }


def _agreed(rows: Collection[AgreementRow], places: Mapping[str, int]) -> tuple[Agreed, ...]:
    """The agreements without what makes no difference: days before all that is still to be billed."""
    first = min((_unbilled(row) for row in rows if _is_open(row)), default=0)
    return tuple([_of_row(row, places, first) for row in rows])


def _of_row(row: AgreementRow, places: Mapping[str, int], first: int) -> Agreed:
    _, _, type_code, rate_code, zone, master_id, start_day, end_day, billed_through, read = row
    master = places[master_id] if master_id else -1
    if end_day and end_day <= first and billed_through >= end_day:
        return Agreed(type_code, rate_code, zone, master, 0, 1, 1)  # over and billed, before all that others have due
    return Agreed(type_code, rate_code, zone, master, max(start_day, first), end_day, billed_through, read)


def _unbilled(row: AgreementRow) -> int:
    return max(row.start_day, row.billed_through)


def _is_open(row: AgreementRow) -> bool:
    return not row.end_day or _unbilled(row) < row.end_day


def _by_account(rows: Iterable[tuple]) -> dict[str, list]:  # type: ignore[type-arg]
    return {account_id: list(of_account) for account_id, of_account in groupby(rows, itemgetter(0))}
