"""Makes the ledgers, group accounts and periods that a mapping names, where they do not exist."""

from calendar import monthrange
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

from countinghouse.client.errors import AlreadyExists
from countinghouse.client.sync.services import GLExtraction
from countinghouse.gl_extraction.v1 import reference_pb2
from countinghouse.importing.mapping import Ledger, Periods, Reference
from countinghouse.values import date_to_proto


def ensure(gl: GLExtraction, reference: Reference) -> list[str]:
    """Make what is missing; returns the names of what was made. What is there stays as it is.

    Raises:
        CountinghouseError: The server refused one, such as a period that would overlap another.
    """
    return [*_group_accounts(gl, reference), *(name for one in reference.ledgers for name in _ledger(gl, one))]


def months(periods: Periods) -> Iterator[reference_pb2.AccountingPeriod]:
    """One period for each month, the first and the last cut to the days asked for."""
    first = periods.first
    while first <= periods.last:
        last = min(periods.last, first.replace(day=monthrange(first.year, first.month)[1]))
        yield reference_pb2.AccountingPeriod(
            code=first.strftime(periods.code), start_date=date_to_proto(first), end_date=date_to_proto(last)
        )
        first = last + timedelta(days=1)


def _group_accounts(gl: GLExtraction, reference: Reference) -> Iterator[str]:
    for code, description in reference.group_accounts:
        account = reference_pb2.GroupAccount(code=code, description=description)
        with suppress(AlreadyExists):
            yield gl.create_group_account(reference_pb2.CreateGroupAccountRequest(group_account=account)).name


def _ledger(gl: GLExtraction, wanted: Ledger) -> Iterator[str]:
    ledger = reference_pb2.Ledger(code=wanted.code, description=wanted.description)
    with suppress(AlreadyExists):
        yield gl.create_ledger(reference_pb2.CreateLedgerRequest(ledger=ledger)).name
    if wanted.periods is None:
        return
    parent = f"ledgers/{wanted.code}"
    there = {period.code for period in gl.list_periods(reference_pb2.ListAccountingPeriodsRequest(parent=parent))}
    for period in months(wanted.periods):
        if period.code not in there:
            request = reference_pb2.CreateAccountingPeriodRequest(parent=parent, accounting_period=period)
            yield gl.create_period(request).name
