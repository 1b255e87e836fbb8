"""Ledgers, group accounts and accounting periods as the contract tells them."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.field_mask_pb2 import FieldMask

from countinghouse.gl_extraction.v1 import reference_pb2 as pb
from domain.gl_extraction.details.rules import CODE
from domain.gl_extraction.names import group_account_name, ledger_name
from domain.gl_extraction.periods.model import NewPeriod, Period
from domain.gl_extraction.periods.service import Change as PeriodChange
from domain.gl_extraction.periods.states import PeriodState
from domain.gl_extraction.reference.model import Entry, Register
from domain.gl_extraction.reference.service import Change
from domain.kernel.errors import Invalid, Violation
from server.mapping.days import day_to_proto, days_from_proto
from server.mapping.operations import instant_to_proto

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
    code = code_from_name(given.name) if given.name else given.code
    if found := tuple(_faults(given, code, mask, register)):
        raise Invalid(*found)
    asked = {"description", "*"}.intersection(mask.paths) if mask.paths else given.description
    return Change(code, given.etag, given.description if asked else None)


def _faults(given: pb.Ledger | pb.GroupAccount, code: str, mask: FieldMask, register: Register) -> Iterator[Violation]:
    field = f"{register.word}.name"
    if not code:
        yield Violation(field, "FIELD_REQUIRED", "must be given")
    elif given.name and (given.name != register.name_of(code) or not CODE.fullmatch(code)):
        yield Violation(field, "FIELD_MALFORMED", f"must be as {register.name_of('GL-1')}")
    elif given.code not in {"", code}:
        yield Violation(f"{register.word}.code", "FIELD_IMMUTABLE", "never changes: must be that of the name, if given")
    for path in mask.paths:
        if path != "*" and path not in given.DESCRIPTOR.fields_by_name:
            text = f"{path[:64]!r} is no field of a {register.word.replace('_', ' ')}"
            yield Violation("update_mask", "UPDATE_MASK_INVALID", text)


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
