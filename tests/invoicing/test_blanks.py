"""What must be given is more than blanks: an invoice could not name it."""

from __future__ import annotations

from typing import Any

import pytest

from domain.invoicing.configuration.model import Address, Party
from domain.invoicing.configuration.parties import faults
from domain.invoicing.invoices.rows import GivenLine, prepare


@pytest.mark.rule("INV-15", "PLT-10")
@pytest.mark.parametrize("name", ["", " ", "\u00a0\u2003"])
def test_a_party_has_a_name(name: str) -> None:
    """EN 16931, BR-06 and BR-07."""
    assert [(each.field, each.reason) for each in faults(Party(name, Address("DE")), "recipient.party")] == [
        ("recipient.party.name", "FIELD_REQUIRED")
    ]


@pytest.mark.rule("INV-15", "PLT-10")
@pytest.mark.parametrize("field", ["source", "external_id", "description"])
def test_a_line_says_what_it_is_for_and_where_it_is_from(field: str) -> None:
    """EN 16931, BR-25."""
    sound = GivenLine("accounts/A", "shop", "1", ("EUR", 25, 0), "S", "19", "x", distribution_code="SALES")
    assert not prepare([sound]).refusals
    blank: Any = {field: "  "}
    (refused,) = prepare([sound._replace(**blank)]).refusals
    assert [(each.field, each.reason) for each in refused.violations] == [(field, "FIELD_REQUIRED")]
