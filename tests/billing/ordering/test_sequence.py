"""The processing order: total, the same in every process, and with a reason for each place."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.ordering.model import Agreement, Item, Profile, Why
from domain.billing.ordering.sequence import creation_turns, processing_order, turns
from tests.billing.ordering.accounts import accounts, agreement, ids

EXAMPLE = [
    agreement("M1", 20),
    agreement("a", 2, "M1"),
    agreement("b", 1, "M1"),
    agreement("M2", 10),
    agreement("c", 0, "M2"),
    agreement("d", None, "M2"),
    agreement("X", 15),
]


@pytest.mark.rule("BIL-01")
def test_sequences_are_numbers_and_none_is_zero() -> None:
    """10 comes after 2, an empty sequence where 0 does, and equal ones by the agreements' ids."""
    sequences = {"w": 10, "v": 2, "u": 1, "t": None, "s": 0, "r": None, "q": 2}
    order = processing_order([agreement(name, sequence) for name, sequence in sequences.items()])
    assert ids(order) == ["r", "s", "t", "u", "q", "v", "w"]


@pytest.mark.rule("BIL-02")
def test_subs_come_directly_after_their_master() -> None:
    """However high or low a sub's sequence, it counts among the subs of its master alone."""
    assert ids(processing_order(EXAMPLE)) == ["M2", "c", "d", "X", "M1", "b", "a"]
    high = [agreement("M1", 1), agreement("s", 99, "M1"), agreement("M2", 2), agreement("t", 0, "M2")]
    assert ids(processing_order(high)) == ["M1", "s", "M2", "t"]


@pytest.mark.rule("BIL-01", "BIL-02")
@given(accounts(), st.randoms(use_true_random=False))
def test_the_order_is_total_and_stable(agreements: list[Agreement], shuffling: random.Random) -> None:
    """In whatever order agreements were created or read, all have the same places, one each."""
    order = processing_order(agreements)
    shuffled = agreements.copy()
    shuffling.shuffle(shuffled)
    assert processing_order(shuffled) == order
    assert sorted(ids(order)) == sorted(each.id for each in agreements)
    assert [place.position for place in order] == list(range(1, len(agreements) + 1))


@pytest.mark.rule("BIL-01", "BIL-02")
@given(accounts())
def test_masters_ascend_and_each_has_its_subs_behind_it(agreements: list[Agreement]) -> None:
    """Between a master and its last sub there is nothing else, and within each level sequences and ids ascend."""
    order = processing_order(agreements)
    head = ""
    levels: dict[str, list[tuple[int, str]]] = {}
    for place in order:
        if place.agreement.master_id is None:
            head = place.agreement.id
        else:
            assert place.agreement.master_id == head
        key = (place.agreement.sequence or 0, place.agreement.id)
        levels.setdefault(place.agreement.master_id or "", []).append(key)
    assert all(level == sorted(level) for level in levels.values())


@pytest.mark.rule("BIL-02")
@given(accounts(), st.data())
def test_what_a_sub_is_set_to_moves_nobody_else(agreements: list[Agreement], data: st.DataObject) -> None:
    """Another sequence of a sub leaves masters and other masters' subs where they are."""
    subs = [each for each in agreements if each.master_id]
    if not subs:
        return
    sub = data.draw(st.sampled_from(subs))
    moved = [agreement(sub.id, 7, sub.master_id) if each is sub else each for each in agreements]
    before, after = processing_order(agreements), processing_order(moved)
    strangers = {each.id for each in agreements if each.master_id != sub.master_id}
    assert [(p.position, p.agreement) for p in before if p.agreement.id in strangers] == [
        (p.position, p.agreement) for p in after if p.agreement.id in strangers
    ]


@pytest.mark.rule("BIL-05")
def test_every_place_says_what_gave_it() -> None:
    """Sequence, master or tie, as a value to record and as a sentence to read."""
    order = {place.agreement.id: place for place in processing_order(EXAMPLE)}
    assert order["X"].why == (Why.SEQUENCE,)
    assert order["X"].sentence == "sequence 15"
    assert order["a"].why == (Why.MASTER, Why.SEQUENCE)
    assert order["a"].sentence == "after its master M1, sequence 2"
    assert order["d"].why == (Why.MASTER, Why.SEQUENCE, Why.TIE)
    assert order["c"].sentence == "after its master M2, sequence 0 as others have, by its id"
    assert order["d"].sentence == "after its master M2, no sequence, which counts as 0 as others have, by its id"


