"""The SQL of operations: rows in and out, looked up by primary key unless said otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, RowMapping, select

from domain.accounting.performing.model import Kind, Operation, Side
from domain.accounting.performing.states import OperationState
from domain.accounting.tables import accounting_operation
from domain.kernel.bulk import Cell
from domain.kernel.keys import among
from domain.kernel.money import Money
from domain.kernel.script import Script

Key = tuple[str, str]
"""The ids of a claim and of one of its operations."""

COLUMNS = tuple(column.name for column in accounting_operation.columns)
_KEY = ("claim_id", "operation_id")
_MOVING = (
    "state",
    "accounting_day",
    "reversed_by_id",
    "executed_us",
    "executed_by",
    "external_reference",
    "approved_us",
    "approved_by",
    "canceled_us",
    "canceled_by",
    "cancel_reason",
)
_o = accounting_operation.c


def insert(script: Script, operations: Sequence[Operation]) -> None:
    """Add operations. Cost: one statement of the script."""
    script.insert("accounting_operation", COLUMNS, [row_of(each) for each in operations])


def change(script: Script, operations: Sequence[Operation]) -> None:
    """Put what changes of operations in its place: states, marks and, before they are executed, the accounting date.

    Their claims are locked. Cost: one statement of the script.
    """
    at = [COLUMNS.index(name) for name in (*_KEY, *_MOVING)]
    rows = [row_of(each) for each in operations]
    script.update("accounting_operation", _KEY, _MOVING, [[row[place] for place in at] for row in rows])


def find(tx: Connection, claim_id: str, operation_id: str) -> Operation | None:
    """The operation, if there is one."""
    query = select(accounting_operation).where(_o.claim_id == claim_id, _o.operation_id == operation_id)
    row = tx.execute(query).mappings().one_or_none()
    return None if row is None else from_row(row)


def find_many(tx: Connection, keys: Iterable[Key]) -> dict[Key, Operation]:
    """Those of the operations that there are. Cost: one statement."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    query = select(accounting_operation).where(among((_o.claim_id, _o.operation_id), wanted))
    return {(row["claim_id"], row["operation_id"]): from_row(row) for row in tx.execute(query).mappings()}


def settling(tx: Connection, keys: Iterable[Key]) -> dict[Key, Operation]:
    """The second operations of these first ones, those that are not canceled, by the first's key.

    Cost: one statement along ix_accounting_operation_settles.
    """
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    query = select(accounting_operation).where(
        _o.settles_id != "",
        among((_o.claim_id, _o.settles_id), wanted),
        _o.state != OperationState.CANCELED,
    )
    return {(row["claim_id"], row["settles_id"]): from_row(row) for row in tx.execute(query).mappings()}


def row_of(operation: Operation) -> list[Cell]:
    """The operation as cells, in the order of COLUMNS."""
    each = operation
    return [
        each.claim_id,
        each.operation_id,
        each.dispute_id,
        each.client_code,
        each.kind.value,
        each.state.value,
        each.workflow_point,
        each.step_key,
        each.rule_code,
        each.rule_version,
        each.debit.collection,
        each.credit.collection,
        each.debit.account,
        each.credit.account,
        each.debit.distribution_code,
        each.credit.distribution_code,
        each.amount.minor,
        each.amount.currency,
        each.entry_reason,
        each.note,
        int(each.tracking_only),
        each.accounting_day,
        each.transaction_day,
        each.reverses_id,
        each.reversed_by_id,
        each.settles_id,
        each.performed_us,
        each.performed_by,
        each.executed_us,
        each.executed_by,
        each.external_reference,
        each.approved_us,
        each.approved_by,
        each.canceled_us,
        each.canceled_by,
        each.cancel_reason,
    ]


def from_row(row: RowMapping) -> Operation:
    """The operation of a row."""
    return Operation(
        claim_id=row["claim_id"],
        operation_id=row["operation_id"],
        dispute_id=row["dispute_id"],
        client_code=row["client_code"],
        kind=Kind(row["kind"]),
        state=OperationState(row["state"]),
        workflow_point=row["workflow_point"],
        step_key=row["step_key"],
        rule_code=row["rule_code"],
        rule_version=row["rule_version"],
        debit=Side(row["debit_collection"], row["debit_account"], row["debit_distribution_code"]),
        credit=Side(row["credit_collection"], row["credit_account"], row["credit_distribution_code"]),
        amount=Money(row["amount_minor"], row["currency"]),
        entry_reason=row["entry_reason"],
        note=row["note"],
        tracking_only=bool(row["tracking_only"]),
        accounting_day=row["accounting_day"],
        transaction_day=row["transaction_day"],
        reverses_id=row["reverses_id"],
        reversed_by_id=row["reversed_by_id"],
        settles_id=row["settles_id"],
        performed_us=row["performed_us"],
        performed_by=row["performed_by"],
        executed_us=row["executed_us"],
        executed_by=row["executed_by"],
        external_reference=row["external_reference"],
        approved_us=row["approved_us"],
        approved_by=row["approved_by"],
        canceled_us=row["canceled_us"],
        canceled_by=row["canceled_by"],
        cancel_reason=row["cancel_reason"],
    )
