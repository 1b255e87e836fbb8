"""What performing refuses, each with its own reason."""

from __future__ import annotations

from domain.accounting.names import CLAIM_TYPE, OPERATION_TYPE, claim_name, operation_name
from domain.kernel.errors import AlreadyExists, Forbidden, IllegalTransition, NotFound, Refused


class OperationNotFound(NotFound):
    """There is no such operation."""

    reason = "ACCOUNTING_OPERATION_NOT_FOUND"

    def __init__(self, claim_id: str, operation_id: str) -> None:
        super().__init__(OPERATION_TYPE, operation_name(claim_id, operation_id))


class StepExecuted(AlreadyExists):
    """The workflow point was run for this dispute with this step key before."""

    reason = "STEP_ALREADY_EXECUTED"

    def __init__(self, claim_id: str, dispute_id: str, workflow_point: str, step_key: str) -> None:
        super().__init__(
            f"{workflow_point} was run for dispute {dispute_id} with step key {step_key!r} before",
            resource_type=CLAIM_TYPE,
            resource_name=claim_name(claim_id),
            dispute=dispute_id,
            workflow_point=workflow_point,
            step_key=step_key,
        )


class AccountsEqual(Refused):
    """The debit and the credit account of an operation are never the same."""

    reason = "ACCOUNTS_EQUAL"

    def __init__(self, rule: str, debit_collection: str, credit_collection: str) -> None:
        super().__init__(rule=rule, debit_collection=debit_collection, credit_collection=credit_collection)


class EntryAmountNegative(Refused):
    """The rule's entry amount is negative: it would move the wrong way."""

    reason = "ENTRY_AMOUNT_NEGATIVE"

    def __init__(self, rule: str, dispute_id: str, name: str) -> None:
        super().__init__(
            f"the entry amount {name} of rule {rule} for dispute {dispute_id} is negative: it would move the wrong way",
            rule=rule,
            dispute=dispute_id,
            field=name,
        )


class ClaimDateMissing(Refused):
    """The claim lacks the date from which the rule's delay counts."""

    reason = "CLAIM_DATE_MISSING"

    def __init__(self, rule: str, claim_id: str, date: str) -> None:
        super().__init__(
            f"rule {rule} waits from the date {date!r}, which the claim does not have",
            rule=rule,
            resource_name=claim_name(claim_id),
            date=date,
        )


class QualificationMissing(Forbidden):
    """Manual accounting of this client is for qualified users."""

    reason = "MANUAL_ACCOUNTING_RESTRICTED"


class OperationTransition(IllegalTransition):
    """The operation is in another state."""

    reason = "ACCOUNTING_OPERATION_STATE"


class ReversalOfReversal(Refused):
    """A reversal cannot be reversed."""

    reason = "REVERSAL_NOT_REVERSIBLE"


class AlreadyReversed(Refused):
    """The operation is reversed already, or a reversal of it is under way."""

    reason = "ACCOUNTING_OPERATION_REVERSED"


class CallInProgress(Refused):
    """It is being carried out just now; wait for what comes of it."""

    reason = "CALL_IN_PROGRESS"


class OutcomeInDoubt(Refused):
    """Nobody knows whether it was carried out; record first what the system of record shows."""

    reason = "OUTCOME_IN_DOUBT"


class ApprovalOfOwn(Forbidden):
    """Nobody approves what they performed themselves."""

    reason = "ACCOUNTING_APPROVAL_OWN"
