"""The processing order: one, for all that is done agreement by agreement (BIL-01 to BIL-03).

Creating segments, algorithms before and at the completion of a bill, and creating interval data all take it from here.
It is made of all agreements of an account, so that a process that leaves some out has the rest in the same order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from domain.billing.ordering.model import Agreement, Item, Place, Profile, Turn, path
from domain.billing.ordering.rules import master_faults


def processing_order(agreements: Collection[Agreement]) -> tuple[Place, ...]:
    """The places of all agreements of one account, whatever the order they come in.

    Masters and those that stand alone by their sequence, and directly after each master its subs by theirs; ties by id.
    Their masters are what `master_faults` lets pass: they were refused otherwise when they were configured.

    Cost: O(n log n).
    """
    by_id = {each.id: each for each in agreements}
    assert len(by_id) == len(agreements), "an agreement has one place"
    assert len({each.account_id for each in agreements}) <= 1, "each account has an order of its own"
    assert not master_faults(agreements), "masters were checked when they were configured"
    beside = Counter((each.master_id, each.rank) for each in agreements)
    with_masters = [(each, by_id[each.master_id] if each.master_id else None) for each in agreements]
    with_masters.sort(key=lambda pair: path(*pair))
    return tuple(
        Place(position, each, master, beside[each.master_id, each.rank] > 1)
        for position, (each, master) in enumerate(with_masters, start=1)
    )


def turns(places: Sequence[Place], items: Iterable[Item]) -> tuple[Turn, ...]:
    """The order of items over all agreements: by the agreement's place, then by rank, then by id.

    Every item belongs to one of `places`; a master's items come before those of its subs.
    """
    by_id = {place.agreement.id: place for place in places}
    ordered = sorted(items, key=lambda item: (by_id[item.agreement_id].position, item.rank, item.id))
    beside = Counter((item.agreement_id, item.rank) for item in ordered)
    return tuple(
        Turn(position, by_id[item.agreement_id], item, beside[item.agreement_id, item.rank] > 1)
        for position, item in enumerate(ordered, start=1)
    )


def creation_turns(places: Sequence[Place], profiles: Iterable[Profile]) -> tuple[Turn, ...]:
    """The order in which interval data of profiles are created, of those alone that agreements of `places` own."""
    owners = {place.agreement.id for place in places}
    owned = (
        Item(each.owner_id, each.creation_priority, each.id)
        for each in profiles
        if each.owner_id is not None and each.owner_id in owners
    )
    return turns(places, owned)
