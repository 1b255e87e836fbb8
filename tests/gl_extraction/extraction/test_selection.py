"""What may be asked for: every rule, all violations at once."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import combinations
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.gl_extraction.extraction.errors import RequestInvalid
from domain.gl_extraction.extraction.model import Day, Minute, Request
from domain.gl_extraction.extraction.selection import batch_no_of, check
from domain.kernel.errors import Violation
from domain.kernel.time import BusinessZone, instant_us

UTC_ZONE = BusinessZone("UTC")
MAY_1, MAY_2 = Day(2026, 5, 1), Day(2026, 5, 2)
CRITERIA: dict[str, Any] = {
    "created_date_from": MAY_1,
    "created_date_to": MAY_1,
    "origin": "F",
    "grouping": "TS-1",
    "group_account_code": "GA1",
}


def violations(**asked: Any) -> list[Violation]:
    return check(Request(**asked), UTC_ZONE).violations


def reasons(**asked: Any) -> dict[str, str]:
    """Reason by field."""
    return {violation.field: violation.reason for violation in violations(**asked)}


@pytest.mark.rule("GLX-15")
@pytest.mark.parametrize("criterion", [*CRITERIA, "gl_extraction_batch_id"])
def test_any_one_criterion_is_enough(criterion: str) -> None:
    """Date from, date to, origin, grouping, group account, batch id: each alone may be asked for."""
    assert violations(**{criterion: CRITERIA.get(criterion, "17")}) == []


@pytest.mark.rule("GLX-15")
@pytest.mark.parametrize(
    "asked",
    [{}, {"description": "May"}, {"data_file_set_code": "S1"}, {"incremental": True}, {"incremental": False}],
)
def test_no_criterion_is_refused(asked: dict[str, Any]) -> None:
    """Description, data file set and incremental do not count as criteria."""
    (violation,) = violations(**asked)
    assert violation.reason == "FIN-IP-ACDE-001"
    assert "gl_extraction_batch_id" in violation.description


@pytest.mark.rule("GLX-15", "GLX-14")
@pytest.mark.parametrize(
    "criterion",
    [*CRITERIA.items(), ("created_time_from", Minute(1, 0)), ("incremental", True), ("incremental", False)],
)
def test_a_batch_id_stands_alone(criterion: tuple[str, Any]) -> None:
    """With a batch id any other criterion is refused, an explicit incremental of either value included."""
    found = reasons(gl_extraction_batch_id="17", **dict([criterion]))
    assert found["gl_extraction_batch_id"] == "FIN-IP-ACDE-003"


@pytest.mark.rule("GLX-15", "GLX-14")
def test_description_and_set_may_stand_beside_a_batch_id() -> None:
    """They are no criteria."""
    assert violations(gl_extraction_batch_id="17", description="again", data_file_set_code="S1") == []


@pytest.mark.rule("GLX-11", "GLX-15")
@pytest.mark.parametrize(
    ("start", "end", "refused"),
    [
        ((MAY_2, None), (MAY_1, None), True),
        ((MAY_1, Minute(10, 0)), (MAY_1, Minute(9, 59)), True),
        ((MAY_1, Minute(10, 0)), (MAY_1, Minute(10, 0)), False),
        ((MAY_1, Minute(23, 59)), (MAY_1, None), False),
        ((MAY_1, None), (MAY_1, Minute(0, 0)), False),
    ],
)
def test_from_must_not_be_after_to(start: tuple[Any, Any], end: tuple[Any, Any], *, refused: bool) -> None:
    """The same minute at both ends is one minute, not an empty range."""
    found = reasons(
        created_date_from=start[0], created_time_from=start[1], created_date_to=end[0], created_time_to=end[1]
    )
    assert found == ({"created_date_from": "FIN-IP-ACDE-002"} if refused else {})


@pytest.mark.rule("GLX-11")
@pytest.mark.parametrize("end", ["from", "to"])
def test_a_time_without_its_date_is_invalid(end: str) -> None:
    """Whatever else is given."""
    other = "to" if end == "from" else "from"
    found = reasons(**{f"created_time_{end}": Minute(10, 0), f"created_date_{other}": MAY_1})
    assert found == {f"created_time_{end}": "CREATED_TIME_WITHOUT_DATE"}


@pytest.mark.rule("GLX-11")
@pytest.mark.parametrize(
    "at", [Minute(24, 0), Minute(-1, 0), Minute(10, 60), Minute(10, -1), Minute(10, 0, 1), Minute(10, 0, 0, 1)]
)
def test_a_time_is_a_minute_of_the_day(at: Minute) -> None:
    """24:00, seconds and parts of a second are refused, never cut off."""
    found = reasons(created_date_from=MAY_1, created_time_from=at)
    assert found == {"created_time_from": "CREATED_TIME_INVALID"}


@pytest.mark.rule("GLX-11")
@pytest.mark.parametrize(
    "day", [Day(2026, 2, 29), Day(2026, 13, 1), Day(2026, 5, 0), Day(0, 5, 1), Day(0, 0, 0), Day(9999, 12, 31)]
)
def test_a_date_is_a_day_of_the_calendar(day: Day) -> None:
    """A date with a part left out is none."""
    assert reasons(created_date_to=day) == {"created_date_to": "CREATED_DATE_INVALID"}


@pytest.mark.rule("GLX-15")
def test_everything_wrong_is_told_at_once() -> None:
    """A request with six mistakes is answered with six violations."""
    found = violations(
        gl_extraction_batch_id="17",
        created_date_from=MAY_2,
        created_date_to=MAY_1,
        created_time_to=Minute(9, 0, 30),
        grouping="a\x00b",
        data_file_set_code="..",
    )
    assert {violation.reason for violation in found} == {
        "FIN-IP-ACDE-002",
        "FIN-IP-ACDE-003",
        "CREATED_TIME_INVALID",
        "CHARACTER_REFUSED",
        "DATA_FILE_SET_CODE_INVALID",
    }
    found = violations(gl_extraction_batch_id="17", created_date_from=MAY_2, created_date_to=MAY_1)
    assert {violation.reason for violation in found} == {"FIN-IP-ACDE-002", "FIN-IP-ACDE-003"}


@pytest.mark.rule("GLX-15")
def test_each_pair_of_mistakes_gives_both() -> None:
    """No mistake hides another."""
    mistakes: dict[str, dict[str, Any]] = {
        "CREATED_TIME_WITHOUT_DATE": {"created_time_to": Minute(1, 0)},
        "CREATED_DATE_INVALID": {"created_date_from": Day(2026, 2, 30)},
        "DATA_FILE_SET_CODE_INVALID": {"data_file_set_code": "a/b"},
        "CHARACTER_REFUSED": {"description": "\x07"},
    }
    for (one, asked), (other, more) in combinations(mistakes.items(), 2):
        assert {one, other} <= {violation.reason for violation in violations(origin="F", **asked, **more)}


@pytest.mark.rule("PLT-30")
@pytest.mark.parametrize("code", [".", "..", "...", "a/b", "a b", "ä", "x" * 65])
def test_a_set_code_cannot_lead_out_of_a_folder(code: str) -> None:
    """It becomes part of resource names, and of folders that clients make."""
    assert reasons(origin="F", data_file_set_code=code) == {"data_file_set_code": "DATA_FILE_SET_CODE_INVALID"}


@pytest.mark.rule("INV-15", "PLT-30")
def test_the_sets_of_invoice_batches_are_nobody_elses() -> None:
    """A set of somebody's own would keep a batch of that name from being exported."""
    found = reasons(origin="F", data_file_set_code="invoices-april")
    assert found == {"data_file_set_code": "DATA_FILE_SET_CODE_RESERVED"}
    assert not reasons(origin="F", data_file_set_code="my-invoices-april")


