"""Adding up: SQL on both databases comes to what a few lines of Python come to, however the work is cut."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.gl_extraction.details.model import NewDetail
from domain.gl_extraction.extraction.jobs import ChunkSizes
from domain.gl_extraction.extraction.model import Limits, Request
from domain.gl_extraction.tables import ATTRIBUTES, SEGMENTS
from domain.kernel.amounts import minor_of
from domain.kernel.money import decimal_text
from domain.kernel.time import iso_day
from tests.gl_extraction.extraction import example
from tests.gl_extraction.extraction.desk import Desk
from tests.gl_extraction.samples import row

GROUPS = ["", "B", "b", "B1", "B 1", "Ä", "ä", "中", "\U0001d539", "~"]
Fields = dict[str, Any]
_numbers = count(1)


def elements_of(rows: Iterable[NewDetail], invoiced: set[str]) -> list[Fields]:
    """The reference: the elements that rows come to, in order."""
    grouped: dict[tuple[bytes, bytes, bool, bool], list[NewDetail]] = defaultdict(list)
    for new in rows:
        amount = new.debit or new.credit
        assert amount is not None
        key = (new.bulking_group.encode(), amount[0].encode(), new.reversal, new.external_id in invoiced)
        grouped[key].append(new)
    return [_element(key, members) for key, members in sorted(grouped.items())]


def _element(key: tuple[bytes, bytes, bool, bool], members: list[NewDetail]) -> Fields:
    group, currency, reversal, invoiced = key
    code = currency.decode()
    fields: Fields = {
        "bulkingGroupGLFile": group.decode(),
        "reversal": reversal,
        "invoiced": invoiced,
        "currencyCode": code,
        "amountDebit": decimal_text(sum(minor_of(m.debit) for m in members if m.debit), code),
        "amountCredit": decimal_text(sum(minor_of(m.credit) for m in members if m.credit), code),
        "description": _agreed(members, lambda m: m.description),
        "subject": _agreed(members, lambda m: m.subject) if len({m.subject_type for m in members}) == 1 else "",
        "distributionAccount": _agreed(members, lambda m: m.distribution_account),
        "ledgerId": _agreed(members, lambda m: m.ledger_code),
        "accountingDate": _agreed(members, lambda m: _iso(m.accounting_date)),
        "transactionDate": _agreed(members, lambda m: _iso(m.transaction_date or m.accounting_date)),
        "accountingPeriod": _agreed(members, lambda m: "2026-0" + str((m.accounting_date or (0, 0, 0))[1])),
        "category": _agreed(members, lambda m: m.category),
        "source": _agreed(members, lambda m: m.source),
    }
    for n in range(SEGMENTS):
        fields[f"glSegment{n + 1}"] = _agreed(members, partial(_nth, "gl_segments", n))
    for n in range(ATTRIBUTES):
        fields[f"attribute{n + 1}"] = _agreed(members, partial(_nth, "attributes", n))
    return {name: value for name, value in fields.items() if value != ""}


def _agreed(members: list[NewDetail], value: Callable[[NewDetail], str]) -> str:
    values = {value(member) for member in members}
    return values.pop() if len(values) == 1 else ""


def _nth(field: str, n: int, member: NewDetail) -> str:
    values: tuple[str, ...] = getattr(member, field)
    return values[n] if n < len(values) else ""


def _iso(day: tuple[int, int, int] | None) -> str:
    assert day is not None
    return iso_day(day[0] * 10_000 + day[1] * 100 + day[2])


def new_row(**changes: Any) -> NewDetail:
    return row(next(_numbers), **changes)


AMOUNTS = st.one_of(
    st.tuples(st.just("USD"), st.integers(1, 9), st.integers(0, 99).map(lambda c: c * 10_000_000)),
    st.tuples(st.just("JPY"), st.integers(1, 10**15), st.just(0)),
    st.tuples(st.just("KWD"), st.just(0), st.integers(1, 999).map(lambda f: f * 1_000_000)),
)
ROWS = st.builds(
    lambda amount, debits, **fields: new_row(
        debit=amount if debits else None, credit=None if debits else amount, **fields
    ),
    amount=AMOUNTS,
    debits=st.booleans(),
    bulking_group=st.sampled_from(GROUPS),
    reversal=st.booleans(),
    subject_type=st.sampled_from(["", "POLICY", "CLAIM"]),
    subject=st.sampled_from(["", "P-1", "P-2"]),
    description=st.sampled_from(["", 'a "quoted" \\ line\n', "é"]),
    distribution_account=st.sampled_from(["4000", "4001"]),
    accounting_date=st.sampled_from([(2026, 4, 30), (2026, 5, 1)]),
    transaction_date=st.sampled_from([None, (2026, 5, 1)]),
    category=st.sampled_from(["", "PREMIUM"]),
    source=st.sampled_from(["erp", "crm"]),
    gl_segments=st.sampled_from([(), ("100",), ("", "", "30"), ("100",) + ("",) * 28 + ("x",)]),
    attributes=st.sampled_from([(), ("a",), ("b",), ("",) * 29 + ("z",)]),
)


@pytest.mark.rule("GLX-16", "GLX-17", "GLX-18")
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(ROWS, min_size=1, max_size=40),
    invoiced_share=st.integers(1, 4),
    chunk=st.integers(1, 12),
    limits=st.builds(Limits, st.integers(1, 5), st.integers(1, 3), st.integers(300, 5_000)),
)
def test_sql_adds_up_as_python_does(
    desk: Desk, rows: list[NewDetail], invoiced_share: int, chunk: int, limits: Limits
) -> None:
    """Any details, cut into any ranges, messages and files: the elements and their order are those of the reference."""
    desk.sizes, desk.limits = ChunkSizes(chunk, chunk), limits
    ids = desk.take_in(rows)
    invoiced = {new.external_id for new in rows[::invoiced_share]}
    example.invoice(desk, *(i for new, i in zip(rows, ids, strict=True) if new.external_id in invoiced))
    done = desk.run()
    assert desk.elements(done) == elements_of(rows, invoiced)
    messages = desk.messages(done)
    assert all(len(message["accountingDetails"]) == limits.elements_per_message for message in messages[:-1])
    assert all(len(document["messages"]) <= limits.messages_per_file for document in desk.written(done)[:-1])
    first = done.result["first_message_id"]
    assert [message["id"] for message in messages] == list(range(first, first + len(messages)))


@pytest.mark.rule("GLX-18", "GLX-23")
def test_the_size_of_steps_changes_nothing(desk: Desk) -> None:
    """Ranges of one detail or of all: the same elements."""
    rows = [new_row(bulking_group=f"B{n % 7}", subject=f"P-{n % 3}", gl_segments=(f"{n % 2}",)) for n in range(200)]
    desk.take_in(rows)
    wanted = elements_of(rows, set())
    for size in (3, 50, 1_000):
        desk.sizes = ChunkSizes(size, size)
        done = desk.run(incremental=False)
        assert desk.elements(done) == wanted
        assert done.counts["selected"] == 200


@pytest.mark.rule("GLX-16")
def test_what_adding_up_empties_is_told_by_bulking_group(desk: Desk) -> None:
    """Where accounts, dates or periods disagree, a notice names the groups; agreement and other fields are not told."""
    desk.take_in(
        [
            new_row(bulking_group="B1", distribution_account="4000", subject="P-1"),
            new_row(bulking_group="B1", distribution_account="4001", subject="P-2"),
            new_row(bulking_group="", accounting_date=(2026, 4, 30)),
            new_row(bulking_group="", accounting_date=(2026, 5, 1)),
            new_row(bulking_group="B3", subject="P-1"),
            new_row(bulking_group="B3", subject="P-2"),
        ]
    )
    preview = desk.preview()
    done = desk.run()
    told = {notice.element: notice.message for notice in done.notices if notice.code == "EXTRACTION_FIELD_EMPTIED"}
    assert set(told) == {"distributionAccount", "accountingDate", "accountingPeriod"}
    assert "B1" in told["distributionAccount"]
    assert "B3" not in " ".join(told.values())
    assert "(none)" in told["accountingDate"]
    assert set(preview.notices) == {n for n in done.notices if n.code == "EXTRACTION_FIELD_EMPTIED"}
    manifest = desk.written(done)[-1]
    assert [group.get("emptied") for group in manifest["bulkingGroups"]] == [
        ["accountingDate", "accountingPeriod"],
        ["distributionAccount"],
        None,
    ]


@pytest.mark.rule("GLX-16")
def test_many_emptied_groups_are_counted_in_the_notice_and_named_in_the_manifest(desk: Desk) -> None:
    """The notice stays readable; nothing is left unnamed."""
    names = [f"B{n:02}" for n in range(25)]
    desk.take_in(new_row(bulking_group=name, distribution_account=f"{n}") for name in names for n in range(2))
    done = desk.run()
    (notice,) = (notice for notice in done.notices if notice.code == "EXTRACTION_FIELD_EMPTIED")
    assert "in 25 elements" in notice.message
    assert notice.message.endswith("and 5 more, which the manifest names")
    groups = desk.written(done)[-1]["bulkingGroups"]
    assert [group["bulkingGroupGLFile"] for group in groups if "emptied" in group] == names


@pytest.mark.rule("GLX-16", "PLT-03")
def test_details_of_many_buckets_and_no_group_make_one_element(desk: Desk) -> None:
    """An empty bulking group is a key of its own; debits and credits are summed apart, never netted."""
    desk.take_in(new_row(bulking_group="", debit=("USD", 1, 0)) for _ in range(30))
    desk.take_in(new_row(bulking_group="", debit=None, credit=("USD", 2, 0)) for _ in range(30))
    (element,) = desk.elements(desk.run(Request(origin="F")))
    assert (element["amountDebit"], element["amountCredit"]) == ("30.00", "60.00")
    assert "bulkingGroupGLFile" not in element
