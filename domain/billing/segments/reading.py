"""Bills, their segments and what is wrong with them, as they are kept. What lies outside a scope is not there."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from domain.billing.accounts import service as accounts
from domain.billing.segments.errors import BillNotFound, ExceptionNotFound, SegmentNotFound
from domain.billing.segments.explaining import Explained, explained
from domain.billing.segments.model import Bill, BillingException, Segment
from domain.billing.segments.store import bills, exceptions, segments
from domain.billing.segments.store.bills import BillFilter, Sum
from domain.billing.segments.store.exceptions import ExceptionFilter
from domain.billing.segments.store.segments import SegmentFilter
from domain.kernel.paging import Page
from domain.kernel.scopes import Scope


def get_bill(tx: Connection, account_id: str, bill_id: str, scope: Scope) -> tuple[Bill, Sum]:
    """The bill, with what its segments come to. Raises: BillNotFound."""
    found = bills.find(tx, account_id, bill_id, scope.names("cycles"))
    if found is None:
        raise BillNotFound(account_id, bill_id)
    return found, bills.sums(tx, [(account_id, bill_id)]).get((account_id, bill_id), Sum())


def list_bills(tx: Connection, wanted: BillFilter, page: Page, scope: Scope) -> list[tuple[Bill, Sum]]:
    """One bill more than the page holds, if there is one; the key is account and bill.

    Raises: AccountNotFound for an account that is named.
    """
    if wanted.account_id:
        accounts.get_account(tx, wanted.account_id, scope)
    seen = replace(wanted, cycles=scope.names("cycles"))
    found = bills.page(tx, seen, after=page.after or (), limit=page.size + 1)
    sums = bills.sums(tx, [(each.account_id, each.bill_id) for each in found])
    return [(each, sums.get((each.account_id, each.bill_id), Sum())) for each in found]


def get_segment(tx: Connection, account_id: str, segment_id: str, scope: Scope) -> Segment:
    """The segment. Raises: SegmentNotFound."""
    found = segments.find(tx, account_id, segment_id, scope.names("cycles"))
    if found is None:
        raise SegmentNotFound(account_id, segment_id)
    return found


def list_segments(tx: Connection, wanted: SegmentFilter, page: Page, scope: Scope) -> list[Segment]:
    """One segment more than the page holds, if there is one; the key is bill, position, first day and segment.

    Raises: AccountNotFound.
    """
    accounts.get_account(tx, wanted.account_id, scope)
    return segments.page(tx, wanted, after=page.after or (), limit=page.size + 1)


def explain(tx: Connection, account_id: str, segment_id: str, scope: Scope) -> Explained:
    """All that there is to tell of a segment. Cost: three statements. Raises: SegmentNotFound."""
    segment = get_segment(tx, account_id, segment_id, scope)
    bill = bills.find(tx, account_id, segment.bill_id)
    assert bill is not None, "a segment is on a bill"
    beside = segments.of_bills(tx, [(account_id, segment.bill_id)])[account_id]
    (found,) = explained(bill, beside, [segment])
    return found


def get_exception(tx: Connection, account_id: str, exception_id: str, scope: Scope) -> BillingException:
    """The exception. Raises: ExceptionNotFound."""
    found = exceptions.find(tx, account_id, exception_id, scope.names("cycles"))
    if found is None:
        raise ExceptionNotFound(account_id, exception_id)
    return found


def list_exceptions(tx: Connection, wanted: ExceptionFilter, page: Page, scope: Scope) -> list[BillingException]:
    """One exception more than the page holds, if there is one, the oldest first; the key is exception and account.

    Raises: AccountNotFound for an account that is named.
    """
    if wanted.account_id:
        accounts.get_account(tx, wanted.account_id, scope)
    seen = replace(wanted, cycles=scope.names("cycles"))
    return exceptions.page(tx, seen, after=page.after or (), limit=page.size + 1)