@pytest.mark.rule("GLX-11", "PLT-04")
def test_a_day_without_times_is_the_whole_business_day() -> None:
    """From 00:00 to the last microsecond of 23:59, in the business time zone."""
    tokyo = ZoneInfo("Asia/Tokyo")
    selection = check(Request(created_date_from=MAY_1, created_date_to=MAY_1), BusinessZone("Asia/Tokyo")).selection
    assert selection.created_from_us == instant_us(datetime(2026, 5, 1, tzinfo=tokyo))
    assert selection.created_until_us == instant_us(datetime(2026, 5, 2, tzinfo=tokyo)) - 1


@pytest.mark.rule("GLX-11", "PLT-04")
def test_in_a_repeated_hour_from_is_its_first_pass_and_to_its_second() -> None:
    """On the night the clocks go back, 02:30 comes twice: the range takes in both."""
    zone, night = BusinessZone("Europe/Zurich"), Day(2026, 10, 25)
    asked = Request("", night, Minute(2, 30), night, Minute(2, 30))
    selection = check(asked, zone).selection
    assert selection.created_from_us == instant_us(datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
    assert selection.created_until_us == instant_us(datetime(2026, 10, 25, 1, 31, tzinfo=UTC)) - 1


@pytest.mark.rule("GLX-13", "GLX-14")
def test_incremental_is_the_default() -> None:
    """Only an explicit false takes what carries a stamp."""
    assert [
        check(Request(origin="F", incremental=given), UTC_ZONE).selection.restamping for given in (None, True, False)
    ] == [False, False, True]


@pytest.mark.rule("GLX-14")
@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("17", 17),
        ("extractionBatches/17", 17),
        ("17x", None),
        ("extractionBatches/", None),
        ("-1", None),
        ("1" * 19, None),
        ("\u0661\u0667", None),
    ],
)
def test_a_batch_is_named_by_its_number_or_its_resource_name(text: str, number: int | None) -> None:
    """Anything else names no batch."""
    assert batch_no_of(text) == number


@pytest.mark.rule("PLT-07")
def test_the_first_code_is_the_reason_of_the_whole() -> None:
    """And the answer says how grave it is."""
    error = RequestInvalid(violations())
    assert (error.code, error.details["severity"]) == ("FIN-IP-ACDE-001", "FATAL")
