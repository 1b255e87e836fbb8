"""Accounting details over the wire: batch create, get, list, undo, reverse."""

from __future__ import annotations

import grpc
import pytest
from google.rpc import error_details_pb2
from google.type.date_pb2 import Date
from google.type.money_pb2 import Money

from countinghouse.gl_extraction.v1 import accounting_details_pb2 as pb
from countinghouse.gl_extraction.v1 import reference_pb2
from tests.support.server import refusal
from tests.wire.gl_extraction.conftest import NOW_US
from tests.wire.gl_extraction.samples import Gl, day, listed, row, usd


def created(gl: Gl, *rows: pb.AccountingDetail, **options: object) -> list[pb.AccountingDetail]:
    request = pb.BatchCreateAccountingDetailsRequest(accounting_details=rows, **options)  # type: ignore[arg-type]
    return list(gl.BatchCreateAccountingDetails(request).accounting_details)


def undo(gl: Gl, subject: str = "P-1", **options: object) -> pb.UndoAccountingDetailsResponse:
    wanted = pb.UndoSubject(subject_type=pb.SUBJECT_TYPE_POLICY, subject=subject)
    request = pb.UndoAccountingDetailsRequest(subject=wanted, reason="wrong", **options)  # type: ignore[arg-type]
    return gl.UndoAccountingDetails(request)


def reverse(gl: Gl, *names: str, **options: object) -> list[pb.AccountingDetail]:
    request = pb.ReverseAccountingDetailsRequest(names=names, reason="wrong", **options)  # type: ignore[arg-type]
    return list(gl.ReverseAccountingDetails(request).accounting_details)


@pytest.mark.rule("GLX-01", "PLT-01", "PLT-05")
def test_a_detail_comes_back_as_it_was_handed_in(books: Gl) -> None:
    """What was handed in is there to get, with what the server adds: name, period, transaction date, maker, time."""
    new = row(
        1,
        description="Prämie",
        reversal=True,
        grouping="TS-1",
        distribution_account="4000",
        category="PREMIUM",
        attributes=["", "b"],
        debit=None,
        credit=Money(currency_code="KWD", units=1, nanos=1_000_000),
    )
    (detail,) = created(books, new)
    expected = pb.AccountingDetail()
    expected.CopyFrom(new)
    expected.name = detail.name
    expected.accounting_period_code = "FY"
    expected.transaction_date.CopyFrom(new.accounting_date)
    expected.maker = pb.MAKER_INGEST
    expected.create_time.FromMicroseconds(NOW_US)
    assert detail == expected
    assert books.GetAccountingDetail(pb.GetAccountingDetailRequest(name=detail.name)) == expected
    assert listed(books) == [expected]


@pytest.mark.rule("GLX-02", "PLT-07")
def test_a_batch_is_refused_with_every_violation_of_every_row(books: Gl) -> None:
    """One INVALID_ARGUMENT has all violations by path, the first as its reason; nothing is stored."""
    refused = refusal(lambda: created(books, row(1), row(2, debit=None, source=""), row(3, debit=usd(1, 1))))
    assert refused.code == grpc.StatusCode.INVALID_ARGUMENT
    assert refused.reason == "FIELD_REQUIRED"
    assert refused.violations == [
        ("accounting_details[1].source", "FIELD_REQUIRED"),
        ("accounting_details[1].debit", "AMOUNT_MISSING"),
        ("accounting_details[2].debit", "AMOUNT_FINER_THAN_MINOR_UNIT"),
    ]
    assert listed(books) == []


