"""Operations and what performs them, as the contract tells them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from countinghouse.accounting.v1 import operations_pb2 as pb
from domain.accounting.names import (
    assignment_name,
    client_name,
    collection_name,
    dispute_name,
    operation_name,
    rule_name,
    rule_version_name,
)
from domain.accounting.performing.correcting import Reversed
from domain.accounting.performing.executing import Executed
from domain.accounting.performing.model import Kind, Operation, Side
from domain.accounting.performing.requests import Entry, Execution, FreeForm, ManualByRule
from domain.accounting.performing.states import OperationState
from domain.kernel.errors import DomainError, Invalid, Violation
from server.gate.errors import status_of
from server.mapping.days import day_to_proto
from server.mapping.money import money_from_proto, money_to_proto
from server.mapping.operations import instant_to_proto

# Looked up when the module loads: a value of the domain that the contract lacks stops the server.
KINDS = {kind: pb.AccountingOperationKind.Value(f"ACCOUNTING_OPERATION_KIND_{kind}") for kind in Kind}
STATES = {state: pb.AccountingOperationState.Value(f"ACCOUNTING_OPERATION_STATE_{state}") for state in OperationState}


def operation_to_proto(operation: Operation) -> pb.AccountingOperation:
    """An operation."""
    claim_id = operation.claim_id
    return pb.AccountingOperation(
        name=operation.name,
        dispute=dispute_name(claim_id, operation.dispute_id),
        client=client_name(operation.client_code),
        kind=KINDS[operation.kind],
        state=STATES[operation.state],
        workflow_point=operation.workflow_point,
        rule_version=rule_version_name(operation.rule_code, operation.rule_version) if operation.rule_code else "",
        debit=side_to_proto(operation.debit),
        credit=side_to_proto(operation.credit),
        amount=money_to_proto(operation.amount),
        entry_reason=operation.entry_reason,
        note=operation.note,
        tracking_only=operation.tracking_only,
        accounting_date=day_to_proto(operation.accounting_day),
        transaction_date=day_to_proto(operation.transaction_day),
        reverses=_other(claim_id, operation.reverses_id),
        reversed_by=_other(claim_id, operation.reversed_by_id),
        settles=_other(claim_id, operation.settles_id),
        perform_time=instant_to_proto(operation.performed_us),
        performer=operation.performed_by,
        execute_time=instant_to_proto(operation.executed_us),
        executor=operation.executed_by,
        external_reference=operation.external_reference,
        approve_time=instant_to_proto(operation.approved_us),
        approver=operation.approved_by,
        cancel_time=instant_to_proto(operation.canceled_us),
        canceler=operation.canceled_by,
        cancel_reason=operation.cancel_reason,
        assignment=assignment_name(claim_id, operation.operation_id) if operation.is_assigned else "",
        step_key=operation.step_key,
    )


def side_to_proto(side: Side) -> pb.AccountingSide:
    """One side of an operation."""
    return pb.AccountingSide(
        collection=collection_name(side.collection),
        account=side.account,
        distribution_code=side.distribution_code,
    )


def execution_from_proto(request: pb.ExecuteAccountingRequest | pb.BatchExecuteAccountingRequest.Item) -> Execution:
    """The workflow point asked for. Raises: Invalid for an amount that is none."""
    entries: list[Entry] = []
    violations: list[Violation] = []
    for at, entry in enumerate(request.entries):
        try:
            entries.append(entry_from_proto(entry, path=f"entries[{at}]"))
        except Invalid as refused:
            violations += refused.violations
    if violations:
        raise Invalid(*violations)
    return Execution(
        claim_id=claim_id_from_name(request.parent),
        workflow_point=request.workflow_point,
        entries=tuple(entries),
        step_key=request.step_key,
        note=request.note,
    )


def executions_from_proto(request: pb.BatchExecuteAccountingRequest) -> list[Execution | DomainError]:
    """The workflow points asked for, or why one is refused before anything is looked up."""
    found: list[Execution | DomainError] = []
    for item in request.items:
        try:
            found.append(execution_from_proto(item))
        except DomainError as refused:
            found.append(refused)
    return found


def executed_to_proto(executed: Executed) -> pb.ExecuteAccountingResponse:
    """What a workflow point came to."""
    return pb.ExecuteAccountingResponse(
        operations=map(operation_to_proto, executed.operations),
        skipped=_skipped_to_proto(executed),
    )


def results_to_proto(results: Iterable[Executed | DomainError]) -> pb.BatchExecuteAccountingResponse:
    """What many workflow points came to, each by itself."""
    return pb.BatchExecuteAccountingResponse(results=map(_result_to_proto, results))


def manual_from_proto(request: pb.PerformManualAccountingRequest) -> ManualByRule | FreeForm:
    """The adjustment that a person enters. Raises: Invalid for an amount that is none."""
    claim_id, entry = claim_id_from_name(request.parent), entry_from_proto(request.entry, path="entry")
    if request.WhichOneof("adjustment") == "rule":
        return ManualByRule(claim_id, entry, _code(request.rule), note=request.note)
    form = request.free_form
    return FreeForm(
        claim_id,
        entry,
        debit_collection=_code(form.debit_collection),
        credit_collection=_code(form.credit_collection),
        entry_reason=form.entry_reason,
        debit_account=form.debit_account,
        credit_account=form.credit_account,
        tracking_only=form.tracking_only if form.HasField("tracking_only") else True,
        note=request.note,
    )


def performed_to_proto(operations: Sequence[Operation]) -> pb.PerformManualAccountingResponse:
    """What was performed by hand."""
    return pb.PerformManualAccountingResponse(operations=map(operation_to_proto, operations))


def reversed_to_proto(found: Reversed) -> pb.ReverseAccountingOperationResponse:
    """What a reversal came to."""
    return pb.ReverseAccountingOperationResponse(
        reversals=map(operation_to_proto, found.reversals), canceled=map(operation_to_proto, found.canceled)
    )


def canceled_to_proto(operations: Sequence[Operation]) -> pb.CancelAccountingOperationResponse:
    """What was canceled."""
    return pb.CancelAccountingOperationResponse(operations=map(operation_to_proto, operations))


def entry_from_proto(entry: pb.AccountingEntry, *, path: str) -> Entry:
    """A dispute and an amount. Raises: Invalid for an amount that is none."""
    _, claim_id, _, dispute_id = entry.dispute.split("/")
    return Entry(claim_id, dispute_id, money_from_proto(entry, "amount", path=path))


def operation_key_from_name(name: str) -> tuple[str, str]:
    """The ids of claim and operation in the name of an operation."""
    _, claim_id, _, operation_id = name.split("/")
    return claim_id, operation_id


def claim_id_from_name(name: str) -> str:
    """The id in the name of a claim."""
    return name.rpartition("/")[2]


def _result_to_proto(result: Executed | DomainError) -> pb.BatchExecuteAccountingResponse.Result:
    if isinstance(result, DomainError):
        return pb.BatchExecuteAccountingResponse.Result(error=status_of(result))
    return pb.BatchExecuteAccountingResponse.Result(
        operations=map(operation_to_proto, result.operations), skipped=_skipped_to_proto(result)
    )


def _skipped_to_proto(executed: Executed) -> Iterable[pb.SkippedRule]:
    return (
        pb.SkippedRule(rule=rule_name(each.rule_code), dispute=dispute_name(each.claim_id, each.dispute_id))
        for each in executed.skipped
    )


def _other(claim_id: str, operation_id: str) -> str:
    return operation_name(claim_id, operation_id) if operation_id else ""


def _code(name: str) -> str:
    return name.rpartition("/")[2]
