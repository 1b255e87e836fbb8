"""What stands in the way of a claim's end, and what would settle it (ACC-52)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.accounting.execution.model import Assignment
from domain.accounting.names import collection_name, dispute_name, operation_name
from domain.accounting.performing.model import Operation
from domain.kernel.money import Money


class ObstacleKind(StrEnum):
    """What stands in the way."""

    BALANCE_NOT_ZERO = "BALANCE_NOT_ZERO"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    PENDING = "PENDING"
    FAILED = "FAILED"
    IN_DOUBT = "IN_DOUBT"


class RemedyKind(StrEnum):
    """What settles an obstacle, or helps to."""

    PERFORM_RULE = "PERFORM_RULE"
    PERFORM_FREE_FORM = "PERFORM_FREE_FORM"
    APPROVE_OPERATION = "APPROVE_OPERATION"
    CANCEL_OPERATION = "CANCEL_OPERATION"
    AWAIT_EXECUTION = "AWAIT_EXECUTION"
    EXECUTE_FIRST_OPERATION = "EXECUTE_FIRST_OPERATION"
    GENERATE_FILES = "GENERATE_FILES"
    COMPLETE_ASSIGNMENT = "COMPLETE_ASSIGNMENT"
    RETRY_ASSIGNMENT = "RETRY_ASSIGNMENT"
    REROUTE_ASSIGNMENT = "REROUTE_ASSIGNMENT"
    RECORD_OUTCOME = "RECORD_OUTCOME"


_SENTENCES = {
    RemedyKind.PERFORM_RULE: "perform {resource} for {amount}",
    RemedyKind.PERFORM_FREE_FORM: "perform a free-form adjustment of {amount}",
    RemedyKind.APPROVE_OPERATION: "approve {resource}",
    RemedyKind.CANCEL_OPERATION: "cancel {resource}",
    RemedyKind.AWAIT_EXECUTION: "wait for {resource} to be carried out",
    RemedyKind.EXECUTE_FIRST_OPERATION: "see to {resource}, on which it follows",
    RemedyKind.GENERATE_FILES: "have the files of {resource} written now",
    RemedyKind.COMPLETE_ASSIGNMENT: "carry it out and complete {resource}",
    RemedyKind.RETRY_ASSIGNMENT: "retry {resource}",
    RemedyKind.REROUTE_ASSIGNMENT: "re-route {resource}",
    RemedyKind.RECORD_OUTCOME: "record what the system of record shows of {resource}",
}


@dataclass(frozen=True, slots=True)
class Remedy:
    """One way to settle an obstacle: with what resource (its name; empty for none), and by how much."""

    kind: RemedyKind
    resource: str = ""
    amount: Money | None = None

    @property
    def sentence(self) -> str:
        """For a person."""
        return _SENTENCES[self.kind].format(resource=self.resource, amount=self.amount)


@dataclass(frozen=True, slots=True)
class Unsettled:
    """The executed balance of a dispute in a collection, that is not zero and would have to be."""

    claim_id: str
    dispute_id: str
    collection: str
    balance: Money


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An operation that is neither executed nor canceled, and its assignment, if it has one."""

    operation: Operation
    assignment: Assignment | None


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing that stands in the way, and what would settle it, the best first."""

    kind: ObstacleKind
    of: Unsettled | Unfinished
    remedies: tuple[Remedy, ...]

    @property
    def subject(self) -> str:
        """The resource name of the dispute that is not settled, or of the operation."""
        if isinstance(self.of, Unsettled):
            return dispute_name(self.of.claim_id, self.of.dispute_id)
        return operation_name(self.of.operation.claim_id, self.of.operation.operation_id)

    @property
    def sentence(self) -> str:
        """For a person."""
        if isinstance(self.of, Unsettled):
            return f"{collection_name(self.of.collection)} is {self.of.balance}, and must be zero"
        return f"{self.of.operation.amount} {_STANDS[self.kind]}"


_STANDS = {
    ObstacleKind.AWAITING_APPROVAL: "waits for another person's approval",
    ObstacleKind.PENDING: "is not executed yet",
    ObstacleKind.FAILED: "could not be carried out",
    ObstacleKind.IN_DOUBT: "may or may not have been carried out",
}


@dataclass(frozen=True, slots=True)
class Check:
    """Whether a claim's accounting allows a resolution: some of what stands in the way, and how much that is."""

    obstacles: tuple[Obstacle, ...]
    count: int

    @property
    def allowed(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.count
