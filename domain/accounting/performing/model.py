"""Operations as values: one row that is balanced by construction, told as two steps (ACC-03)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.accounting.names import operation_name
from domain.accounting.performing.states import OperationState
from domain.kernel.money import Money


class Kind(StrEnum):
    """Why an operation is there."""

    RULE = "RULE"  # a rule of a workflow point
    SETTLEMENT = "SETTLEMENT"  # the second operation of a rule (ACC-06)
    MANUAL_RULE = "MANUAL_RULE"  # a rule, chosen by a person (ACC-53)
    FREE_FORM = "FREE_FORM"  # all fields by a person (ACC-54)
    REVERSAL = "REVERSAL"  # the mirror of another (ACC-08)
    RETURN = "RETURN"  # takes back what the receiver of a batch rejected (ACC-37)


@dataclass(frozen=True, slots=True)
class Side:
    """One side of an operation: the collection, its account, and what that means to the general ledger."""

    collection: str
    account: str
    distribution_code: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One rule or manual entry carried out for one dispute: a debit and a credit of the same amount.

    `workflow_point`, `step_key`, `rule_code` (version 0) and the ids of other operations are empty for none. Days are
    yyyymmdd, instants microseconds UTC, 0 for not yet. `performed` and `executed` are two facts (ACC-04).
    """

    claim_id: str
    operation_id: str
    dispute_id: str
    client_code: str
    kind: Kind
    state: OperationState
    workflow_point: str
    step_key: str
    rule_code: str
    rule_version: int
    debit: Side
    credit: Side
    amount: Money
    entry_reason: str
    note: str
    tracking_only: bool
    accounting_day: int
    transaction_day: int
    reverses_id: str
    reversed_by_id: str
    settles_id: str
    performed_us: int
    performed_by: str
    executed_us: int = 0
    executed_by: str = ""
    external_reference: str = ""
    approved_us: int = 0
    approved_by: str = ""
    canceled_us: int = 0
    canceled_by: str = ""
    cancel_reason: str = ""

    def __post_init__(self) -> None:
        assert self.amount.minor > 0, "amounts are positive (ACC-07)"
        assert self.debit.account != self.credit.account, "debit and credit account differ (ACC-03)"

    @property
    def name(self) -> str:
        """Its resource name."""
        return operation_name(self.claim_id, self.operation_id)

    @property
    def is_assigned(self) -> bool:
        """Whether somebody is to carry it out, or has: what is for tracking only has no assignment."""
        return not self.tracking_only and self.state in {OperationState.PENDING, OperationState.EXECUTED}

    @property
    def posts(self) -> bool:
        """Whether its execution makes accounting details: what moved elsewhere makes none (ACC-11, but ACC-37)."""
        return not self.tracking_only or self.kind is Kind.RETURN
