"""The money path of accounting: two details of each executed operation, as their distribution codes mean it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy import event as sqlalchemy_event

from domain.accounting.performing.model import Kind, Operation, Side
from domain.accounting.performing.states import OperationState
from domain.flows.accounting import Posting, ledgers_differ
from domain.flows.codes import DistributionCodeUnknown
from domain.flows.post import AlreadyPosted
from domain.gl_extraction.details.errors import NoOpenPeriod, PeriodMissing
from domain.gl_extraction.details.model import Detail, Maker, Origin
from domain.gl_extraction.details.store import read
from domain.gl_extraction.distribution import service as codes
from domain.gl_extraction.distribution.model import Distribution
from domain.gl_extraction.periods import service as periods
from domain.gl_extraction.periods.model import NewPeriod
from domain.gl_extraction.reference import service as registers
from domain.gl_extraction.reference.model import LEDGERS
from domain.kernel import events
from domain.kernel.events import AuditFilter
from domain.kernel.money import Money
from domain.kernel.scopes import Scope
from server.database.transaction import Database
from tests.gl_extraction.samples import CALL, audit, ids_of, open_books, stored
from tests.gl_extraction.samples import row as detail_row

POSTING = Posting()
LOSS = Distribution(
    "MAIN",
    description="Losses",
    group_account_code="GA1",
    distribution_account="6100",
    bulking_group="CLAIMS",
    category="LOSS",
    gl_segments=("100", "", "30"),
    attributes=("", "north"),
)
HOLDER = Distribution("MAIN", distribution_account="2100")
CREDIT = Operation(
    claim_id="c1",
    operation_id="op1",
    dispute_id="d1",
    client_code="ACME",
    kind=Kind.RULE,
    state=OperationState.EXECUTED,
    workflow_point="PROVISIONAL_CREDIT",
    step_key="1",
    rule_code="PC-1",
    rule_version=1,
    debit=Side("LOSS", "6100-1", "LOSS"),
    credit=Side("ACCOUNT_HOLDER", "2100-7", "HOLDER"),
    amount=Money(10_050, "USD"),
    entry_reason="Provisional credit",
    note="",
    tracking_only=False,
    accounting_day=20260515,
    transaction_day=20260512,
    reverses_id="",
    reversed_by_id="",
    settles_id="",
    performed_us=CALL.now_us,
    performed_by="erin",
)
NARROW = replace(CALL, scope=Scope(frozenset(), frozenset({"ACME"}), frozenset()))
"""A call of somebody who sees one client, and no ledger."""


@pytest.fixture
def books(database: Database) -> Database:
    """A database with a ledger of three open months, another of one, and their distribution codes."""

    def write(tx: Connection) -> None:
        open_books(tx)
        registers.create(tx, CALL, LEDGERS, code="SIDE", description="")
        periods.create(tx, CALL, NewPeriod("SIDE", "2026-05", 20260501, 20260531))
        for code, distribution in (("LOSS", LOSS), ("HOLDER", HOLDER), ("OTHER", Distribution("SIDE"))):
            codes.create(tx, CALL, code, distribution)

    database.write(write)
    return database


def posted(books: Database, *operations: Operation) -> list[Detail]:
    """The details that were made of the operations, in their order."""
    books.write(lambda tx: POSTING.post(tx, NARROW, operations))
    sides = [
        detail_row(source="accounting", external_id=f"{each.operation_id}/{side}")
        for each in operations
        if each.posts
        for side in "DC"
    ]
    found = books.read(lambda tx: read.by_ids(tx, ids_of(books, sides)))
    by_id = {detail.external_id: detail for detail in found}
    return [by_id[row.external_id] for row in sides]


def close(books: Database, code: str) -> None:
    change = periods.Change("MAIN", code, etag="", reason="done", force=True)
    books.write(lambda tx: periods.close(tx, CALL, change))


@pytest.mark.rule("GLX-01", "GLX-02")
def test_both_sides_carry_what_their_codes_mean(books: Database) -> None:
    """The debit a debit, the credit a positive credit, each traced to its operation, claim and rule."""
    debit, credit = posted(books, CREDIT)
    assert (debit.debit_minor, debit.credit_minor) == (credit.credit_minor, credit.debit_minor) == (10_050, 0)
    for detail in (debit, credit):
        assert (detail.source, detail.maker, detail.origin) == ("accounting", Maker.ACCOUNTING, Origin.FINANCIAL)
        assert (detail.subject_type, detail.subject, detail.grouping) == ("CLAIM", "claims/c1", "op1")
        assert (detail.accounting_date, detail.transaction_date) == (20260515, 20260512)
        assert (detail.description, detail.reversal, detail.ledger_code) == ("Provisional credit", False, "MAIN")
    assert (debit.external_id, debit.distribution_account, debit.group_account_code) == ("op1/D", "6100", "GA1")
    assert (debit.bulking_group, debit.category) == ("CLAIMS", "LOSS")
    assert (debit.gl_segments, debit.attributes) == (("100", "", "30"), ("", "north"))
    assert (credit.external_id, credit.distribution_account, credit.category) == ("op1/C", "2100", "PC-1")


@pytest.mark.rule("GLX-01", "GLX-03")
@pytest.mark.parametrize("kind", [Kind.REVERSAL, Kind.RETURN])
def test_what_takes_back_is_marked_a_reversal(books: Database, kind: Kind) -> None:
    """So that extraction adds it up apart from what it takes back."""
    assert [detail.reversal for detail in posted(books, replace(CREDIT, kind=kind))] == [True, True]


def test_what_moved_elsewhere_makes_no_details(books: Database) -> None:
    """An operation that is only kept track of posts nothing; beside others it is passed over."""
    tracked = replace(CREDIT, operation_id="op0", tracking_only=True)
    assert posted(books, tracked) == []
    assert audit(books, "accounting_details.posted") == []
    assert len(posted(books, tracked, CREDIT)) == 2


@pytest.mark.rule("PLT-11", "PLT-14")
def test_one_entry_of_the_trail_tells_of_a_posting_to_whom_it_concerns(books: Database) -> None:
    """Those who see its clients and its ledgers; the caller, who sees no ledger, posts all the same."""
    posted(books, CREDIT, replace(CREDIT, operation_id="op2", amount=Money(5, "EUR")))
    (told,) = audit(books, "accounting_details.posted")
    assert told.payload["created_count"] == 4
    assert told.payload["created_totals"] == {
        "EUR": {"debit": "0.05", "credit": "0.05"},
        "USD": {"debit": "100.50", "credit": "100.50"},
    }
    wanted = AuditFilter(type="accounting_details.posted")
    for scope, seen in (
        (Scope(frozenset({"MAIN"}), frozenset({"ACME"}), frozenset()), 1),
        (Scope(clients=frozenset({"ACME"})), 1),
        (Scope(clients=frozenset({"OTHER"})), 0),
        (Scope(ledgers=frozenset({"SIDE"})), 0),
    ):
        found = books.read(
            lambda tx, scope=scope: events.list_audit(tx, wanted, before_id="", limit=9, scope=scope)  # type: ignore[misc]
        )
        assert len(found) == seen


@pytest.mark.rule("GLX-02")
def test_an_operation_is_posted_once(books: Database) -> None:
    """Once more, nothing of the whole posting is made."""
    posted(books, CREDIT)
    with pytest.raises(AlreadyPosted, match="op1/D of accounting"):
        posted(books, replace(CREDIT, operation_id="op2"), CREDIT)
    assert len(stored(books, "detail_id")) == 2


@pytest.mark.rule("GLX-04")
def test_a_period_closed_since_lets_the_posting_roll(books: Database) -> None:
    """What could be posted when it was created still can be, on the first day of the next open period."""
    checked = books.write(lambda tx: POSTING.check(tx, {"LOSS", "HOLDER"}, 20260515))
    assert checked == {"LOSS": "MAIN", "HOLDER": "MAIN"}
    close(books, "2026-05")
    assert [detail.accounting_date for detail in posted(books, CREDIT)] == [20260601, 20260601]
    assert books.write(lambda tx: POSTING.check(tx, {"LOSS"}, 20260515)) == {"LOSS": "MAIN"}


@pytest.mark.rule("GLX-04")
def test_what_cannot_be_posted_is_known_beforehand(books: Database) -> None:
    """An unknown code, a day without a period, no open period any more: the check says what the posting would say."""
    close(books, "2026-06")
    close(books, "2026-05")
    for operation, error in (
        (replace(CREDIT, debit=Side("LOSS", "1", "NONE")), DistributionCodeUnknown),
        (replace(CREDIT, accounting_day=20260701), PeriodMissing),
        (CREDIT, NoOpenPeriod),
    ):
        named = {operation.debit.distribution_code, operation.credit.distribution_code}
        with pytest.raises(error) as checked:
            books.write(lambda tx, n=named, o=operation: POSTING.check(tx, n, o.accounting_day))  # type: ignore[misc]
        with pytest.raises(error) as refused:
            posted(books, operation)
        assert refused.value.message == checked.value.message
    assert stored(books, "detail_id") == []


def test_codes_of_two_ledgers_are_told(books: Database) -> None:
    """An operation between them would leave both ledgers out of balance; of codes, those that there are are known."""
    ledgers = books.read(lambda tx: POSTING.ledgers(tx, {"LOSS", "HOLDER", "OTHER", "NONE"}))
    assert ledgers == {"LOSS": "MAIN", "HOLDER": "MAIN", "OTHER": "SIDE"}
    assert ledgers_differ(ledgers, "LOSS", "OTHER")
    assert not ledgers_differ(ledgers, "LOSS", "HOLDER")


@pytest.mark.rule("GLX-02")
def test_a_posting_of_many_costs_the_statements_of_one(books: Database) -> None:
    """Thousands of operations are one set."""
    statements: list[str] = []

    def heard(*told: Any) -> None:
        statements.append(told[2])

    def post(tx: Connection, tag: str, count: int) -> int:
        POSTING.post(tx, CALL, [replace(CREDIT, operation_id=f"{tag}{number}") for number in range(count)])
        statements.clear()
        sqlalchemy_event.listen(tx, "before_cursor_execute", heard)
        POSTING.post(tx, CALL, [replace(CREDIT, operation_id=f"{tag}-{number}") for number in range(count)])
        sqlalchemy_event.remove(tx, "before_cursor_execute", heard)
        return len(statements)

    few = books.write(lambda tx: post(tx, "few", 1))
    many = books.write(lambda tx: post(tx, "many", 2_000))
    assert few <= 11
    assert many <= few + 1, "many rows are copied in, behind a savepoint"
