"""Pages of a claim's operations: filtered and sorted by any column, or in the order of dates (ACC-50, ACC-51)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, or_, select, tuple_

from domain.accounting.balances.model import Part
from domain.accounting.performing.model import Kind, Operation
from domain.accounting.performing.states import OperationState
from domain.accounting.performing.store.operations import find_many, from_row
from domain.accounting.tables import accounting_operation
from domain.kernel.paging import Key

_o = accounting_operation.c


@dataclass(frozen=True, slots=True)
class Span:
    """Whole numbers from one to another, both included; None: without end."""

    first: int | None = None
    last: int | None = None


@dataclass(frozen=True, slots=True)
class OperationFilter:
    """Which operations of a claim: everything else that is set must hold. The empty string, tuple and None set nothing.

    `collection` and `account` are of either side. `part` asks for those that count in a part of a balance, now or
    (`at_us`) as they did at an instant. `amount` is in `currency`.
    """

    claim_id: str
    dispute_id: str = ""
    collection: str = ""
    debit_collection: str = ""
    credit_collection: str = ""
    account: str = ""
    debit_account: str = ""
    credit_account: str = ""
    currency: str = ""
    amount: Span = Span()
    states: tuple[OperationState, ...] = ()
    kinds: tuple[Kind, ...] = ()
    workflow_point: str = ""
    step_key: str = ""
    rule_code: str = ""
    rule_version: int = 0
    entry_reason: str = ""
    note: str = ""
    tracking_only: bool | None = None
    reversed_: bool | None = None
    performed_by: str = ""
    executed_by: str = ""
    approved_by: str = ""
    canceled_by: str = ""
    external_reference: str = ""
    accounting_day: Span = Span()
    transaction_day: Span = Span()
    performed_us: Span = Span()
    executed_us: Span = Span()
    part: Part | None = None
    at_us: int | None = None


ORDERS: dict[str, tuple[str, ...]] = {
    "": (),
    "perform_time": (),  # names sort by age
    "performer": ("performed_by",),
    "execute_time": ("executed_us",),
    "executor": ("executed_by",),
    "approve_time": ("approved_us",),
    "approver": ("approved_by",),
    "cancel_time": ("canceled_us",),
    "canceler": ("canceled_by",),
    "accounting_date": ("accounting_day",),
    "transaction_date": ("transaction_day",),
    "dispute": ("dispute_id",),
    "kind": ("kind",),
    "state": ("state",),
    "workflow_point": ("workflow_point",),
    "step_key": ("step_key",),
    "rule_version": ("rule_code", "rule_version"),
    "debit.collection": ("debit_collection",),
    "credit.collection": ("credit_collection",),
    "debit.account": ("debit_account",),
    "credit.account": ("credit_account",),
    "amount": ("currency", "amount_minor"),  # amounts of two currencies have no order
    "entry_reason": ("entry_reason",),
    "note": ("note",),
    "tracking_only": ("tracking_only",),
    "external_reference": ("external_reference",),
}
"""By what operations can be sorted, in the words of the contract; ties stand in the order of creation."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order of operations: a key of ORDERS; `descending` turns it round, ties included."""

    by: str = ""
    descending: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of its key."""
        return (*ORDERS[self.by], "operation_id")

    def key_of(self, operation: Operation) -> Key:
        """Where an operation stands in it."""
        return [_cell(operation, name) for name in self.columns]


def page(tx: Connection, wanted: OperationFilter, order: Order, *, after: Key | None, limit: int) -> list[Operation]:
    """At most `limit` operations of a claim in an order, those behind the key `after`.

    Cost: two statements; the first reads the claim's operations and, for an order other than that of creation, sorts
    their keys: sorting whole rows takes twice as long.
    """
    columns = [_o[name] for name in order.columns]
    query = select(_o.operation_id).where(*_conditions(wanted))
    if after is not None:
        here, there = tuple_(*columns), tuple_(*after)
        query = query.where(here < there if order.descending else here > there)
    query = query.order_by(*(column.desc() if order.descending else column for column in columns)).limit(limit)
    keys = [(wanted.claim_id, operation_id) for operation_id in tx.execute(query).scalars()]
    found = find_many(tx, keys)
    return [found[key] for key in keys]


@dataclass(frozen=True, slots=True)
class Place:
    """A place among a claim's operations in the order of accounting dates, ties by creation."""

    day: int = 0
    operation_id: str = ""


