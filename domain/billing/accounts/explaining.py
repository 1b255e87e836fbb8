"""The processing order of an account as it is now, and why (BIL-01, BIL-02, BIL-03, BIL-05)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from domain.billing.accounts import service, store
from domain.billing.accounts.model import Profile, ServiceAgreement
from domain.billing.configuration.model import AgreementType, ProfileType
from domain.billing.configuration.snapshot import Configurations
from domain.billing.ordering import model as ordering
from domain.billing.ordering.model import Place, Turn
from domain.billing.ordering.sequence import creation_turns, processing_order
from domain.kernel.scopes import EVERYTHING, Scope


@dataclass(frozen=True, slots=True)
class Explained:
    """An agreement's place, with the turns in which data of its profiles are created."""

    place: Place
    agreement: ServiceAgreement
    turns: tuple[Turn, ...]


def explain(
    tx: Connection, configurations: Configurations, account_id: str, scope: Scope = EVERYTHING
) -> tuple[Explained, ...]:
    """The places of all agreements of the account. Raises: AccountNotFound.

    Cost: four statements; the order is made anew, as every process makes it.
    """
    service.get_account(tx, account_id, scope)
    configuration = configurations.current(tx)
    agreements = store.agreements_of(tx, (account_id,))[account_id]
    profiles = store.profiles_of(tx, (account_id,))[account_id]
    places = processing_order(to_order(agreements, configuration.agreement_types))
    turns: dict[str, list[Turn]] = defaultdict(list)
    for turn in creation_turns(places, to_create(profiles, configuration.profile_types)):
        turns[turn.item.agreement_id].append(turn)
    by_id = {each.agreement_id: each for each in agreements}
    return tuple(Explained(place, by_id[place.agreement.id], tuple(turns[place.agreement.id])) for place in places)


def to_order(
    agreements: Iterable[ServiceAgreement], types: Mapping[str, AgreementType]
) -> tuple[ordering.Agreement, ...]:
    """The agreements as the order needs them, with the sequences of their types (BIL-01)."""
    return tuple(
        ordering.Agreement(
            each.agreement_id, each.account_id, types[each.type_code].settings.sequence, each.master_id or None
        )
        for each in agreements
    )


def to_create(profiles: Iterable[Profile], types: Mapping[str, ProfileType]) -> tuple[ordering.Profile, ...]:
    """Those of the profiles whose data are created, as the order needs them (BIL-03)."""
    kinds = ((each, types[each.type_code].settings) for each in profiles)
    return tuple(
        ordering.Profile(each.profile_id, each.agreement_id or None, kind.creation_priority)
        for each, kind in kinds
        if kind.creation
    )
