"""The quick way through the rules says the same as the rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from domain.gl_extraction.details.books import open_periods
from domain.gl_extraction.details.model import NewDetail
from domain.gl_extraction.details.rows import CORE_COLUMNS, coded_columns, read_row
from domain.gl_extraction.details.rules import violations
from domain.kernel.amounts import Amount
from domain.kernel.bulk import copy_cell
from tests.gl_extraction.samples import BOOKS, row


def texts(length_max: int, *sound: str) -> SearchStrategy[str]:
    """Mostly sound texts, some at the bound or just beyond it, some with any character."""
    bounds = st.sampled_from([*sound, "", "x" * length_max, "x" * (length_max + 1), "é" * length_max])
    return (
        bounds | st.text(st.characters(), max_size=4) | st.sampled_from(["a\tb", "\\", "\r\n", "\x7f", "\0", "\ud800"])
    )


AMOUNTS: SearchStrategy[Amount | None] = st.none() | st.tuples(
    st.sampled_from(["USD", "USD", "JPY", "KWD", "XYZ", ""]),
    st.sampled_from([0, 1, 100, -1, 10**13, 10**13 + 1, 10**15, 2**63 - 1]) | st.integers(-(10**6), 10**6),
    st.sampled_from([0, 0, 10_000_000, 1_000_000, 1, -10_000_000, 999_999_999, 10**9]),
)
DATES = st.sampled_from([(2026, 5, 1), (2026, 4, 30), (2026, 6, 31), (2026, 8, 1), (0, 0, 0), (2026, 5, 0)])
ROWS = st.builds(
    NewDetail,
    name=texts(64, "accountingDetails/1"),
    source=texts(64, "erp"),
    external_id=texts(128, "line-1"),
    description=texts(512, "A premium"),
    subject_type=st.sampled_from(["", "POLICY", "CLAIM", "ACCOUNT", "#7"]),
    subject=texts(128, "P-1"),
    origin=st.sampled_from(["R", "F", "F", "", "#3"]),
    grouping=texts(64, "TS-1"),
    bulking_group=texts(64, "B1"),
    reversal=st.booleans(),
    distribution_account=texts(64, "4000"),
    ledger_code=texts(64, "MAIN", "MAIN", "MAIN", "OTHER"),
    accounting_date=st.none() | DATES,
    transaction_date=st.none() | DATES,
    accounting_period_code=texts(64, "", "2026-05"),
    category=texts(64, "PREMIUM"),
    debit=AMOUNTS,
    credit=AMOUNTS,
    group_account_code=texts(64, "GA1", "", "GA2"),
    gl_segments=st.lists(texts(64, "100"), max_size=4).map(tuple) | st.just(("",) * 31),
    attributes=st.lists(texts(256, "a"), max_size=4).map(tuple) | st.just(("x",) * 31),
)
NEARLY_SOUND = st.builds(
    lambda mixed, fields: row()._replace(**{field: getattr(mixed, field) for field in fields}),
    ROWS,
    st.sets(st.sampled_from(NewDetail._fields), max_size=3),
)


@pytest.mark.rule("GLX-02")
@settings(max_examples=1_500, deadline=None)
@given(NEARLY_SOUND | ROWS)
@example(row(credit=("USD", 0, 0)))
@example(row(debit=("", 0, 0), credit=("USD", 1, 0)))
@example(row(credit=("", 0, 0)))
@example(row(name="\0"))
@example(row(accounting_period_code="\0"))
def test_a_row_is_stored_exactly_when_no_rule_is_broken(given_row: NewDetail) -> None:
    """The quick look at a row, and the books, refuse what the rules refuse, and nothing else."""
    ready = read_row(0, given_row)
    taken = (
        ready is not None
        and ready.slot in open_periods(BOOKS, {ready.slot})
        and ready.group_account_code in BOOKS.group_accounts | {""}
    )
    assert taken == (not violations(given_row, BOOKS)), violations(given_row, BOOKS)


@pytest.mark.rule("GLX-02")
@settings(max_examples=300, deadline=None)
@given(NEARLY_SOUND, NEARLY_SOUND)
def test_content_has_one_hash(one: NewDetail, other: NewDetail) -> None:
    """Rows of equal content have equal hashes, rows of other content have others; what is ignored does not count."""
    first, second = read_row(0, one), read_row(1, other)
    if first is None or second is None:
        return
    assert (first.content_hash == second.content_hash) == (first.cells == second.cells)
    again = read_row(2, one._replace(name="accountingDetails/1"))
    assert again is not None
    assert again.content_hash == first.content_hash


@settings(max_examples=300, deadline=None)
@given(NEARLY_SOUND)
def test_a_line_holds_the_cells(given_row: NewDetail) -> None:
    """A row's line for COPY is its cells, escaped where they must be, and there is a column for each."""
    ready = read_row(0, given_row)
    if ready is None:
        return
    assert ready.line.decode() == "\t".join(map(copy_cell, ready.cells))
    assert len(ready.cells) == len(CORE_COLUMNS) + len(coded_columns(ready.coded_mask))


@pytest.mark.rule("GLX-02")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"description": "a\tb", "subject": ""}, {"description": "a", "subject": "b"}),
        ({"gl_segments": ("a",), "attributes": ()}, {"gl_segments": (), "attributes": ("a",)}),
        ({"gl_segments": ("a", "b")}, {"gl_segments": ("a", "", "b")}),
        ({"description": "\\t"}, {"description": "\t"}),
        ({"debit": ("USD", 1, 0)}, {"debit": ("JPY", 100, 0)}),
        ({"debit": ("USD", 1, 0)}, {"debit": None, "credit": ("USD", 1, 0)}),
        ({"reversal": True}, {"reversal": False}),
    ],
)
def test_content_that_only_looks_alike_has_another_hash(one: dict[str, Any], other: dict[str, Any]) -> None:
    """No two contents run together into one text."""
    first, second = read_row(0, row(**one)), read_row(0, row(**other))
    assert first is not None
    assert second is not None
    assert first.content_hash != second.content_hash


@pytest.mark.rule("GLX-02")
@pytest.mark.parametrize(
    "changes",
    [
        {"gl_segments": ("100", "", "30", "", "")},
        {"transaction_date": (2026, 5, 15)},
        {"accounting_period_code": "2026-05"},
        {"credit": ("USD", 0, 0)},
        {"name": "accountingDetails/1"},
    ],
)
def test_what_is_said_in_other_words_is_the_same_content(changes: dict[str, Any]) -> None:
    """Trailing empty segments, a date that would be derived, the derived period and an empty side add nothing."""
    first, second = read_row(0, row()), read_row(0, row(**changes))
    assert first is not None
    assert second is not None
    assert first.content_hash == second.content_hash