@pytest.mark.rule("BIL-05")
@given(accounts())
def test_reasons_are_enough_to_understand_the_order(agreements: list[Agreement]) -> None:
    """A tie is told exactly where an equal sequence stands beside it, and a master exactly at subs."""
    order = processing_order(agreements)
    for place in order:
        one = place.agreement
        beside = [other for other in agreements if other.master_id == one.master_id and other.id != one.id]
        assert (Why.TIE in place.why) == any((other.sequence or 0) == (one.sequence or 0) for other in beside)
        assert (Why.MASTER in place.why) == (one.master_id is not None)
        assert place.master is None or place.master.id == one.master_id


@pytest.mark.rule("BIL-03")
def test_algorithms_go_by_agreement_then_by_their_sequence() -> None:
    """A master's come before its subs', whatever their own sequences; equal ones go by their codes."""
    items = [
        Item("a", 1, "CREDIT"),
        Item("M1", 90, "MINIMUM"),
        Item("X", 10, "TEXT"),
        Item("X", 2, "Z"),
        Item("X", 2, "B"),
    ]
    made = turns(processing_order(EXAMPLE), items)
    assert [(turn.position, turn.item.agreement_id, turn.item.id, turn.tied) for turn in made] == [
        (1, "X", "B", True),
        (2, "X", "Z", True),
        (3, "X", "TEXT", False),
        (4, "M1", "MINIMUM", False),
        (5, "a", "CREDIT", False),
    ]


@pytest.mark.rule("BIL-03")
def test_interval_data_are_created_by_priority_for_own_profiles_alone() -> None:
    """10 first and 90 last within an agreement; profiles of others, or of nobody, are theirs to create."""
    profiles = [
        Profile("p4", "X", 90),
        Profile("p3", "X", 10),
        Profile("p2", "X", 10),
        Profile("p1", "d", 90),
        Profile("prices", None, 10),
        Profile("elsewhere", "of another account", 10),
    ]
    made = creation_turns(processing_order(EXAMPLE), profiles)
    assert [turn.item.id for turn in made] == ["p1", "p2", "p3", "p4"]
    assert [turn.tied for turn in made] == [False, True, True, False]


@pytest.mark.rule("BIL-03")
@given(accounts(), st.data())
def test_all_processes_follow_the_agreements(agreements: list[Agreement], data: st.DataObject) -> None:
    """Whatever hangs on agreements, in whatever order it is read, is gone through in the order of their segments."""
    order = processing_order(agreements)
    owners = st.sampled_from(ids(order) or ["nobody's"])
    drawn = st.lists(st.tuples(owners, st.integers(10, 12), st.text("pq", min_size=1, max_size=2)), unique=True)
    items = [Item(*each) for each in data.draw(drawn) if order]
    made = turns(order, items)
    assert turns(order, data.draw(st.permutations(items))) == made
    assert creation_turns(order, [Profile(each.id, each.agreement_id, each.rank) for each in items]) == made
    places = [turn.place.position for turn in made]
    assert places == sorted(places)
    assert sorted(map(repr, items)) == sorted(repr(turn.item) for turn in made)


def test_a_hundred_thousand_agreements_are_put_in_order_in_seconds() -> None:
    """A customer of that size is put in order as quickly as many small ones."""
    few = [agreement(f"M{number}", number % 7) for number in range(30_000)]
    many = [agreement(f"s{number}", number % 5, f"M{number % 30_000}") for number in range(70_000)]
    made = [*many, *few]
    random.Random(1).shuffle(made)
    started = time.perf_counter()
    order = processing_order(made)
    assert time.perf_counter() - started < 10
    assert len(order) == 100_000
    assert (order[0].agreement.id, order[1].agreement.id) == ("M0", "s0")
