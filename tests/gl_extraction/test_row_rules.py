"""What is wrong with a row, told all at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.gl_extraction.details.rules import Books, violations
from domain.gl_extraction.periods.states import PeriodState
from tests.gl_extraction.samples import BOOKS, row

USD = "USD"


def reasons(books: Books = BOOKS, **changes: Any) -> list[tuple[str, str]]:
    return [(found.field, found.reason) for found in violations(row(**changes), books)]


def test_a_sound_row_breaks_no_rule() -> None:
    """The row that the other tests start from is sound."""
    assert violations(row(), BOOKS) == ()


@pytest.mark.rule("GLX-02", "GLX-03")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"debit": None}, [("debit", "AMOUNT_MISSING")]),
        ({"debit": (USD, 0, 0)}, [("debit", "AMOUNT_MISSING")]),
        ({"debit": ("", 0, 0)}, [("debit", "AMOUNT_MISSING")]),
        ({"credit": (USD, 5, 0)}, [("credit", "AMOUNT_ON_BOTH_SIDES")]),
        ({"debit": (USD, -1, 0)}, [("debit", "AMOUNT_NEGATIVE")]),
        ({"debit": (USD, 0, -10_000_000)}, [("debit", "AMOUNT_NEGATIVE")]),
        ({"debit": None, "credit": (USD, -1, 0)}, [("credit", "AMOUNT_NEGATIVE")]),
        ({"credit": (USD, -1, 0)}, [("credit", "AMOUNT_NEGATIVE")]),
        ({"credit": ("EUR", 0, 0)}, [("credit", "CURRENCIES_DIFFER")]),
        ({"credit": ("EUR", 5, 0)}, [("credit", "AMOUNT_ON_BOTH_SIDES"), ("credit", "CURRENCIES_DIFFER")]),
    ],
)
def test_exactly_one_side_is_above_zero(changes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    """Of debit and credit exactly one is above zero; negative, both or neither is refused."""
    assert reasons(**changes) == expected


@pytest.mark.rule("PLT-01")
@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        ((USD, 40, 5_000_000), "AMOUNT_FINER_THAN_MINOR_UNIT"),
        (("JPY", 40, 500_000_000), "AMOUNT_FINER_THAN_MINOR_UNIT"),
        (("KWD", 1, 100_000), "AMOUNT_FINER_THAN_MINOR_UNIT"),
        ((USD, 0, 1), "AMOUNT_FINER_THAN_MINOR_UNIT"),
        (("XYZ", 1, 0), "CURRENCY_UNKNOWN"),
        (("usd", 1, 0), "CURRENCY_UNKNOWN"),
        (("XAU", 1, 0), "CURRENCY_UNKNOWN"),
        (("", 1, 0), "CURRENCY_UNKNOWN"),
        ((USD, 1, -1), "AMOUNT_MALFORMED"),
        ((USD, -1, 1), "AMOUNT_MALFORMED"),
        ((USD, 1, 1_000_000_000), "AMOUNT_MALFORMED"),
        ((USD, 1, -1_000_000_000), "AMOUNT_MALFORMED"),
        ((USD, 10**13, 10_000_000), "AMOUNT_TOO_LARGE"),
        (("JPY", 10**15 + 1, 0), "AMOUNT_TOO_LARGE"),
        ((USD, 2**63 - 1, 0), "AMOUNT_TOO_LARGE"),
        ((USD, -(2**63), 0), "AMOUNT_TOO_LARGE"),
    ],
)
def test_an_amount_that_is_no_exact_money_is_refused(amount: tuple[str, int, int], reason: str) -> None:
    """Amounts finer than the minor unit, of unknown currency, ill-formed or beyond the bound are refused."""
    assert reasons(debit=amount) == [("debit", reason)]


@pytest.mark.rule("PLT-01")
@pytest.mark.parametrize(
    "amount",
    [(USD, 40, 10_000_000), ("JPY", 40, 0), ("KWD", 0, 1_000_000), (USD, 10**13, 0), ("CLF", 0, 100_000)],
)
def test_an_amount_in_minor_units_is_taken(amount: tuple[str, int, int]) -> None:
    """The smallest unit of each currency, and the bound itself, are amounts."""
    assert reasons(debit=amount) == []


@pytest.mark.rule("GLX-01")
@pytest.mark.parametrize(
    "date", [(2026, 2, 30), (0, 5, 1), (2026, 0, 1), (2026, 5, 0), (0, 0, 0), (-1, 5, 1), (10000, 1, 1)]
)
@pytest.mark.parametrize("field", ["accounting_date", "transaction_date"])
def test_a_day_that_the_calendar_lacks_is_refused(field: str, date: tuple[int, int, int]) -> None:
    """30 February, and dates with a part left out, are refused."""
    changes: dict[str, Any] = {field: date}
    assert reasons(**changes) == [(field, "DATE_INVALID")]


@pytest.mark.rule("GLX-01")
def test_the_accounting_date_is_required() -> None:
    """A row says its accounting date; its transaction date may be left out."""
    assert reasons(accounting_date=None) == [("accounting_date", "FIELD_REQUIRED")]
    assert reasons(transaction_date=(2026, 5, 14)) == []


@pytest.mark.rule("GLX-01")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"source": ""}, ("source", "FIELD_REQUIRED")),
        ({"source": "s" * 65}, ("source", "FIELD_TOO_LONG")),
        ({"external_id": ""}, ("external_id", "FIELD_REQUIRED")),
        ({"external_id": "x" * 129}, ("external_id", "FIELD_TOO_LONG")),
        ({"description": "x" * 513}, ("description", "FIELD_TOO_LONG")),
        ({"subject": "x" * 129}, ("subject", "FIELD_TOO_LONG")),
        ({"subject_type": "#9"}, ("subject_type", "SUBJECT_TYPE_UNKNOWN")),
        ({"origin": ""}, ("origin", "FIELD_REQUIRED")),
        ({"origin": "#9"}, ("origin", "ORIGIN_UNKNOWN")),
        ({"gl_segments": ("x",) * 31}, ("gl_segments", "TOO_MANY_ITEMS")),
        ({"gl_segments": ("x", "", "", "y" * 65)}, ("gl_segments[3]", "FIELD_TOO_LONG")),
        ({"attributes": ("x",) * 31}, ("attributes", "TOO_MANY_ITEMS")),
        ({"attributes": ("y" * 257,)}, ("attributes[0]", "FIELD_TOO_LONG")),
        ({"ledger_code": ""}, ("ledger_code", "FIELD_REQUIRED")),
        ({"ledger_code": "MA IN"}, ("ledger_code", "FIELD_MALFORMED")),
        ({"ledger_code": "MAIN\n"}, ("ledger_code", "FIELD_MALFORMED")),
        ({"group_account_code": "GA/1"}, ("group_account_code", "FIELD_MALFORMED")),
    ],
)
def test_a_field_outside_its_form_is_refused(changes: dict[str, Any], expected: tuple[str, str]) -> None:
    """Required fields, lengths, counts, codes and enums hold."""
    assert reasons(**changes) == [expected]


@pytest.mark.rule("GLX-04")
def test_codes_that_are_not_in_the_books_are_refused() -> None:
    """Unknown ledgers and group accounts are refused; no group account is fine."""
    assert reasons(ledger_code="OTHER") == [("ledger_code", "LEDGER_UNKNOWN")]
    assert reasons(group_account_code="GA2") == [("group_account_code", "GROUP_ACCOUNT_UNKNOWN")]
    assert reasons(group_account_code="") == []


@pytest.mark.rule("GLX-04")
def test_the_period_is_that_of_ledger_and_date() -> None:
    """A date without a period, a period that is another, and a closed period are refused."""
    may = BOOKS.periods["MAIN"][1]
    closed = replace(BOOKS, periods={"MAIN": (replace(may, state=PeriodState.CLOSED),)})
    assert reasons(accounting_date=(2026, 3, 31)) == [("accounting_date", "PERIOD_MISSING")]
    assert reasons(accounting_date=(2026, 7, 1)) == [("accounting_date", "PERIOD_MISSING")]
    assert reasons(accounting_date=(2026, 4, 1)) == reasons(accounting_date=(2026, 6, 30)) == []
    assert reasons(accounting_period_code="2026-05") == []
    assert reasons(accounting_period_code="2026-06") == [("accounting_period_code", "PERIOD_DISAGREES")]
    assert reasons(closed) == [("accounting_date", "PERIOD_CLOSED")]
    assert reasons(closed, accounting_period_code="2026-06") == [
        ("accounting_period_code", "PERIOD_DISAGREES"),
        ("accounting_date", "PERIOD_CLOSED"),
    ]


@pytest.mark.rule("GLX-02")
@pytest.mark.parametrize("character", ["\0", "\x01", "\x1f", "\ud800", "\ufffe", "\uffff"])
@pytest.mark.parametrize("field", ["source", "external_id", "description", "subject", "category"])
def test_a_character_that_cannot_be_kept_is_refused(field: str, character: str) -> None:
    """NUL and other control characters, unpaired surrogates and non-characters are refused, and named."""
    changes: dict[str, Any] = {field: f"ab{character}"}
    (found,) = violations(row(**changes), BOOKS)
    assert (found.field, found.reason) == (field, "CHARACTER_REFUSED")
    assert f"U+{ord(character):04X} (at position 2)" in found.description
    assert reasons(gl_segments=("", character)) == [("gl_segments[1]", "CHARACTER_REFUSED")]


def test_text_in_any_language_and_over_several_lines_is_taken() -> None:
    """Line breaks, tabs, backslashes and characters beyond the basic plane are text."""
    assert reasons(description="Prämie\r\n\t\\N \u0085 保険料 \U0001f4b6") == []


@pytest.mark.rule("GLX-02", "PLT-07")
def test_everything_that_is_wrong_is_told_at_once() -> None:
    """A row with many mistakes is refused with all of them."""
    found = reasons(
        source="",
        subject_type="#9",
        origin="",
        accounting_date=(2026, 2, 30),
        debit=(USD, 1, 1),
        credit=("JPY", 1, 1),
        ledger_code="OTHER",
        group_account_code="GA2",
        attributes=("\0",),
    )
    assert found == [
        ("source", "FIELD_REQUIRED"),
        ("attributes[0]", "CHARACTER_REFUSED"),
        ("subject_type", "SUBJECT_TYPE_UNKNOWN"),
        ("origin", "FIELD_REQUIRED"),
        ("debit", "AMOUNT_FINER_THAN_MINOR_UNIT"),
        ("credit", "AMOUNT_FINER_THAN_MINOR_UNIT"),
        ("credit", "CURRENCIES_DIFFER"),
        ("accounting_date", "DATE_INVALID"),
        ("ledger_code", "LEDGER_UNKNOWN"),
        ("group_account_code", "GROUP_ACCOUNT_UNKNOWN"),
    ]
