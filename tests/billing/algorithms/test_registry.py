"""What is wrong with using an algorithm is said when it is configured."""

from __future__ import annotations

import pytest

from domain.billing.algorithms.builtin.minimum_bill import MINIMUM_BILL
from domain.billing.algorithms.registry import Algorithms
from domain.billing.configuration.model import AlgorithmUse, Moment

PRE = Moment.PRE_COMPLETION
SOUND = {"amount": "12.50", "currency": "EUR", "distribution_code": "FEES"}


def found(*uses: AlgorithmUse, of_agreements: bool = False) -> list[tuple[str, str]]:
    """Fields and reasons of what is wrong."""
    violations = Algorithms().violations(uses, "algorithms", of_agreements=of_agreements)
    return [(each.field.removeprefix("algorithms"), each.reason) for each in violations]


def minimum(**changed: str) -> AlgorithmUse:
    """A use of the minimum with other parameters."""
    return AlgorithmUse(PRE, 10, "minimum-bill", SOUND | changed)


@pytest.mark.rule("BIL-23")
def test_a_sound_use_is_let_pass_and_names_its_distribution_codes() -> None:
    """So that they can be looked for."""
    assert found(minimum()) == []
    assert Algorithms().codes([minimum(), AlgorithmUse(PRE, 1, "none")]) == {"FEES"}


@pytest.mark.rule("BIL-23")
@pytest.mark.parametrize(
    ("use", "expected"),
    [
        (AlgorithmUse(PRE, 1, "none"), [("[0].algorithm", "ALGORITHM_UNKNOWN")]),
        (AlgorithmUse(PRE, 1, "remove-segments-in-error"), [("[0].algorithm", "ALGORITHM_MISPLACED")]),
        (AlgorithmUse(Moment.COMPLETION, 1, "minimum-bill", SOUND), [("[0].algorithm", "ALGORITHM_MISPLACED")]),
        (AlgorithmUse(PRE, -1, "minimum-bill", SOUND), [("[0].sequence", "PROCESSING_SEQUENCE_NEGATIVE")]),
        (minimum(colour="red"), [('[0].parameters["colour"]', "ALGORITHM_PARAMETER_UNKNOWN")]),
        (minimum(amount=""), [('[0].parameters["amount"]', "ALGORITHM_PARAMETER_MISSING")]),
        (minimum(amount="0.001"), [('[0].parameters["amount"]', "ALGORITHM_PARAMETER_INVALID")]),
        (minimum(amount="-1"), [('[0].parameters["amount"]', "ALGORITHM_PARAMETER_INVALID")]),
        (minimum(amount="NaN"), [('[0].parameters["amount"]', "ALGORITHM_PARAMETER_INVALID")]),
        (minimum(currency="XXX"), [('[0].parameters["currency"]', "CURRENCY_UNKNOWN")]),
        (
            AlgorithmUse(PRE, 1, "bill-message", {"text": "x" * 1_001}),
            [('[0].parameters["text"]', "ALGORITHM_PARAMETER_INVALID")],
        ),
        (
            AlgorithmUse(PRE, 1, "bill-message", {"text": "x", "condition": "bill.colour == 'red'"}),
            [('[0].parameters["condition"]', "CONDITION_FIELD_UNKNOWN")],
        ),
    ],
)
def test_an_unsound_use_is_refused_with_its_field(use: AlgorithmUse, expected: list[tuple[str, str]]) -> None:
    """And a stable reason."""
    assert found(use) == expected


@pytest.mark.rule("BIL-23")
def test_an_algorithm_is_used_once_a_moment_and_a_code_is_taken_once() -> None:
    """Their order would not be told, nor which is meant."""
    assert found(minimum(), minimum(amount="1")) == [("[1].algorithm", "ALGORITHM_TWICE")]
    with pytest.raises(ValueError, match="minimum-bill"):
        Algorithms([MINIMUM_BILL])
