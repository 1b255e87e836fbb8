"""Charges on what earlier segments came to: never too low in silence."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.ordering.charging import (
    added_up,
    dependencies,
    measure_fault,
    reference_fault,
    type_fault,
)
from domain.billing.ordering.model import Agreement, AgreementType, Place
from domain.billing.ordering.sequence import processing_order
from domain.kernel.amounts import Fault
from domain.kernel.quantities import ATTOS, Quantity, quantity_text
from tests.billing.ordering.accounts import accounts, agreement, ids

SITES = [agreement("S1"), agreement("S2"), agreement("S3")]
HEAD_OFFICE = agreement("HO", 10)
KWH = {"S1": 400, "S2": 350, "S3": 250}
LATER, EQUAL = "CHARGE_SOURCE_LATER", "CHARGE_SOURCE_AT_EQUAL_SEQUENCE"


def _reason(fault: Fault | None) -> str | None:
    return fault[0] if fault else None


def _place(places: tuple[Place, ...], agreement_id: str) -> Place:
    return next(place for place in places if place.agreement.id == agreement_id)


@pytest.mark.rule("BIL-04")
@pytest.mark.parametrize("created", list(itertools.permutations([*SITES, HEAD_OFFICE])))
def test_a_head_office_is_charged_on_all_sites(created: tuple[Agreement, ...]) -> None:
    """Created in any order, the sites are made first, and the head office sees the sum of all three."""
    places = processing_order(created)
    assert ids(places) == ["S1", "S2", "S3", "HO"]
    found = dependencies(places, {"HO": KWH})
    assert found.misplaced == ()
    assert found.sources == {"HO": ("S1", "S2", "S3")}
    came_to = {source: {"kWh": KWH[source] * ATTOS} for source in found.sources["HO"]}
    assert measure_fault("kWh", came_to) is None
    total = Quantity(added_up("kWh", came_to), "kWh")
    assert str(total) == "1000 kWh"
    assert Decimal(quantity_text(total.attos)) * Decimal("0.02") == Decimal("20.00")


@pytest.mark.rule("BIL-04")
def test_a_site_in_error_puts_the_head_office_in_error() -> None:
    """Site 2 has no read: site 3 is made, and the head office waits on site 2 and says so."""
    found = dependencies(processing_order([*SITES, HEAD_OFFICE]), {"HO": KWH})
    assert found.waiting(["S2"]) == {"HO": ("S2",)}
    assert found.waiting([]) == {}
    assert found.dependents(["S2"]) == ("HO",)
    assert found.dependents(["HO"]) == ()


@pytest.mark.rule("BIL-04")
def test_errors_and_staleness_travel_along() -> None:
    """What waits is waited for: a group on head offices on sites, each told what it waits on itself."""
    offices = [agreement("H1", 10), agreement("H2", 10), agreement("GROUP", 20)]
    places = processing_order([*SITES, *offices])
    charged_on = {"GROUP": ["H2", "H1"], "H1": ["S1", "S2"], "H2": ["S3"]}
    found = dependencies(places, charged_on)
    assert found.waiting(["S2"]) == {"H1": ("S2",), "GROUP": ("H1",)}
    assert found.waiting(["S1", "S3"]) == {"H1": ("S1",), "H2": ("S3",), "GROUP": ("H1", "H2")}
    assert found.dependents(["S3", "S1"]) == ("H1", "H2", "GROUP")
    assert found.dependents(["S1", "H1"]) == ("H1", "GROUP")


@pytest.mark.rule("BIL-04")
@pytest.mark.parametrize(
    ("charged", "source", "reason"),
    [
        (AgreementType("HO", 10), AgreementType("SITE"), None),
        (AgreementType("HO", 10), AgreementType("SITE", 9), None),
        (AgreementType("HO", 10), AgreementType("SITE", 10), EQUAL),
        (AgreementType("HO", 10), AgreementType("SITE", 100), LATER),
        (AgreementType("HO"), AgreementType("SITE", 0), EQUAL),
        (AgreementType("HO", 10), AgreementType("HO", 10), EQUAL),
    ],
)
def test_types_that_show_it_are_refused(charged: AgreementType, source: AgreementType, reason: str | None) -> None:
    """What comes later, or at an equal sequence, is refused when it is configured, with the order named."""
    fault = type_fault(charged, source)
    assert _reason(fault) == reason
    assert fault is None or f"sequence {charged.sequence or 0} is charged on {source.code} at sequence" in fault[1]


@pytest.mark.rule("BIL-04")
@pytest.mark.parametrize(
    ("charged", "source", "reason"),
    [
        ("HO", "S", None),
        ("S", "HO", LATER),
        ("HO", "TIED", EQUAL),
        ("TIED", "HO", EQUAL),
        ("HO", "HO", EQUAL),
        ("HO", "sub of late", LATER),
        ("sub of late", "HO", None),
        ("sub of S", "TIED", LATER),
        ("sub of late", "late", None),
        ("late", "sub of late", LATER),
        ("sub of late", "second of late", LATER),
        ("second of late", "sub of late", None),
        ("third of late", "second of late", EQUAL),
        ("third of late", "third of late", EQUAL),
        ("HO", "of another account", "CHARGE_SOURCE_NOT_OF_ACCOUNT"),
    ],
)
def test_what_types_do_not_show_puts_the_segment_in_error(charged: str, source: str, reason: str | None) -> None:
    """Of masters their own sequences decide, of subs those beside each other; an id alone decides nothing."""
    places = processing_order(
        [
            agreement("S"),
            agreement("sub of S", 99, "S"),
            agreement("HO", 10),
            agreement("TIED", 10),
            agreement("late", 20),
            agreement("sub of late", None, "late"),
            agreement("second of late", 5, "late"),
            agreement("third of late", 5, "late"),
        ]
    )
    found = dependencies(places, {charged: [source]})
    assert [each.fault[0] for each in found.misplaced] == ([reason] if reason else [])
    assert found.sources == {charged: () if reason else (source,)}
    assert found.waiting([source]) == ({} if reason else {charged: (source,)})


@pytest.mark.rule("BIL-04")
def test_a_misplaced_charge_is_an_error_for_those_after_it() -> None:
    """The bill's total on an office that is charged on what comes later waits for the office."""
    places = processing_order([agreement("S"), agreement("HO", 10), agreement("LATE", 15), agreement("ALL", 20)])
    found = dependencies(places, {"ALL": ["HO", "S"], "HO": ["S", "LATE"]})
    assert [(each.agreement_id, each.source_id) for each in found.misplaced] == [("HO", "LATE")]
    assert found.misplaced[0].fault[1] == "HO at sequence 10 is charged on LATE at sequence 15, which comes later"
    assert found.waiting([]) == {"ALL": ("HO",)}


