"""Overviews, lists of operations and steps, as the contract tells them."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message

from countinghouse.accounting.v1 import overview_pb2 as pb
from domain.accounting.balances.model import (
    Balance,
    CollectionBalances,
    Flag,
    Overview,
    Part,
    Step,
    StepSide,
)
from domain.accounting.names import claim_name, collection_name, dispute_name
from domain.accounting.performing.store.pages import OperationFilter, Order, Span
from domain.kernel.characters import require_storable
from domain.kernel.errors import Invalid, Violation
from domain.kernel.money import Money
from server.mapping.accounting.operations import KINDS, STATES, operation_to_proto, side_to_proto
from server.mapping.days import days_from_proto
from server.mapping.instants import instant_from_proto
from server.mapping.money import money_from_proto, money_to_proto
from server.mapping.operations import instant_to_proto

# Looked up when the module loads: a value of the domain that the contract lacks stops the server.
_PARTS = {pb.BalancePart.Value(f"BALANCE_PART_{part}"): part for part in Part}
_FLAGS = {flag: pb.BalanceFlag.Value(f"BALANCE_FLAG_{flag}") for flag in Flag}
_STATES = {number: state for state, number in STATES.items()}
_KINDS = {number: kind for kind, number in KINDS.items()}
_SIDES = {side: pb.AccountingStepSide.Value(f"ACCOUNTING_STEP_SIDE_{side}") for side in StepSide}

_TEXTS = {
    "debit_account": "debit_account",
    "credit_account": "credit_account",
    "account": "account",
    "workflow_point": "workflow_point",
    "step_key": "step_key",
    "entry_reason": "entry_reason",
    "note": "note",
    "performer": "performed_by",
    "executor": "executed_by",
    "approver": "approved_by",
    "canceler": "canceled_by",
    "external_reference": "external_reference",
}
_COLLECTIONS = ("collection", "debit_collection", "credit_collection")


def key_from_name(name: str) -> tuple[str, str]:
    """Claim and dispute (empty: the whole claim) in the name of a claim, of a dispute, or of what lies below it."""
    parts = name.split("/")
    return parts[1], parts[3] if len(parts) > _DISPUTE and parts[2] == "disputes" else ""


_DISPUTE = 3


def overview_to_proto(overview: Overview) -> pb.AccountingOverview:
    """An overview."""
    claim_id, dispute_id = overview.claim_id, overview.dispute_id
    return pb.AccountingOverview(
        name=f"{dispute_name(claim_id, dispute_id) if dispute_id else claim_name(claim_id)}/accountingOverview",
        as_of_time=instant_to_proto(overview.as_of_us),
        collections=map(_collection, overview.collections),
        out_of_balance=overview.out_of_balance,
    )


def step_to_proto(step: Step) -> pb.AccountingStep:
    """A step."""
    currency = step.operation.amount.currency
    return pb.AccountingStep(
        side=_SIDES[step.side],
        target=side_to_proto(step.of),
        amount=money_to_proto(step.operation.amount),
        executed_balance=money_to_proto(Money(step.after.executed_minor, currency)),
        pending_balance=money_to_proto(Money(step.after.pending_minor, currency)),
        operation=operation_to_proto(step.operation),
    )


def order_from_proto(order_by: str) -> Order:
    """The order; the contract's rules have let no other text through."""
    by, _, direction = order_by.partition(" ")
    return Order(by, descending=bool(direction))


def filter_from_proto(request: pb.ListAccountingOperationsRequest) -> OperationFilter:
    """The filter. Raises: Invalid with every violation."""
    given, violations = request.filter, list[Violation]()
    require_storable(**{f"filter.{field}": getattr(given, field) for field in _TEXTS})
    claim_id, dispute_id = key_from_name(request.parent)
    rule_code, _, rule_version = given.rule.removeprefix("accountingRules/").partition("/versions/")
    wanted = OperationFilter(
        claim_id=claim_id,
        dispute_id=dispute_id,
        **{name: getattr(given, field) for field, name in _TEXTS.items()},
        **{name: getattr(given, name).removeprefix("collections/") for name in _COLLECTIONS},
        states=tuple(_STATES[number] for number in given.states),
        kinds=tuple(_KINDS[number] for number in given.kinds),
        rule_code=rule_code,
        rule_version=int(rule_version or 0),
        tracking_only=given.tracking_only if given.HasField("tracking_only") else None,
        reversed_=given.reversed if given.HasField("reversed") else None,
        part=_PARTS.get(given.part),
        at_us=_instant(given, "as_of_time", violations),
        **_amounts(given, violations),
        accounting_day=_days(given, "accounting_date", violations),
        transaction_day=_days(given, "transaction_date", violations),
        performed_us=_instants(given, "perform_time", violations),
        executed_us=_instants(given, "execute_time", violations),
    )
    if violations:
        raise Invalid(*violations)
    return wanted


def _collection(of: CollectionBalances) -> pb.CollectionOverview:
    return pb.CollectionOverview(
        collection=collection_name(of.collection.code),
        description=of.collection.description,
        suspense=of.collection.suspense,
        balances=map(_balance, of.balances),
    )


def _balance(balance: Balance) -> pb.CollectionBalance:
    return pb.CollectionBalance(
        currency_code=balance.currency,
        executed=money_to_proto(Money(balance.figures.executed_minor, balance.currency)),
        pending=money_to_proto(Money(balance.figures.pending_minor, balance.currency)),
        executed_count=balance.figures.executed_count,
        pending_count=balance.figures.pending_count,
        flags=[_FLAGS[flag] for flag in balance.flags],
        unsettled_dispute_count=balance.disputes_off,
    )


def _amounts(given: pb.AccountingOperationFilter, violations: list[Violation]) -> dict[str, Any]:
    """The currency, and the amounts in it."""
    ends: dict[str, Money | None] = {}
    for field in ("amount_from", "amount_to"):
        try:
            ends[field] = money_from_proto(given, field, path="filter")
        except Invalid as refused:
            violations += refused.violations
    currencies = {given.currency_code} - {""}
    for field, amount in ends.items():
        if amount and currencies and amount.currency not in currencies:
            text = "must be in the currency that the filter names elsewhere"
            violations.append(Violation(f"filter.{field}", "CURRENCIES_DIFFER", text))
        elif amount:
            currencies.add(amount.currency)
    first, last = ends.get("amount_from"), ends.get("amount_to")
    span = Span(first.minor if first else None, last.minor if last else None)
    return {"currency": min(currencies, default=""), "amount": span}


def _days(given: Message, field: str, violations: list[Violation]) -> Span:
    ends = (f"{field}_from", f"{field}_to")
    try:
        first, last = days_from_proto(
            {f"filter.{name}": getattr(given, name) if given.HasField(name) else None for name in ends}
        )
    except Invalid as refused:
        violations += refused.violations
        return Span()
    return Span(first or None, last or None)


def _instants(given: Message, field: str, violations: list[Violation]) -> Span:
    before = _instant(given, f"{field}_before", violations)
    return Span(_instant(given, f"{field}_from", violations), None if before is None else before - 1)


def _instant(given: Message, field: str, violations: list[Violation]) -> int | None:
    try:
        return instant_from_proto(given, field, path="filter")
    except Invalid as refused:
        violations += refused.violations
        return None
