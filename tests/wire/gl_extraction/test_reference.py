"""Reference data over the wire: ledgers, group accounts, accounting periods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from google.rpc import error_details_pb2
from google.type.date_pb2 import Date

from countinghouse.gl_extraction.v1 import reference_pb2 as pb
from countinghouse.operations.v1 import audit_pb2, audit_pb2_grpc
from tests.support.server import Served, refusal
from tests.wire.gl_extraction.conftest import NOW_US
from tests.wire.gl_extraction.samples import Gl, day, messages, row

FY = "ledgers/MAIN/accountingPeriods/FY"


def create_period(gl: Gl, code: str, first: Date, last: Date, parent: str = "ledgers/MAIN") -> pb.AccountingPeriod:
    period = pb.AccountingPeriod(code=code, start_date=first, end_date=last)
    return gl.CreateAccountingPeriod(pb.CreateAccountingPeriodRequest(parent=parent, accounting_period=period))


def close(gl: Gl, name: str = FY, **options: Any) -> pb.AccountingPeriod:
    return gl.CloseAccountingPeriod(pb.CloseAccountingPeriodRequest(name=name, **options))


def reopen(gl: Gl, name: str = FY, **options: Any) -> pb.AccountingPeriod:
    return gl.ReopenAccountingPeriod(pb.ReopenAccountingPeriodRequest(name=name, reason="late", **options))


@pytest.mark.rule("GLX-04", "PLT-06", "PLT-10")
def test_ledgers_are_created_read_listed_and_changed(books: Gl) -> None:
    """A ledger lives under its code; an update carries the etag last seen, and a stale one is ABORTED."""
    new = pb.CreateLedgerRequest(ledger=pb.Ledger(code="SIDE", description="Other books"), request_id="c-1")
    made = books.CreateLedger(new)
    assert (made.name, made.description, made.create_time.ToMicroseconds()) == ("ledgers/SIDE", "Other books", NOW_US)
    assert books.CreateLedger(new) == made == books.GetLedger(pb.GetLedgerRequest(name="ledgers/SIDE"))
    assert [ledger.code for ledger in books.ListLedgers(pb.ListLedgersRequest()).ledgers] == ["MAIN", "SIDE"]
    changed = books.UpdateLedger(
        pb.UpdateLedgerRequest(ledger=pb.Ledger(name="ledgers/SIDE", description="New", etag=made.etag))
    )
    assert (changed.description, changed.etag != made.etag) == ("New", True)
    stale = refusal(lambda: books.UpdateLedger(pb.UpdateLedgerRequest(ledger=made)))
    assert (stale.code, stale.reason) == (grpc.StatusCode.ABORTED, "ETAG_STALE")
    bare = refusal(lambda: books.UpdateLedger(pb.UpdateLedgerRequest(ledger=pb.Ledger(code="SIDE"))))
    assert bare.violations == [("ledger.etag", "ETAG_REQUIRED")]
    taken = refusal(lambda: books.CreateLedger(pb.CreateLedgerRequest(ledger=pb.Ledger(code="SIDE"))))
    assert (taken.code, taken.reason) == (grpc.StatusCode.ALREADY_EXISTS, "CODE_TAKEN")
    assert taken.detail(error_details_pb2.ResourceInfo).resource_name == "ledgers/SIDE"
    unknown = refusal(lambda: books.GetLedger(pb.GetLedgerRequest(name="ledgers/NONE")))
    assert unknown.code == grpc.StatusCode.NOT_FOUND


@pytest.mark.rule("GLX-04", "PLT-06", "PLT-10")
def test_group_accounts_are_created_read_listed_and_changed(books: Gl) -> None:
    """A group account lives under its code, as a ledger does; with validate_only nothing is stored."""
    rehearsed = pb.CreateGroupAccountRequest(group_account=pb.GroupAccount(code="GA2"), validate_only=True)
    get = pb.GetGroupAccountRequest(name="groupAccounts/GA2")
    assert books.CreateGroupAccount(rehearsed).name == "groupAccounts/GA2"
    assert refusal(lambda: books.GetGroupAccount(get)).code == grpc.StatusCode.NOT_FOUND
    made = books.CreateGroupAccount(pb.CreateGroupAccountRequest(group_account=pb.GroupAccount(code="GA2")))
    assert books.GetGroupAccount(get) == made
    made.description = "Fees"
    update = pb.UpdateGroupAccountRequest(group_account=made, request_id="u")
    changed = books.UpdateGroupAccount(update)
    assert changed.description == "Fees"
    assert books.UpdateGroupAccount(update) == changed
    update.request_id = "v"
    assert refusal(lambda: books.UpdateGroupAccount(update)).reason == "ETAG_STALE"
    first = books.ListGroupAccounts(pb.ListGroupAccountsRequest(page_size=1))
    rest = books.ListGroupAccounts(pb.ListGroupAccountsRequest(page_token=first.next_page_token))
    assert [found.code for found in (*first.group_accounts, *rest.group_accounts)] == ["GA1", "GA2"]
    assert rest.next_page_token == ""


@pytest.mark.rule("GLX-04", "PLT-07", "PLT-09")
def test_an_update_goes_by_the_name_and_its_mask(books: Gl) -> None:
    """What an update must carry follows its mask (AIP-134): the name, the etag, and what is to change."""
    made = books.CreateLedger(pb.CreateLedgerRequest(ledger=pb.Ledger(code="SIDE", description="Old")))

    def update(*paths: str, **given: str) -> pb.Ledger:
        etag = books.GetLedger(pb.GetLedgerRequest(name=made.name)).etag
        request = pb.UpdateLedgerRequest(ledger=ParseDict({"name": made.name, "etag": etag, **given}, pb.Ledger()))
        request.update_mask.paths.extend(paths)
        return books.UpdateLedger(request)

    assert update("description", description="New").description == "New"
    assert update(description="Newer").description == "Newer"
    assert update().description == "Newer", "an empty field without a mask is not asked for"
    assert update("etag", "name", "update_time", description="x").description == "Newer"
    assert update("description", code="SIDE").description == ""
    assert update("*", description="All").description == "All"
    assert update(name="", code="SIDE", description="By code").description == "By code"
    for given, violations in (
        ({"name": ""}, [("ledger.name", "FIELD_REQUIRED")]),
        ({"code": "MAIN"}, [("ledger.code", "FIELD_IMMUTABLE")]),
        ({"name": "groupAccounts/SIDE"}, [("ledger.name", "FIELD_MALFORMED")]),
        ({"name": "ledgers/"}, [("ledger.name", "FIELD_REQUIRED")]),
        ({"name": "ledgers/a b"}, [("ledger.name", "FIELD_MALFORMED")]),
    ):
        assert refusal(lambda given=given: update("description", **given)).violations == violations  # type: ignore[misc]
    bad = refusal(lambda: update("descriptoin", "owner", description="x"))
    assert bad.violations == [("update_mask", "UPDATE_MASK_INVALID")] * 2
    assert refusal(lambda: update(name="ledgers/NONE", description="x")).code == grpc.StatusCode.NOT_FOUND
    nameless = refusal(lambda: books.CreateLedger(pb.CreateLedgerRequest(ledger=pb.Ledger(description="x"))))
    assert nameless.violations == [("ledger", "CODE_REQUIRED")]


@pytest.mark.rule("GLX-04", "PLT-07")
def test_periods_tile_over_the_wire(books: Gl) -> None:
    """A period that would overlap or leave a gap is FAILED_PRECONDITION; impossible dates are told together."""
    made = create_period(books, "FY27", day("2027-01-01"), day("2027-12-31"))
    assert (made.name, made.state) == ("ledgers/MAIN/accountingPeriods/FY27", pb.ACCOUNTING_PERIOD_STATE_OPEN)
    assert books.GetAccountingPeriod(pb.GetAccountingPeriodRequest(name=made.name)) == made

    def reason(call: Callable[[], object]) -> tuple[str, str]:
        refused = refusal(call)
        return refused.code.name, refused.reason

    last = day("2029-12-31")
    failed = "FAILED_PRECONDITION"
    assert reason(lambda: create_period(books, "X", day("2027-12-31"), last)) == (failed, "PERIOD_OVERLAPS")
    assert reason(lambda: create_period(books, "X", day("2028-01-02"), last)) == (failed, "PERIOD_LEAVES_GAP")
    assert reason(lambda: create_period(books, "FY27", day("2028-01-01"), last)) == (
        "ALREADY_EXISTS",
        "PERIOD_CODE_TAKEN",
    )
    assert reason(lambda: create_period(books, "X", last, day("2028-01-01"))) == (
        "INVALID_ARGUMENT",
        "PERIOD_ENDS_BEFORE_IT_STARTS",
    )
    assert reason(lambda: create_period(books, "X", last, last, "ledgers/NONE"))[0] == "NOT_FOUND"
    both = refusal(lambda: create_period(books, "X", Date(year=2026, month=2, day=30), Date(year=2026)))
    assert both.violations == [
        ("accounting_period.start_date", "DATE_INVALID"),
        ("accounting_period.end_date", "DATE_INVALID"),
    ]
    listed = books.ListAccountingPeriods(pb.ListAccountingPeriodsRequest(parent="ledgers/MAIN", page_size=1))
    rest = books.ListAccountingPeriods(
        pb.ListAccountingPeriodsRequest(parent="ledgers/MAIN", page_token=listed.next_page_token)
    )
    assert [found.code for found in (*listed.accounting_periods, *rest.accounting_periods)] == ["FY", "FY27"]


@pytest.mark.rule("GLX-04", "PLT-10", "PLT-11")
def test_a_period_closes_and_opens_over_the_wire(served: Served, books: Gl) -> None:
    """Closing is refused while details wait, with their count; forced with a reason it closes; reopened it is open."""
    books.IngestAccountingDetails(messages([row(n) for n in range(3)]))
    waiting = refusal(lambda: close(books))
    assert (waiting.code, waiting.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "PERIOD_NOT_EXTRACTED")
    assert waiting.metadata["unextracted_count"] == "3"
    assert refusal(lambda: close(books, force=True)).violations == [("reason", "FORCE_NEEDS_REASON")]
    assert refusal(lambda: close(books, etag="9")).code == grpc.StatusCode.ABORTED
    shut = close(books, force=True, reason="year end", request_id="x")
    assert shut.state == pb.ACCOUNTING_PERIOD_STATE_CLOSED
    assert close(books, force=True, reason="year end", request_id="x") == shut
    twice = refusal(lambda: close(books, force=True, reason="year end"))
    assert (twice.code, twice.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "PERIOD_STATE")
    assert (twice.metadata["state"], twice.metadata["wanted"]) == ("CLOSED", "CLOSED")
    late = books.IngestAccountingDetails(messages([row(9)]))
    assert [found.reason for found in late.refused_rows[0].violations] == ["PERIOD_CLOSED"]
    assert reopen(books, etag=shut.etag).state == pb.ACCOUNTING_PERIOD_STATE_OPEN
    assert refusal(lambda: reopen(books)).reason == "PERIOD_STATE"
    assert refusal(lambda: reopen(books, "ledgers/MAIN/accountingPeriods/NONE")).code == grpc.StatusCode.NOT_FOUND
    trail = served.stub(audit_pb2_grpc.AuditServiceStub)
    entries = trail.ListAuditEntries(audit_pb2.ListAuditEntriesRequest(resource=FY)).audit_entries
    assert [entry.type for entry in entries] == [
        "accounting_period.reopened",
        "accounting_period.closed",
        "accounting_period.created",
    ]
    changes = MessageToDict(entries[1].changes)
    assert (changes["from"], changes["to"], changes["reason"]) == ({"state": "OPEN"}, {"state": "CLOSED"}, "year end")
