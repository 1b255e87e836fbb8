"""Ledgers, group accounts and accounting periods as the contract tells them."""

from __future__ import annotations

from google.protobuf.field_mask_pb2 import FieldMask

from countinghouse.gl_extraction.v1 import reference_pb2 as pb
from domain.gl_extraction.names import group_account_name, ledger_name
from domain.gl_extraction.periods.model import NewPeriod, Period
from domain.gl_extraction.periods.service import Change as PeriodChange
from domain.gl_extraction.periods.states import PeriodState
from domain.gl_extraction.reference.model import Entry, Register
from domain.gl_extraction.reference.service import Change
from server.mapping.days import day_to_proto, days_from_proto
from server.mapping.operations import instant_to_proto
from server.mapping.updates import asked_fields, updated_code

# Looked up when the module loads: a state of the domain that the contract lacks stops the server.
_STATES = {state: pb.AccountingPeriodState.Value(f"ACCOUNTING_PERIOD_STATE_{state}") for state in PeriodState}


def code_from_name(name: str) -> str:
    """The last part of a resource name."""
    return name.rpartition("/")[2]


def ledger_to_proto(entry: Entry) -> pb.Ledger:
    """A ledger."""
    return pb.Ledger(
        name=ledger_name(entry.code),
        code=entry.code,
        description=entry.description,
        create_time=instant_to_proto(entry.created_us),
        update_time=instant_to_proto(entry.updated_us),
        etag=entry.etag,
    )


def group_account_to_proto(entry: Entry) -> pb.GroupAccount:
    """A group account."""
    return pb.GroupAccount(
        name=group_account_name(entry.code),
        code=entry.code,
        description=entry.description,
        create_time=instant_to_proto(entry.created_us),
        update_time=instant_to_proto(entry.updated_us),
        etag=entry.etag,
    )


def period_to_proto(period: Period) -> pb.AccountingPeriod:
    """An accounting period."""
    return pb.AccountingPeriod(
        name=period.name,
        code=period.code,
        start_date=day_to_proto(period.start_day),
        end_date=day_to_proto(period.end_day),
        state=_STATES[period.state],
        create_time=instant_to_proto(period.created_us),
        update_time=instant_to_proto(period.updated_us),
        etag=period.etag,
    )


def change_from_proto(given: pb.Ledger | pb.GroupAccount, mask: FieldMask, register: Register) -> Change:
    """What is changed of which entry (AIP-134).

    Raises: Invalid for an entry that is not named or named twice over, and for a mask with what is no field.
    """
    code = updated_code(given, mask, word=register.word, name_of=register.name_of)
    asked = asked_fields(given, mask, ("description",))
    return Change(code, given.etag, given.description if asked else None)


def new_period_from_proto(request: pb.CreateAccountingPeriodRequest) -> NewPeriod:
    """The period asked for. Raises: Invalid for dates that the calendar does not have."""
    period = request.accounting_period
    start_day, end_day = days_from_proto(
        {"accounting_period.start_date": period.start_date, "accounting_period.end_date": period.end_date}
    )
    return NewPeriod(code_from_name(request.parent), period.code, start_day=start_day, end_day=end_day)


def period_key_from_name(name: str) -> tuple[str, str]:
    """Ledger and code in the name of a period."""
    _, ledger_code, _, code = name.split("/")
    return ledger_code, code


def close_from_proto(request: pb.CloseAccountingPeriodRequest) -> PeriodChange:
    """Which period is closed."""
    return PeriodChange(
        *period_key_from_name(request.name), etag=request.etag, reason=request.reason, force=request.force
    )


def reopen_from_proto(request: pb.ReopenAccountingPeriodRequest) -> PeriodChange:
    """Which period is reopened."""
    return PeriodChange(*period_key_from_name(request.name), etag=request.etag, reason=request.reason)
