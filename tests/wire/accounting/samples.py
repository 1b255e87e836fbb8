"""A shop for the tests of accounting on the wire: books, clients of every channel, rules, and requests in short."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.json_format import ParseDict

from countinghouse.accounting.v1 import account_determination_pb2 as determination_pb
from countinghouse.accounting.v1 import accounting_rules_pb2 as rules_pb
from countinghouse.accounting.v1 import accounting_service_pb2_grpc as grpc_service
from countinghouse.accounting.v1 import clients_pb2, configuration_pb2
from countinghouse.gl_extraction.v1 import distribution_codes_pb2
from tests.wire.gl_extraction.samples import Gl, open_books

Accounting = grpc_service.AccountingServiceStub
Fields = Mapping[str, Any]

SYSTEM_OF_RECORD = "core-bank"
"""The connection that the client SERVICE is configured with; the server's file of them must name it."""

ACCOUNTS = {"FEES": "4100", "LOSS": "6100", "MERCHANT": "2100", "SUSPENSE": "1990"}
"""The account of each collection but the account holder's, which the claim names; its distribution code is its name."""

CLIENTS: Mapping[str, Fields] = {
    "MANUAL": {},
    "BATCH": {"batch": {"cut_off": {"hours": 17}, "format": "BATCH_FILE_FORMAT_CSV"}},
    "SERVICE": {"service": {"system_of_record": SYSTEM_OF_RECORD, "max_retries": 3}},
}
"""A client for each channel, in UTC, with Saturdays and Sundays off."""

CALLER = {"source": "ENTRY_AMOUNT_SOURCE_CALLER"}
TRACKING_ONLY = {"processing_type": "PROCESSING_TYPE_TRACKING_ONLY"}

RULES: Mapping[str, Fields] = {
    "PROVISIONAL_CREDIT": {
        "workflow_point": "CREDIT",
        "debit_collection_code": "SUSPENSE",
        "credit_collection_code": "ACCOUNT_HOLDER",
        "entry_amount": {"source": "ENTRY_AMOUNT_SOURCE_DISPUTE_FIELD", "name": "amount"},
    },
    "CHARGEBACK": {
        "workflow_point": "CHARGEBACK",
        "debit_collection_code": "MERCHANT",
        "credit_collection_code": "SUSPENSE",
        "entry_amount": CALLER,
        **TRACKING_ONLY,
    },
    "FEE": {
        "workflow_point": "FEE",
        "debit_collection_code": "ACCOUNT_HOLDER",
        "credit_collection_code": "FEES",
        "entry_amount": {"source": "ENTRY_AMOUNT_SOURCE_DISPUTE_FIELD", "name": "fee"},
        "manual": True,
    },
    "WRITE_OFF": {
        "workflow_point": "WRITE_OFF",
        "debit_collection_code": "LOSS",
        "credit_collection_code": "SUSPENSE",
        "entry_amount": {"source": "ENTRY_AMOUNT_SOURCE_COLLECTION_BALANCE", "name": "SUSPENSE"},
        "manual": True,
    },
}
"""Rules of the claim type CARD, by code; what all have in common is added when they are created."""


def open_shop(accounting: Accounting, gl: Gl, clients: Mapping[str, Fields] = CLIENTS) -> None:
    """Books of 2026, the account of each collection, a claim type, clients and rules."""
    open_books(gl)
    for code in ("ACCOUNT_HOLDER", *ACCOUNTS):
        distribution = {"code": code, "ledger_code": "MAIN", "bulking_group": "CLAIMS"}
        create_distribution_code(gl, **distribution)
    create_claim_type(accounting, "CARD")
    create_table(accounting, "ACCOUNT_HOLDER", account_expression="claim.account")
    for code, account in ACCOUNTS.items():
        create_table(accounting, code, account=account)
    for code, settings in clients.items():
        create_client(accounting, code, **settings)
    for code, says in RULES.items():
        create_rule(accounting, code, **says)


