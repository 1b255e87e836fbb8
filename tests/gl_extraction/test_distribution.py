"""Distribution codes: refused for whatever details by them would be refused for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.gl_extraction.details.rules import LISTS, TEXTS
from domain.gl_extraction.distribution import service, store
from domain.gl_extraction.distribution.model import Distribution, DistributionCode
from domain.gl_extraction.distribution.service import Change
from domain.kernel.errors import CodeTaken, EtagStale, Invalid, NotFound
from server.database.transaction import Database
from tests.gl_extraction.samples import CALL, NOW_US, later

LENGTHS = {rule.field: rule.length_max for rule in (*TEXTS, *LISTS)}


def created(books: Database, *, code: str = "D", **fields: Any) -> DistributionCode:
    distribution = Distribution(**{"ledger_code": "MAIN", **fields})
    return books.write(lambda tx: service.create(tx, CALL, code, distribution))


@pytest.mark.rule("GLX-04")
@pytest.mark.parametrize(
    "field", ["description", "group_account_code", "distribution_account", "bulking_group", "category"]
)
def test_a_text_is_as_long_as_that_of_a_detail(books: Database, field: str) -> None:
    """One character more is refused, with the field named."""
    if field != "group_account_code":
        created(books, code="FITS", **{field: "x" * LENGTHS[field]})
    with pytest.raises(Invalid) as refused:
        created(books, **{field: "x" * (LENGTHS[field] + 1)})
    assert [(found.field, found.reason) for found in refused.value.violations] == [
        (f"distribution_code.{field}", "FIELD_TOO_LONG")
    ]


@pytest.mark.rule("GLX-01", "GLX-04")
@pytest.mark.parametrize("field", ["gl_segments", "attributes"])
def test_a_list_is_as_long_as_that_of_a_detail(books: Database, field: str) -> None:
    """Thirty items, each as long as a detail's; empty ones at the end are not kept, as a detail keeps none."""
    fits: dict[str, Any] = {field: ("x" * LENGTHS[field], "", "y", "", "")}
    made = created(books, code="FITS", **fits)
    assert getattr(made.distribution, field) == ("x" * LENGTHS[field], "", "y")
    with pytest.raises(Invalid) as refused:
        created(books, **{**fits, field: ("", "x" * (LENGTHS[field] + 1), *("x" * 29))})
    assert [(found.field, found.reason) for found in refused.value.violations] == [
        (f"distribution_code.{field}", "TOO_MANY_ITEMS"),
        (f"distribution_code.{field}[1]", "FIELD_TOO_LONG"),
    ]


@pytest.mark.rule("GLX-04")
def test_everything_is_told_at_once(books: Database) -> None:
    """An unknown ledger, an unknown group account, and a character that cannot be kept."""
    with pytest.raises(Invalid) as refused:
        created(books, ledger_code="NONE", group_account_code="NONE", category="\0")
    assert {(found.field, found.reason) for found in refused.value.violations} == {
        ("distribution_code.ledger_code", "LEDGER_UNKNOWN"),
        ("distribution_code.group_account_code", "GROUP_ACCOUNT_UNKNOWN"),
        ("distribution_code.category", "CHARACTER_REFUSED"),
    }
    with pytest.raises(NotFound):
        books.read(lambda tx: service.get(tx, "D"))


@pytest.mark.rule("PLT-10")
def test_of_two_who_change_it_one_wins(books: Database) -> None:
    """Whoever read the version before is refused, also when the other came between the look and the change."""
    first = created(books)
    with pytest.raises(CodeTaken):
        created(books)
    change = Change("D", first.etag, {"category": "FEES"})
    second = books.write(lambda tx: service.update(tx, later(), change))
    assert second == replace(
        first, distribution=Distribution("MAIN", category="FEES"), version=2, updated_us=NOW_US + 1
    )
    with pytest.raises(EtagStale):
        books.write(lambda tx: service.update(tx, later(), change))
    assert not books.write(lambda tx: store.change(tx, first, from_version=1))
    assert books.read(lambda tx: service.get(tx, "D")) == second
