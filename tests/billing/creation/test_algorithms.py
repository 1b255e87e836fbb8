"""Algorithms that create data, and what becomes of one that fails; without a database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.accounts.model import Profile
from domain.billing.configuration.model import Derivation, ProfileKind, ProfileType, ProfileTypeSettings
from domain.billing.creation import derivations
from domain.billing.creation.algorithms.factor import FACTOR
from domain.billing.creation.algorithms.model import Asked, CannotCreate, CreationAlgorithm
from domain.billing.creation.algorithms.registry import CREATIONS
from domain.billing.creation.algorithms.sums import DIFFERENCE, SUM
from domain.billing.creation.deciding import Known, Turn, decide
from domain.kernel.quantities import ATTOS, UNITS_MAX

ATTO = st.integers(-UNITS_MAX * ATTOS, UNITS_MAX * ATTOS)
ROWS = st.lists(st.tuples(ATTO, ATTO, ATTO), min_size=1, max_size=20)


@dataclass
class _Configured:
    """What is configured of profile types, and the algorithms."""

    profile_types: Mapping[str, ProfileType]
    creations: Mapping[str, CreationAlgorithm]


def create(algorithm: CreationAlgorithm, *sources: Sequence[int], **parameters: str) -> list[int]:
    assert algorithm.create is not None
    return list(algorithm.create(Asked(range(len(sources[0])), sources, parameters)))


@pytest.mark.rule("BIL-22", "BIL-23")
@given(ROWS)
def test_what_is_taken_off_and_added_again_is_what_it_was(rows: list[tuple[int, int, int]]) -> None:
    """Sum and difference are exact."""
    whole, one, two = zip(*rows, strict=True)
    rest = create(DIFFERENCE, whole, one, two)
    assert create(SUM, rest, one, two) == list(whole)
    assert create(DIFFERENCE, whole, one, two, below_zero="zero") == [max(0, each) for each in rest]


@pytest.mark.rule("BIL-22", "BIL-23")
@pytest.mark.parametrize(
    ("value", "factor", "rounding", "expected"),
    [
        (1, "0.5", "", 0),
        (3, "0.5", "", 2),
        (1, "0.5", "HALF_UP", 1),
        (-1, "0.5", "HALF_UP", -1),
        (3 * ATTOS, "0.333333333333333333", "HALF_EVEN", 999_999_999_999_999_999),
        (10**15 * ATTOS - 1, "1", "", 10**15 * ATTOS - 1),
    ],
)
def test_a_factor_rounds_once_by_name(value: int, factor: str, rounding: str, expected: int) -> None:
    """To 18 decimals; everything else is exact."""
    assert create(FACTOR, [value], factor=factor, rounding=rounding) == [expected]


@pytest.mark.rule("BIL-22")
def test_a_difference_below_zero_may_be_refused() -> None:
    """Its instant is told."""
    with pytest.raises(CannotCreate, match=r"below zero at 1970-01-01T00:00:00\.000001Z"):
        create(DIFFERENCE, [2, 1], [1, 2], below_zero="refuse")
    assert create(DIFFERENCE, [2, 1], [1, 2]) == [1, -1]


@pytest.mark.rule("BIL-22")
@pytest.mark.parametrize(
    ("creation", "message", "told"),
    [
        (lambda _: 1 / 0, "odd met something unexpected; the log of the server says what", 1),
        (lambda asked: asked.begins[1:], "odd gave 23 values for 24 intervals", 0),
        (
            lambda asked: [UNITS_MAX * ATTOS + 1 for _ in asked.begins],
            "odd gives more than 1,000,000,000,000,000 units at 2026-01-01T00:00:00.000000Z",
            0,
        ),
    ],
)
def test_a_plug_in_that_fails_takes_nobody_with_it(
    creation: Callable[[Asked], Sequence[int]], message: str, told: int
) -> None:
    """Its data are in error, and so is what waits for them; what nobody foresaw goes to the log."""
    odd = replace(FACTOR, code="odd", create=creation)
    kinds = {
        code: ProfileType(code, "", 1, 1, 1, ProfileTypeSettings(ProfileKind.INTERVALS, "kWh", 3600, 0, creation, 10))
        for code, creation in (("METER", ""), ("odd", "odd"), ("factor", "factor"))
    }
    meter, first, second = ("A", "METER"), ("A", "1"), ("A", "2")
    profiles = [
        Profile("A", own, "", code, "S", "UTC", Derivation((source,), {"factor": "1"}), 1, 1, 1)
        for own, code, source in (("1", "odd", meter), ("2", "factor", first), ("3", "factor", meter))
    ]
    turns = [Turn(at, profile, 20260101, 20260102) for at, profile in enumerate(profiles, 1)]
    begins = range(turns[0].start_us, turns[0].end_us, 3_600_000_000)
    reports: list[str] = []
    known = Known(
        configured=_Configured(kinds, {**CREATIONS, "odd": odd}),
        turns=turns,
        positions={turn.key: turn.position for turn in turns},
        series={
            meter: derivations.Series("METER", "UTC"),
            first: derivations.Series("odd", "UTC"),
            second: derivations.Series("factor", "UTC"),
        },
        kept={meter: {at: (ATTOS, at == begins[0]) for at in begins}},
        broken={},
        report=lambda name, _: reports.append(name),
    )
    wrong, waiting, sound = decide(known)
    assert wrong.fault is not None
    assert (wrong.fault.reason, wrong.fault.message) == ("INTERVAL_DATA_NOT_CREATED", message)
    assert waiting.waits_on == ("accounts/A/profiles/1",)
    assert reports == ["accounts/A/profiles/1"] * told
    assert sound.fault is None
    assert sound.values == {at: (ATTOS, at == begins[0]) for at in begins}, "estimates stay estimates"


@pytest.mark.rule("BIL-22")
def test_loops_are_named_wherever_they_begin() -> None:
    """By the profiles of the account alone; one that leads into a loop is in none."""
    names = {"a": "b", "b": "c", "c": "a", "d": "a", "e": "f"}
    derived = {own: Derivation((("A", source),)) for own, source in names.items()}
    derived["f"] = Derivation((("B", "e"), ("A", "d")))
    assert derivations.loop(derived, "A", "b") == ("b", "c", "a", "b")
    assert derivations.loop(derived, "A", "d") == ()
    assert derivations.loop(derived, "A", "e") == ()
    assert derivations.loop({"x": Derivation((("A", "x"),))}, "A", "x") == ("x", "x")