def test_the_sequence_that_decides_is_told_with_its_master() -> None:
    """A sub has the place of its master among others, and the sentence says so."""
    places = processing_order([agreement("HO", 10), agreement("M", 20), agreement("s", 1, "M")])
    fault = reference_fault(_place(places, "HO"), _place(places, "s"))
    assert fault == (LATER, "HO at sequence 10 is charged on s, a sub of M, at sequence 20, which comes later")


@pytest.mark.rule("BIL-04")
def test_one_unit_of_measure_is_added_up() -> None:
    """A gas site is not left out of kWh in silence; a site that came to nothing adds nothing."""
    sites = {"S1": {"kWh": 3, "kW": 9}, "S2": {"therm": 5, "m3": 1}, "S3": {}}
    assert measure_fault("kWh", sites) == (
        "CHARGE_MEASURE_MISSING",
        "S2 came to m3 and therm; only kWh is added up",
    )
    with pytest.raises(AssertionError, match="never added"):
        added_up("kWh", sites)
    assert added_up("kWh", {"S1": {"kWh": 3, "kW": 9}, "S3": {}, "S4": {"kWh": -1}}) == 2
    assert added_up("kWh", {}) == 0


@pytest.mark.rule("BIL-04")
@given(accounts(), st.data())
def test_only_what_is_made_before_is_charged_on(agreements: list[Agreement], data: st.DataObject) -> None:
    """Every reference is either sound, and its source stands earlier by more than an id, or an error that is told."""
    places = processing_order(agreements)
    names = st.sampled_from([*ids(places), "elsewhere"])
    charged_on = data.draw(st.fixed_dictionaries({}, optional={name: st.lists(names) for name in ids(places)}))
    found = dependencies(places, charged_on)
    assert dependencies(processing_order(agreements[::-1]), charged_on) == found
    position = {place.agreement.id: place.position for place in places}
    told = {(each.agreement_id, each.source_id) for each in found.misplaced}
    for name, sources in charged_on.items():
        assert set(found.sources[name]) | {source for at, source in told if at == name} == set(sources)
        assert not told & {(name, source) for source in found.sources[name]}
        ascending = [position[source] for source in found.sources[name]]
        assert ascending == sorted(ascending)
        assert all(place < position[name] for place in ascending)
    renamed = {each.id: "".join(chr(0x10FFFF - ord(letter)) for letter in each.id) for each in agreements}
    assert found.misplaced == () or _misplaced_when_renamed(agreements, charged_on, renamed) == {
        (renamed[at], renamed.get(source, source)) for at, source in told
    }


