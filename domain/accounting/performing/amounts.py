"""What a rule moves for a dispute: pure decisions (ACC-01, ACC-05, ACC-07)."""

from __future__ import annotations

from collections.abc import Mapping

from domain.accounting.claims.model import Dispute
from domain.accounting.configuration.model import DISPUTED_AMOUNT, AmountSource, RuleVersion
from domain.accounting.performing.errors import EntryAmountNegative
from domain.accounting.performing.requests import Entry
from domain.kernel.errors import Invalid, Violation
from domain.kernel.money import Money

Balances = Mapping[tuple[str, str, str, str], int]
"""Executed minor units by claim, dispute, collection and currency."""


def amounts_of(rule: RuleVersion, entry: Entry, dispute: Dispute, balances: Balances, *, field: str) -> list[Money]:
    """The amounts that the rule moves, each positive, one a currency; none when there is nothing to move.

    Of a balance it moves what brings it to zero in the rule's own direction. `field` is the path of the entry.

    Raises: Invalid for an amount that the caller had to give; EntryAmountNegative.
    """
    wanted = rule.settings.entry_amount
    if wanted.source is AmountSource.CALLER:
        if entry.amount is None:
            text = f"must be given: rule {rule.code} takes the caller's amount"
            raise Invalid(Violation(f"{field}.amount", "AMOUNT_REQUIRED", text))
        found = [entry.amount]
    elif wanted.source is AmountSource.DISPUTE_FIELD:
        found = [_field_of(rule, dispute, wanted.name, field)]
    else:
        found = _to_zero(rule, dispute, wanted.name, balances)
    if any(amount.minor < 0 for amount in found):
        raise EntryAmountNegative(rule.code, dispute.dispute_id, wanted.name or "amount")
    return [amount for amount in found if amount.minor]


def reads_balances(rule: RuleVersion) -> bool:
    """Whether what it moves depends on balances."""
    return rule.settings.entry_amount.source is AmountSource.COLLECTION_BALANCE


def _field_of(rule: RuleVersion, dispute: Dispute, name: str, field: str) -> Money:
    if name == DISPUTED_AMOUNT:
        return dispute.amount
    amount = dispute.amounts.get(name)
    if amount is None:
        text = f"has no amount {name!r}, which rule {rule.code} takes"
        raise Invalid(Violation(f"{field}.dispute", "DISPUTE_AMOUNT_MISSING", text))
    return amount


def _to_zero(rule: RuleVersion, dispute: Dispute, collection: str, balances: Balances) -> list[Money]:
    """What the rule has to move, by currency, so that the collection's executed balance becomes zero.

    A debit takes from a balance (credits less debits), a credit adds to it. Of a collection on neither side the
    balance itself is taken.
    """
    sign = -1 if collection == rule.settings.credit_collection else 1
    return [
        Money(sign * minor, currency)
        for (claim_id, dispute_id, code, currency), minor in sorted(balances.items())
        if (claim_id, dispute_id, code) == (dispute.claim_id, dispute.dispute_id, collection)
    ]