def create_distribution_code(gl: Gl, **fields: Any) -> distribution_codes_pb2.DistributionCode:
    request = {"distribution_code": fields}
    return gl.CreateDistributionCode(ParseDict(request, distribution_codes_pb2.CreateDistributionCodeRequest()))


def create_claim_type(accounting: Accounting, code: str) -> configuration_pb2.ClaimType:
    request = configuration_pb2.CreateClaimTypeRequest(claim_type=configuration_pb2.ClaimType(code=code))
    return accounting.CreateClaimType(request)


def create_collection(accounting: Accounting, code: str, **fields: Any) -> configuration_pb2.Collection:
    """A collection."""
    request = {"collection": {"code": code, **fields}}
    return accounting.CreateCollection(ParseDict(request, configuration_pb2.CreateCollectionRequest()))


def create_table(
    accounting: Accounting, collection: str, *, condition: str = "true", **row: str
) -> determination_pb.AccountDeterminationTable:
    """The account determination table of a collection, with one row."""
    row = {"condition": condition, "distribution_code": collection, **row}
    return create_determination(accounting, {"collection_code": collection, "rows": [row]})


def create_determination(accounting: Accounting, table: Fields) -> determination_pb.AccountDeterminationTable:
    """An account determination table."""
    request = {"account_determination_table": table}
    return accounting.CreateAccountDeterminationTable(
        ParseDict(request, determination_pb.CreateAccountDeterminationTableRequest())
    )


def create_client(accounting: Accounting, code: str, *, request: Fields | None = None, **fields: Any) -> Any:
    """A client in UTC, unless `fields` say otherwise; `request` are fields beside it."""
    asked = {"client": {"code": code, "time_zone": "UTC", **fields}, **(request or {})}
    return accounting.CreateClient(ParseDict(asked, clients_pb2.CreateClientRequest()))


def update_client(accounting: Accounting, code: str, *mask: str, **fields: Any) -> clients_pb2.Client:
    """Change fields of a client, whatever its etag."""
    found = accounting.GetClient(clients_pb2.GetClientRequest(name=f"clients/{code}"))
    asked = {"client": {"name": found.name, "etag": found.etag, **fields}}
    request = ParseDict(asked, clients_pb2.UpdateClientRequest())
    request.update_mask.paths.extend(mask or fields)
    return accounting.UpdateClient(request)


def rule_fields(**says: Any) -> dict[str, Any]:
    """What a version of a rule of the claim type CARD says, unless told otherwise; None leaves a field out."""
    fields = {
        "claim_type_codes": ["CARD"],
        "workflow_point": "CREDIT",
        "debit_collection_code": "SUSPENSE",
        "credit_collection_code": "ACCOUNT_HOLDER",
        "entry_reason": "DISPUTE",
        "entry_amount": CALLER,
        "processing_type": "PROCESSING_TYPE_EXECUTE",
        **says,
    }
    return {name: value for name, value in fields.items() if value is not None}


def create_rule(
    accounting: Accounting, code: str, *, request: Fields | None = None, **says: Any
) -> rules_pb.AccountingRule:
    """A rule; `request` are fields beside it."""
    asked = {"accounting_rule": {"code": code, "newest_version": rule_fields(**says)}, **(request or {})}
    return accounting.CreateAccountingRule(ParseDict(asked, rules_pb.CreateAccountingRuleRequest()))


def change_rule(accounting: Accounting, code: str, **says: Any) -> rules_pb.AccountingRuleVersion:
    """A new version of a rule, whatever its etag."""
    found = accounting.GetAccountingRule(rules_pb.GetAccountingRuleRequest(name=f"accountingRules/{code}"))
    asked = {"parent": found.name, "etag": found.etag, "accounting_rule_version": rule_fields(**says)}
    return accounting.CreateAccountingRuleVersion(ParseDict(asked, rules_pb.CreateAccountingRuleVersionRequest()))
