"""What is configured as documents and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time as time_of_day
from decimal import Decimal
from enum import StrEnum

import pytest

from domain.kernel.documents import WrittenByNewer, from_text, to_text
from domain.kernel.structures import document_of, value_from
from domain.kernel.time import BusinessZone


class Colour(StrEnum):
    """Of two."""

    RED = "RED"
    BLUE = "BLUE"


@dataclass(frozen=True, slots=True)
class Inner:
    """What stands within."""

    price: Decimal
    at: time_of_day = time_of_day(0)


@dataclass(frozen=True, slots=True)
class Outer:
    """All that settings are made of."""

    zone: BusinessZone
    rows: tuple[Inner, ...] = ()
    one: Inner | None = None
    colours: frozenset[Colour] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)
    flag: bool | None = None


FULL = Outer(
    BusinessZone("Europe/London"),
    (Inner(Decimal("0.100000000000000001"), time_of_day(7, 30)),),
    Inner(Decimal("1E+3")),
    frozenset(Colour),
    {"a": "b"},
    flag=False,
)


@pytest.mark.rule("PLT-01")
@pytest.mark.parametrize("value", [FULL, Outer(BusinessZone("UTC"))], ids=["full", "empty"])
def test_a_value_comes_back_from_its_document_as_it_was(value: Outer) -> None:
    """To the last digit, and equal values have equal texts."""
    text = to_text(document_of(value))
    back = value_from(Outer, from_text(text))
    assert back == value
    assert str(back.rows) == str(value.rows)
    assert to_text(document_of(back)) == text
    assert "." not in text.replace('"0.100000000000000001"', "")


@pytest.mark.parametrize(
    "change",
    [{"new": 1}, {"rows": [{"price": "1", "new": 2}]}, {"colours": ["GREEN"]}],
    ids=["field", "field within", "value"],
)
def test_what_a_newer_version_wrote_is_refused_and_not_passed_over(change: dict[str, object]) -> None:
    """To pass over it could mean to do something else than was asked."""
    with pytest.raises(WrittenByNewer):
        value_from(Outer, {**document_of(FULL), **change})