def by_day(tx: Connection, claim_id: str, dispute_id: str, *, first: Place, limit: int) -> list[Operation]:
    """At most `limit` operations from a place on, that of it included; of one dispute or (empty) of the claim.

    Cost: one statement along ix_accounting_operation_day.
    """
    there = tuple_(_o.accounting_day, _o.operation_id) >= tuple_(first.day, first.operation_id)
    query = select(accounting_operation).where(_o.claim_id == claim_id, there)
    query = query.where(_o.dispute_id == dispute_id) if dispute_id else query
    query = query.order_by(_o.accounting_day, _o.operation_id).limit(limit)
    return [from_row(row) for row in tx.execute(query).mappings()]


def place_at(tx: Connection, claim_id: str, dispute_id: str, number: int) -> Place:
    """Where the operation stands before which there are `number`; the first of all places where there is none.

    Cost: one statement that goes along ix_accounting_operation_day up to it.
    """
    query = select(_o.accounting_day, _o.operation_id).where(_o.claim_id == claim_id)
    query = query.where(_o.dispute_id == dispute_id) if dispute_id else query
    row = tx.execute(query.order_by(_o.accounting_day, _o.operation_id).offset(number).limit(1)).first()
    return Place() if row is None else Place(*row)


def before(place: Place) -> ColumnElement[bool]:
    """The condition that an operation stands before a place, and is not at it."""
    found: ColumnElement[bool] = tuple_(_o.accounting_day, _o.operation_id) < tuple_(place.day, place.operation_id)
    return found


def counts_in(part: Part, at_us: int | None) -> ColumnElement[bool]:
    """The condition that an operation counts in a part of a balance (`balances.folding.part_of`, `part_at`)."""
    if at_us is None:
        pending = [state.value for state in OperationState if state.counts_as_pending]
        states: ColumnElement[bool] = _o.state.in_(
            [OperationState.EXECUTED.value] if part is Part.EXECUTED else pending
        )
        return states
    executed = and_(_o.executed_us > 0, _o.executed_us <= at_us)
    if part is Part.EXECUTED:
        return and_(_o.performed_us <= at_us, executed)
    canceled = and_(_o.canceled_us > 0, _o.canceled_us <= at_us)
    return and_(_o.performed_us <= at_us, ~executed, ~canceled)


def _cell(operation: Operation, name: str) -> int | str:
    """What a column of ORDERS holds of an operation."""
    side, _, what = name.partition("_")
    if side in {"debit", "credit"}:
        cell = getattr(getattr(operation, side), what)
    elif name in {"currency", "amount_minor"}:
        cell = operation.amount.currency if name == "currency" else operation.amount.minor
    else:
        cell = getattr(operation, name)
    assert isinstance(cell, int | str)
    return int(cell) if isinstance(cell, bool) else cell


def _conditions(wanted: OperationFilter) -> Iterator[ColumnElement[bool]]:
    yield _o.claim_id == wanted.claim_id
    for name in _EQUAL:
        if told := getattr(wanted, name):
            yield _o[name] == told
    for name in ("collection", "account"):
        if told := getattr(wanted, name):
            yield or_(_o[f"debit_{name}"] == told, _o[f"credit_{name}"] == told)
    for name, several in (("state", wanted.states), ("kind", wanted.kinds)):
        if several:
            yield _o[name].in_([each.value for each in several])
    if wanted.tracking_only is not None:
        yield _o.tracking_only == int(wanted.tracking_only)
    if wanted.reversed_ is not None:
        is_reversed = _o.reversed_by_id != ""
        yield is_reversed if wanted.reversed_ else ~is_reversed
    for name, column in _SPANS.items():
        yield from _within(_o[column], getattr(wanted, name))
    yield from _counted(wanted)


def _counted(wanted: OperationFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.part:
        yield counts_in(wanted.part, wanted.at_us)
    elif wanted.at_us is not None:
        yield _o.performed_us <= wanted.at_us


def _within(column: ColumnElement[int], span: Span) -> Iterator[ColumnElement[bool]]:
    if span.first is not None:
        yield column >= span.first
    if span.last is not None:
        yield column <= span.last


_EQUAL: Sequence[str] = (
    "dispute_id",
    "debit_collection",
    "credit_collection",
    "debit_account",
    "credit_account",
    "currency",
    "workflow_point",
    "step_key",
    "rule_code",
    "rule_version",
    "entry_reason",
    "note",
    "performed_by",
    "executed_by",
    "approved_by",
    "canceled_by",
    "external_reference",
)
_SPANS = {
    "amount": "amount_minor",
    "accounting_day": "accounting_day",
    "transaction_day": "transaction_day",
    "performed_us": "performed_us",
    "executed_us": "executed_us",
}