@pytest.mark.rule("PLT-06")
def test_a_batch_is_created_once_for_its_request_id(books: Gl) -> None:
    """The same request again gives the first answer, even after its details were voided; other content is refused."""
    first = created(books, row(1), request_id="r-1")
    undo(books)
    assert created(books, row(1), request_id="r-1") == first
    assert len(listed(books)) == 1
    refused = refusal(lambda: created(books, row(2), request_id="r-1"))
    assert (refused.code, refused.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


@pytest.mark.rule("PLT-06")
def test_a_rehearsal_answers_and_stores_nothing(books: Gl) -> None:
    """With validate_only each call answers, or refuses, as it would, and remembers nothing."""
    assert created(books, row(1), validate_only=True, request_id="r-1")[0].external_id == "line-1"
    assert refusal(lambda: created(books, row(1, debit=None), validate_only=True)).reason == "AMOUNT_MISSING"
    (detail,) = created(books, row(1), request_id="r-1")
    assert undo(books, validate_only=True).voided_count == 1
    assert reverse(books, detail.name, validate_only=True)[0].credit == usd(100)
    assert listed(books) == [detail]


@pytest.mark.rule("PLT-08")
def test_page_tokens_are_good_for_their_list_alone(books: Gl) -> None:
    """A token of another filter or order, or one that was changed, is refused; another page size is fine."""
    created(books, *(row(n) for n in range(5)))
    first = books.ListAccountingDetails(pb.ListAccountingDetailsRequest(page_size=2))
    token = first.next_page_token

    def page(**changes: object) -> pb.ListAccountingDetailsResponse:
        request = {"page_token": token, "page_size": 3, **changes}
        return books.ListAccountingDetails(pb.ListAccountingDetailsRequest(**request))  # type: ignore[arg-type]

    rest = page()
    names = [detail.external_id for detail in [*first.accounting_details, *rest.accounting_details]]
    assert (names, rest.next_page_token) == ([f"line-{n}" for n in range(5)], "")
    for changes in (
        {"order_by": "create_time desc"},
        {"filter": pb.AccountingDetailFilter(subject="P-1")},
        {"page_token": token[:-2] + ("AA" if token[-2:] != "AA" else "BB")},
        {"page_token": "x"},
        {"page_token": "é"},
    ):
        refused = refusal(lambda changes=changes: page(**changes))  # type: ignore[misc]
        assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")


@pytest.mark.rule("PLT-08", "PLT-07")
def test_a_list_refuses_what_it_does_not_know(books: Gl) -> None:
    """Unknown orders, dates that are none, and an external id without its source are told by field."""

    def reason(**request: object) -> tuple[str, list[tuple[str, str]]]:
        refused = refusal(lambda: books.ListAccountingDetails(pb.ListAccountingDetailsRequest(**request)))  # type: ignore[arg-type]
        return refused.code.name, refused.violations

    invalid = "INVALID_ARGUMENT"
    assert reason(order_by="amount")[0] == reason(page_size=1_001)[0] == reason(page_size=-1)[0] == invalid
    bad_day = Date(year=2026, month=2, day=30)
    both = pb.AccountingDetailFilter(accounting_date_from=bad_day, accounting_date_to=Date(year=2026))
    assert reason(filter=both) == (
        invalid,
        [("filter.accounting_date_from", "DATE_INVALID"), ("filter.accounting_date_to", "DATE_INVALID")],
    )
    assert reason(filter=pb.AccountingDetailFilter(external_id="x")) == (
        invalid,
        [("filter.source", "SOURCE_REQUIRED")],
    )
    nul = pb.AccountingDetailFilter(subject="\0")
    assert reason(filter=nul) == (invalid, [("filter.subject", "CHARACTER_REFUSED")])


@pytest.mark.rule("GLX-01", "PLT-08")
def test_a_list_is_filtered_and_ordered(books: Gl) -> None:
    """Filters and orders of the contract reach the details."""
    created(
        books,
        row(1, accounting_date=day("2026-03-03")),
        row(2, bulking_group="", accounting_date=day("2026-02-02")),
        row(3, subject_type=pb.SUBJECT_TYPE_CLAIM, reversal=True, accounting_date=day("2026-01-01")),
    )

    def names(**request: object) -> str:
        found = listed(books, **request)  # type: ignore[arg-type]
        return "".join(detail.external_id.removeprefix("line-") for detail in found)

    assert names(order_by="accounting_date") == "321"
    assert names(order_by="create_time desc", page_size=1) == "321"
    assert names(bulking_group="") == "2"
    assert names(subject_type=pb.SUBJECT_TYPE_CLAIM) == names(reversal=True) == "3"
    assert names(accounting_date_from=day("2026-02-02"), accounting_date_to=day("2026-03-02")) == "2"
    assert names(extraction_status=pb.EXTRACTION_STATUS_EXTRACTED) == names(void=True) == ""
    assert names(extraction_status=pb.EXTRACTION_STATUS_UNEXTRACTED, invoiced=False, void=False) == "123"
    assert names(extraction_batch="extractionBatches/1") == names(origin=pb.ORIGIN_REGISTRATION) == ""


@pytest.mark.rule("PLT-07", "PLT-05")
def test_an_unknown_detail_is_not_found(books: Gl) -> None:
    """NOT_FOUND names the type and the resource."""
    name = "accountingDetails/0000000000001"
    refused = refusal(lambda: books.GetAccountingDetail(pb.GetAccountingDetailRequest(name=name)))
    assert refused.code == grpc.StatusCode.NOT_FOUND
    resource = refused.detail(error_details_pb2.ResourceInfo)
    assert (resource.resource_type, resource.resource_name) == ("countinghouse.gl_extraction/AccountingDetail", name)


@pytest.mark.rule("GLX-03", "PLT-06")
def test_undo_over_the_wire(books: Gl) -> None:
    """A subject's details are void and shown so; unknown subjects are NOT_FOUND; a registration is undone as well."""
    created(books, row(1), row(2), row(3, subject="P-2", origin=pb.ORIGIN_REGISTRATION, grouping="REG-1"))
    answer = undo(books, request_id="u-1")
    assert (answer.voided_count, answer.stamped_count, list(answer.to_resend)) == (2, 0, [])
    assert undo(books, request_id="u-1") == answer
    assert undo(books).voided_count == 0
    void = listed(books, void=True)
    assert {detail.external_id for detail in void} == {"line-1", "line-2"}
    assert {detail.void_time.ToMicroseconds() for detail in void} == {NOW_US}
    assert refusal(lambda: undo(books, "P-9")).code == grpc.StatusCode.NOT_FOUND
    assert refusal(lambda: undo(books, "\0")).reason == "CHARACTER_REFUSED"
    registration = pb.UndoAccountingDetailsRequest(registration="REG-1", reason="wrong")
    assert books.UndoAccountingDetails(registration).voided_count == 1
    nobody = refusal(lambda: books.UndoAccountingDetails(pb.UndoAccountingDetailsRequest(reason="wrong")))
    assert nobody.code == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.rule("GLX-03", "GLX-04", "PLT-04")
def test_reverse_over_the_wire(books: Gl) -> None:
    """Reversals come in the order of the request, dated today in the business time zone, linked both ways."""
    one, two = created(books, row(1), row(2, debit=None, credit=usd(5)))
    reversals = reverse(books, two.name, one.name, request_id="v-1")
    assert [(found.debit, found.credit) for found in reversals] == [(usd(5), Money()), (Money(), usd(100))]
    assert {(found.reversal, found.accounting_date.day) for found in reversals} == {(True, 29)}, "Tokyo's 29 May"
    assert [found.reverses for found in reversals] == [two.name, one.name]
    shown = books.GetAccountingDetail(pb.GetAccountingDetailRequest(name=one.name))
    assert shown.reversed_by == reversals[1].name
    assert reverse(books, two.name, one.name, request_id="v-1") == reversals
    again = refusal(lambda: reverse(books, one.name))
    assert (again.code, again.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ACCOUNTING_DETAIL_REVERSED")
    failure = again.detail(error_details_pb2.PreconditionFailure).violations[0]
    assert (failure.type, failure.subject) == ("ACCOUNTING_DETAIL_REVERSED", one.name)
    assert refusal(lambda: undo(books)).reason == "UNDO_NOT_ALLOWED"


@pytest.mark.rule("GLX-04", "PLT-07")
def test_a_reversal_needs_an_open_day(books: Gl) -> None:
    """A day without an open period, and one that is none, are refused; the day that was given is taken."""
    (detail,) = created(books, row(1))
    assert refusal(lambda: reverse(books, detail.name, accounting_date=day("2027-01-01"))).reason == "PERIOD_MISSING"
    bad = refusal(lambda: reverse(books, detail.name, accounting_date=Date(year=2026, month=2, day=30)))
    assert bad.violations == [("accounting_date", "DATE_INVALID")]
    close = reference_pb2.CloseAccountingPeriodRequest(
        name="ledgers/MAIN/accountingPeriods/FY", force=True, reason="year end"
    )
    books.CloseAccountingPeriod(close)
    assert refusal(lambda: reverse(books, detail.name, accounting_date=day("2026-06-01"))).reason == "PERIOD_CLOSED"
    assert refusal(lambda: reverse(books, detail.name)).reason == "NO_OPEN_PERIOD"
    assert refusal(lambda: undo(books)).metadata["in_a_closed_period"] == "1"
