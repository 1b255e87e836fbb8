"""What cannot be put in order is refused, each with a reason of its own."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.ordering.model import Agreement
from domain.billing.ordering.rules import SEQUENCE_MAX, master_faults, priority_fault, sequence_fault
from domain.billing.ordering.sequence import processing_order
from tests.billing.ordering.accounts import accounts, agreement


@pytest.mark.rule("BIL-01")
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        *((value, None) for value in (0, 1, 10, SEQUENCE_MAX)),
        *((value, "PROCESSING_SEQUENCE_NEGATIVE") for value in (-1, -(10**30))),
        *((value, "PROCESSING_SEQUENCE_NOT_INTEGER") for value in (1.0, 1.5, Decimal(2), "10", "", True, None)),
        (SEQUENCE_MAX + 1, "PROCESSING_SEQUENCE_TOO_LARGE"),
    ],
)
def test_a_sequence_is_an_integer_from_0(value: object, reason: str | None) -> None:
    """A fraction or a text is no sequence, even if it could be made one."""
    fault = sequence_fault(value)
    assert (fault[0] if fault else None) == reason


@pytest.mark.rule("BIL-03")
def test_priorities_are_from_10_to_90() -> None:
    """10 is the first that there is, 90 the last."""
    refused = [number for number in range(100) if priority_fault(number)]
    assert refused == [*range(10), *range(91, 100)]
    fault = priority_fault(100)
    assert fault
    assert fault[0] == "CREATION_PRIORITY_OUT_OF_RANGE"


@pytest.mark.rule("BIL-02")
@pytest.mark.parametrize(
    ("masters", "refused"),
    [
        ({"a": "m"}, {}),
        ({"a": "a"}, {"a": "MASTER_IS_ITSELF"}),
        ({"a": "nobody"}, {"a": "MASTER_UNKNOWN"}),
        ({"a": "elsewhere"}, {"a": "MASTER_OF_ANOTHER_ACCOUNT"}),
        ({"a": "b", "b": "m"}, {"a": "MASTER_IS_SUB"}),
        ({"a": "b", "b": "a"}, {"a": "MASTER_LOOP", "b": "MASTER_LOOP"}),
        ({"a": "b", "b": "c", "c": "a"}, {"a": "MASTER_LOOP", "b": "MASTER_LOOP", "c": "MASTER_LOOP"}),
        ({"m": "a", "a": "b", "b": "a"}, {"m": "MASTER_IS_SUB", "a": "MASTER_LOOP", "b": "MASTER_LOOP"}),
        ({"a": "b", "b": "b"}, {"a": "MASTER_IS_SUB", "b": "MASTER_IS_ITSELF"}),
        ({"a": "b", "b": "nobody"}, {"a": "MASTER_IS_SUB", "b": "MASTER_UNKNOWN"}),
    ],
)
def test_masters_that_cannot_be(masters: dict[str, str], refused: dict[str, str]) -> None:
    """A sub of a sub, an agreement over itself, one of another account, and loops of any length."""
    given_agreements = [agreement(name, None, masters.get(name)) for name in "abcm"]
    faults = master_faults([*given_agreements, Agreement("elsewhere", "B")])
    assert {name: reason for name, (reason, _) in faults.items()} == refused
    assert all(name in sentence for name, (_, sentence) in faults.items())


@pytest.mark.rule("BIL-02")
@given(st.dictionaries(st.sampled_from("abcdef"), st.none() | st.sampled_from("abcdefg")))
def test_masters_are_refused_exactly_where_there_is_no_order(masters: dict[str, str | None]) -> None:
    """An agreement is let pass when its master is there, is another one, and has no master itself."""
    faults = master_faults([agreement(name, None, master) for name, master in masters.items()])
    for name, master in masters.items():
        sound = master is None or (master != name and master in masters and masters[master] is None)
        assert (name not in faults) == sound


@given(accounts())
def test_what_is_let_pass_has_an_order(agreements: list[Agreement]) -> None:
    """Nothing that was taken is refused later."""
    assert master_faults(agreements) == {}
    assert len(processing_order(agreements)) == len(agreements)


def test_a_long_chain_is_refused_at_once() -> None:
    """A chain or a loop of a hundred thousand costs no more than as many agreements."""
    chain = [agreement(str(number), None, str(number + 1)) for number in range(100_000)]
    reasons = [reason for reason, _ in master_faults([*chain, agreement("100000")]).values()]
    assert (len(reasons), set(reasons)) == (99_999, {"MASTER_IS_SUB"})
    closed = master_faults([*chain, agreement("100000", None, "0")])
    assert (len(closed), {reason for reason, _ in closed.values()}) == (100_001, {"MASTER_LOOP"})


@pytest.mark.parametrize(
    "unsound",
    [
        [agreement("a"), agreement("a")],
        [agreement("a", None, "b")],
        [agreement("a"), Agreement("b", "B")],
    ],
)
def test_what_was_never_configured_is_a_bug(unsound: list[Agreement]) -> None:
    """The order is made of agreements that were checked, of one account, each once."""
    with pytest.raises(AssertionError):
        processing_order(unsound)
