"""What conditions and expressions of the configuration can read, and how the values for it are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.kernel.conditions.shapes import Kind, Shape, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.accounting.claims.model import Claim, Dispute
    from domain.accounting.configuration.model import Client, RuleVersion
    from domain.kernel.money import Money

DEBIT, CREDIT = "DEBIT", "CREDIT"
"""The sides of an operation, as expressions read them."""

STEADY = frozenset({"client", "rule"})
"""Roots that stay the same as long as the configuration does."""

_CLAIM = {
    "code": Kind.TEXT,
    "client": Kind.TEXT,
    "claim_type": Kind.TEXT,
    "account": Kind.TEXT,
    "attributes": Kind.TEXT_MAP,
}
_DISPUTE = {
    "code": Kind.TEXT,
    "amount_minor": Kind.INTEGER,
    "currency": Kind.TEXT,
    "attributes": Kind.TEXT_MAP,
    "amounts_minor": Kind.INTEGER_MAP,
}
_RULE = {
    "code": Kind.TEXT,
    "version": Kind.INTEGER,
    "workflow_point": Kind.TEXT,
    "entry_reason": Kind.TEXT,
    "debit_collection": Kind.TEXT,
    "credit_collection": Kind.TEXT,
}
_CLIENT = {"code": Kind.TEXT, "service_configured": Kind.BOOLEAN, "batch_enabled": Kind.BOOLEAN}
_OPERATION = {"amount_minor": Kind.INTEGER, "currency": Kind.TEXT}

OPERATIONS = Shape({"claim": _CLAIM, "dispute": _DISPUTE, "rule": _RULE, "client": _CLIENT, "operation": _OPERATION})
"""What pre-conditions can read: all about an operation that is being performed."""

SIDES = Shape({**OPERATIONS.roots, "operation": {**_OPERATION, "side": Kind.TEXT}})
"""What account determination tables can read: all about one side of it."""


def claim_values(claim: Claim) -> Mapping[str, Value]:
    """The root `claim`."""
    return {
        "code": claim.claim_id,
        "client": claim.client_code,
        "claim_type": claim.claim_type_code,
        "account": claim.account,
        "attributes": claim.attributes,
    }


def dispute_values(dispute: Dispute) -> Mapping[str, Value]:
    """The root `dispute`."""
    return {
        "code": dispute.dispute_id,
        "amount_minor": dispute.amount.minor,
        "currency": dispute.amount.currency,
        "attributes": dispute.attributes,
        "amounts_minor": {name: amount.minor for name, amount in dispute.amounts.items()},
    }


def rule_values(rule: RuleVersion) -> Mapping[str, Value]:
    """The root `rule`."""
    settings = rule.settings
    return {
        "code": rule.code,
        "version": rule.rule_version,
        "workflow_point": settings.workflow_point,
        "entry_reason": settings.entry_reason,
        "debit_collection": settings.debit_collection,
        "credit_collection": settings.credit_collection,
    }


def ruleless_values(*, debit_collection: str, credit_collection: str, entry_reason: str) -> Mapping[str, Value]:
    """The root `rule` of what a person enters without one: code and workflow point are empty, the version is 0."""
    return {
        "code": "",
        "version": 0,
        "workflow_point": "",
        "entry_reason": entry_reason,
        "debit_collection": debit_collection,
        "credit_collection": credit_collection,
    }


def client_values(client: Client) -> Mapping[str, Value]:
    """The root `client`."""
    settings = client.settings
    return {
        "code": client.code,
        "service_configured": settings.service is not None,
        "batch_enabled": settings.batch is not None,
    }


def operation_values(amount: Money, side: str = "") -> Mapping[str, Value]:
    """The root `operation`; `side` is DEBIT or CREDIT where accounts are determined."""
    values: dict[str, Value] = {"amount_minor": amount.minor, "currency": amount.currency}
    return {**values, "side": side} if side else values
