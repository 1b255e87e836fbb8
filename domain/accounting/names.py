"""Resource names of the room (AIP-122), made and read in one place."""

from __future__ import annotations

CLIENT_TYPE = "countinghouse.accounting/Client"
CLAIM_TYPE_TYPE = "countinghouse.accounting/ClaimType"
COLLECTION_TYPE = "countinghouse.accounting/Collection"
DETERMINATION_TYPE = "countinghouse.accounting/AccountDeterminationTable"
RULE_TYPE = "countinghouse.accounting/AccountingRule"
RULE_VERSION_TYPE = "countinghouse.accounting/AccountingRuleVersion"
CLAIM_TYPE = "countinghouse.accounting/Claim"
DISPUTE_TYPE = "countinghouse.accounting/Dispute"
EVENT_TYPE = "countinghouse.accounting/AccountingEvent"
OPERATION_TYPE = "countinghouse.accounting/AccountingOperation"
ASSIGNMENT_TYPE = "countinghouse.accounting/Assignment"
TASK_TYPE = "countinghouse.accounting/Task"
BATCH_TYPE = "countinghouse.accounting/AccountingBatch"


def client_name(code: str) -> str:
    """`clients/{code}`."""
    return f"clients/{code}"


def claim_type_name(code: str) -> str:
    """`claimTypes/{code}`."""
    return f"claimTypes/{code}"


def collection_name(code: str) -> str:
    """`collections/{code}`."""
    return f"collections/{code}"


def determination_name(collection_code: str) -> str:
    """`accountDeterminationTables/{collection}`."""
    return f"accountDeterminationTables/{collection_code}"


def rule_name(code: str) -> str:
    """`accountingRules/{code}`."""
    return f"accountingRules/{code}"


def rule_version_name(code: str, version: int) -> str:
    """`accountingRules/{code}/versions/{number}`."""
    return f"accountingRules/{code}/versions/{version}"


def claim_name(claim_id: str) -> str:
    """`claims/{claim}`."""
    return f"claims/{claim_id}"


def dispute_name(claim_id: str, dispute_id: str) -> str:
    """`claims/{claim}/disputes/{dispute}`."""
    return f"claims/{claim_id}/disputes/{dispute_id}"


def event_name(claim_id: str, sequence: int) -> str:
    """`claims/{claim}/events/{sequence}`."""
    return f"claims/{claim_id}/events/{sequence}"


def operation_name(claim_id: str, operation_id: str) -> str:
    """`claims/{claim}/operations/{operation}`."""
    return f"claims/{claim_id}/operations/{operation_id}"


def assignment_name(claim_id: str, operation_id: str) -> str:
    """`claims/{claim}/assignments/{operation}`: an assignment has the id of its operation."""
    return f"claims/{claim_id}/assignments/{operation_id}"


def task_name(client_code: str, task_id: str) -> str:
    """`clients/{client}/tasks/{task}`."""
    return f"clients/{client_code}/tasks/{task_id}"


def batch_name(client_code: str, batch_no: int) -> str:
    """`clients/{client}/accountingBatches/{number}`."""
    return f"clients/{client_code}/accountingBatches/{batch_no}"
