"""`countinghouse accounting show`, `reverse`, `cancel`, `approve`: single operations."""

from typing import TYPE_CHECKING

import typer

from countinghouse.cli.accounting.words import (
    Operation,
    Reason,
    ValidateOnly,
    how,
    operation_name,
    short_operation,
    show_operations,
    state_of,
)
from countinghouse.cli.names import last
from countinghouse.cli.output import Column, Format, Output, amount, day, moment, show_one, yes
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

_COLUMNS = (
    Column("operation", lambda one: short_operation(one.name)),
    Column("state", state_of),
    Column("kind", how),
    Column("claim", lambda one: one.name.split("/")[1]),
    Column("dispute", lambda one: last(one.dispute)),
    Column("client", lambda one: last(one.client)),
    Column("amount", lambda one: amount(one.amount)),
    Column("debit", lambda one: f"{last(one.debit.collection)}, account {one.debit.account}"),
    Column("credit", lambda one: f"{last(one.credit.collection)}, account {one.credit.account}"),
    Column("tracking only", lambda one: yes(one.tracking_only)),
    Column("entry reason", lambda one: one.entry_reason),
    Column("note", lambda one: one.note),
    Column("workflow point", lambda one: one.workflow_point),
    Column("step key", lambda one: one.step_key),
    Column("rule version", lambda one: one.rule_version.removeprefix("accountingRules/").replace("/versions", "")),
    Column("accounting date", lambda one: day(one.accounting_date)),
    Column("transaction date", lambda one: day(one.transaction_date)),
    Column("performed", lambda one: _fact(one.perform_time, one.performer)),
    Column("approved", lambda one: _fact(one.approve_time, one.approver)),
    Column("executed", lambda one: _fact(one.execute_time, one.executor)),
    Column("external reference", lambda one: one.external_reference),
    Column("canceled", lambda one: _fact(one.cancel_time, one.canceler)),
    Column("cancel reason", lambda one: one.cancel_reason),
    Column("reverses", lambda one: short_operation(one.reverses)),
    Column("reversed by", lambda one: short_operation(one.reversed_by)),
    Column("settles", lambda one: short_operation(one.settles)),
    Column("assignment", lambda one: short_operation(one.assignment)),
)


def show(context: typer.Context, operation: Operation, output: Output = Format.TABLE) -> None:
    """Show an operation."""
    from countinghouse.accounting.v1 import operations_pb2 as pb

    with session(context) as client:
        request = pb.GetAccountingOperationRequest(name=operation_name(operation))
        show_one(client.accounting.get_operation(request), _COLUMNS, output)


def reverse(
    context: typer.Context,
    operation: Operation,
    reason: Reason,
    validate_only: ValidateOnly = False,
    output: Output = Format.TABLE,
) -> None:
    """Reverse an executed operation: its mirror, by the same channel, and first what followed on it."""
    from countinghouse.accounting.v1 import operations_pb2 as pb

    request = pb.ReverseAccountingOperationRequest(
        name=operation_name(operation), reason=reason, validate_only=validate_only
    )
    with session(context) as client:
        answer = client.accounting.reverse_operation(request)
    show_operations(answer, [*answer.canceled, *answer.reversals], output)


def cancel(context: typer.Context, operation: Operation, reason: Reason, output: Output = Format.TABLE) -> None:
    """Cancel an operation that is not executed, with its assignment and what was to follow on it."""
    from countinghouse.accounting.v1 import operations_pb2 as pb

    request = pb.CancelAccountingOperationRequest(name=operation_name(operation), reason=reason)
    with session(context) as client:
        answer = client.accounting.cancel_operation(request)
    show_operations(answer, answer.operations, output)


def approve(context: typer.Context, operation: Operation, output: Output = Format.TABLE) -> None:
    """Agree to an operation of somebody else that waits for it; cancel it to refuse it."""
    from countinghouse.accounting.v1 import operations_pb2 as pb

    with session(context) as client:
        approved = client.accounting.approve_operation(
            pb.ApproveAccountingOperationRequest(name=operation_name(operation))
        )
    show_operations(approved, [approved], output)


def _fact(when: "Timestamp", who: str) -> str:
    """When something was done, and by whom."""
    return f"{moment(when)} by {who}" if who else moment(when)