def _misplaced_when_renamed(
    agreements: list[Agreement], charged_on: dict[str, list[str]], renamed: dict[str, str]
) -> set[tuple[str, str]]:
    """Which references are misplaced when all ids sort in another way."""
    others = [
        agreement(renamed[each.id], each.sequence, renamed[each.master_id] if each.master_id else None)
        for each in agreements
    ]
    references = {renamed[at]: [renamed.get(each, each) for each in sources] for at, sources in charged_on.items()}
    found = dependencies(processing_order(others), references)
    return {(each.agreement_id, each.source_id) for each in found.misplaced}


@pytest.mark.rule("BIL-04")
@given(accounts(), st.data())
def test_whatever_is_reached_by_an_error_waits(agreements: list[Agreement], data: st.DataObject) -> None:
    """Waiting is what can be reached from errors against the charges, no less and no more; so is what is stale."""
    places = processing_order(agreements)
    names = st.sampled_from(ids(places) or ["nobody"])
    charged_on = data.draw(st.fixed_dictionaries({}, optional={name: st.lists(names) for name in ids(places)}))
    failed = set(data.draw(st.lists(names)))
    found = dependencies(places, charged_on)

    def reached(start: set[str]) -> set[str]:
        after = {name for name, sources in found.sources.items() if start.intersection(sources)}
        return after if after <= start else after | reached(start | after)

    misplaced = {each.agreement_id for each in found.misplaced}
    waiting = found.waiting(failed)
    assert set(waiting) == reached(failed | misplaced)
    assert all(
        set(on) == set(found.sources[name]) & (failed | misplaced | set(waiting)) for name, on in waiting.items()
    )
    stale = found.dependents(failed)
    assert set(stale) == reached(failed)
    assert list(stale) == [name for name in ids(places) if name in stale]


def test_a_head_office_of_a_hundred_thousand_sites() -> None:
    """One error among all of them is found in one pass."""
    sites = [agreement(f"S{number}", number % 3) for number in range(100_000)]
    places = processing_order([agreement("HO", 10), *sites])
    found = dependencies(places, {"HO": [site.id for site in sites]})
    assert len(found.sources["HO"]) == 100_000
    assert found.waiting(["S77777"]) == {"HO": ("S77777",)}
