"""Getting and listing details: filters, orders, pages, stamps."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, text

from domain.gl_extraction.details import listing
from domain.gl_extraction.details.errors import DetailNotFound
from domain.gl_extraction.details.model import Stamp
from domain.gl_extraction.details.store.pages import ORDERS, DetailFilter, key_of
from domain.gl_extraction.extraction.states import BatchState
from domain.gl_extraction.names import detail_id_of, detail_name
from domain.kernel.errors import Invalid
from domain.kernel.paging import Key, Page
from server.database.transaction import Database
from tests.gl_extraction.samples import NOW_US, ids_of, later, reversed_, row, stamp, taken_in, undone


def listed(database: Database, order: str = "", size: int = 50, **wanted: Any) -> list[str]:
    """External ids of all details of a list, page by page."""
    names: list[str] = []
    after: Key | None = None
    while True:
        page = Page(size, after)
        found = database.read(lambda tx, page=page: listing.list_page(tx, DetailFilter(**wanted), ORDERS[order], page))  # type: ignore[misc]
        names += [detail.external_id for detail in found[:size]]
        if len(found) <= size:
            return names
        after = key_of(found[size - 1], ORDERS[order])


@pytest.fixture
def varied(books: Database) -> Database:
    """Ten details that differ in everything that can be filtered by."""
    april = {"accounting_date": (2026, 4, 30)}
    taken_in(
        books,
        [
            row(0),
            row(1, source="other", **april),
            row(2, subject_type="CLAIM", subject="C-1"),
            row(3, origin="R", grouping="TS-9"),
            row(4, bulking_group="", reversal=True),
        ],
    )
    taken_in(
        books,
        [
            row(5, distribution_account="5000", **april),
            row(6, group_account_code=""),
            row(7, debit=None, credit=("EUR", 1, 0)),
            row(8, subject="P-8"),
            row(9, accounting_date=(2026, 6, 1)),
        ],
        later(),
    )
    undone(books, subject="P-8")
    stamp(books, 3, ids_of(books, [row(0), row(2)]))
    stamp(books, 4, ids_of(books, [row(2)]))
    stamp(books, 5, ids_of(books, [row(3)]), BatchState.PREPARED)
    books.write(
        lambda tx: tx.execute(text("UPDATE accounting_detail SET invoiced_us = 1 WHERE external_id = 'line-6'"))
    )
    return books


@pytest.mark.rule("GLX-01", "PLT-08")
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, "0123456789"),
        ({"source": "other"}, "1"),
        ({"source": "erp", "external_id": "line-4"}, "4"),
        ({"source": "erp", "external_id": "line-8"}, "8"),
        ({"source": "erp", "external_id": "line-1"}, ""),
        ({"subject_type": "CLAIM"}, "2"),
        ({"subject": "P-8"}, "8"),
        ({"origin": "R"}, "3"),
        ({"grouping": "TS-9"}, "3"),
        ({"bulking_group": ""}, "4"),
        ({"bulking_group": "B1"}, "012356789"),
        ({"ledger_code": "MAIN"}, "0123456789"),
        ({"ledger_code": "NONE"}, ""),
        ({"accounting_period_code": "2026-04"}, "15"),
        ({"distribution_account": "5000"}, "5"),
        ({"group_account_code": "GA1"}, "012345789"),
        ({"currency": "EUR"}, "7"),
        ({"from_day": 20260515, "to_day": 20260531}, "0234678"),
        ({"from_day": 20260601}, "9"),
        ({"to_day": 20260430}, "15"),
        ({"extracted": True}, "02"),
        ({"extracted": False}, "13456789"),
        ({"batch_no": 3}, "0"),
        ({"batch_no": 4}, "2"),
        ({"batch_no": 5}, ""),
        ({"batch_no": 99}, ""),
        ({"void": True}, "8"),
        ({"void": False, "from_day": 20260515}, "0234679"),
        ({"reversal": True}, "4"),
        ({"invoiced": True}, "6"),
        ({"invoiced": False, "currency": "USD"}, "01234589"),
    ],
)
def test_a_list_holds_what_its_filter_says(varied: Database, wanted: dict[str, Any], expected: str) -> None:
    """Every field of the filter narrows the list; those that are set must all hold."""
    assert "".join(sorted(name.removeprefix("line-") for name in listed(varied, **wanted))) == expected


@pytest.mark.rule("PLT-08")
@pytest.mark.parametrize("size", [1, 3, 10])
@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("", "0123456789"),
        ("create_time", "0123456789"),
        ("create_time desc", "9876543210"),
        ("accounting_date", "15" + "02346789"),
        ("accounting_date desc", "98764320" + "51"),
    ],
)
def test_pages_follow_the_order_whatever_their_size(varied: Database, order: str, size: int, expected: str) -> None:
    """Pages neither skip nor repeat; ties stand in the order of creation, turned round when the order is."""
    assert "".join(name.removeprefix("line-") for name in listed(varied, order, size)) == expected


@pytest.mark.rule("PLT-08")
def test_rows_that_are_added_meanwhile_neither_shift_nor_repeat(books: Database) -> None:
    """A page begins behind the last row of the page before, whatever came in between."""
    taken_in(books, [row(n, accounting_date=(2026, 5, 10 + n)) for n in range(6)])
    order = ORDERS["accounting_date"]

    def page(tx: Connection, after: Key | None) -> list[Any]:
        return listing.list_page(tx, DetailFilter(), order, Page(3, after))[:3]

    first = books.read(lambda tx: page(tx, None))
    taken_in(books, [row(20, accounting_date=(2026, 5, 1)), row(21, accounting_date=(2026, 5, 14))], later())
    second = books.read(lambda tx: page(tx, key_of(first[-1], order)))
    assert [detail.external_id for detail in first] == ["line-0", "line-1", "line-2"]
    assert [detail.external_id for detail in second] == ["line-3", "line-4", "line-21"]


@pytest.mark.rule("GLX-01", "PLT-05")
def test_a_detail_shows_its_stamp(books: Database) -> None:
    """The stamp is the one of the highest completed batch; a prepared one does not count yet."""
    taken_in(books, [row(1)])
    (detail_id,) = ids_of(books, [row(1)])
    name = detail_name(detail_id)
    assert books.read(lambda tx: listing.get(tx, name)).stamp is None
    stamp(books, 5, [detail_id])
    stamp(books, 4, [detail_id])
    stamp(books, 6, [detail_id], BatchState.PREPARED)
    assert books.read(lambda tx: listing.get(tx, name)).stamp == Stamp(5, NOW_US)


@pytest.mark.rule("PLT-05")
@pytest.mark.parametrize(
    "name", ["accountingDetails/0000000000001", "accountingDetails/1", "accountingDetails/z" + "z" * 20]
)
def test_an_unknown_detail_is_not_found(books: Database, name: str) -> None:
    """A name that the server never gave is NOT_FOUND, however it looks."""
    with pytest.raises(DetailNotFound, match=name):
        books.read(lambda tx: listing.get(tx, name))


@pytest.mark.rule("PLT-05")
def test_names_of_details_sort_as_their_ids() -> None:
    """A name is its id in another script, of one width; no two names are one detail's."""
    ids = [1, 63, 64, 31 * 32, 2**40, 2**63 - 1]
    names = [detail_name(detail_id) for detail_id in ids]
    assert names == sorted(names)
    assert [detail_id_of(name) for name in names] == ids
    assert detail_id_of(names[0].replace("0000000000", "", 1)) is None
    assert detail_id_of(detail_name(2**64)) is None


@pytest.mark.rule("PLT-07")
def test_a_filter_that_cannot_be_is_refused(books: Database) -> None:
    """An external id needs its source; text that no detail could hold is told, not sent to the database."""
    with pytest.raises(Invalid) as refused:
        listed(books, external_id="line-1")
    assert [(found.field, found.reason) for found in refused.value.violations] == [("filter.source", "SOURCE_REQUIRED")]
    with pytest.raises(Invalid) as refused:
        listed(books, subject="\0", bulking_group="\0")
    assert [found.field for found in refused.value.violations] == ["filter.subject", "filter.bulking_group"]


def test_reversals_are_listed_beside_their_details(books: Database) -> None:
    """A reversal is a detail as any other."""
    taken_in(books, [row(1)])
    reversed_(books, ids_of(books, [row(1)]))
    assert len(listed(books, subject="P-1")) == 2
    assert len(listed(books, reversal=True)) == 1
