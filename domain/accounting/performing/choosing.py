"""The rules that people may use by hand, each with the values that it would use (ACC-53)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from domain.accounting.claims import service as claims
from domain.accounting.configuration.model import AmountSource, RuleVersion
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.performing.amounts import amounts_of
from domain.accounting.performing.manual import draft_of
from domain.accounting.performing.planning import Facts, Planned, plan
from domain.accounting.performing.requests import Entry
from domain.accounting.performing.store import balances
from domain.kernel.call import Call
from domain.kernel.errors import DomainError
from domain.kernel.money import Money
from domain.kernel.paging import Key, Page


@dataclass(frozen=True, slots=True)
class Choice:
    """A rule, the amounts that it takes by itself, and what performing it would come to, or why it could not be."""

    rule: RuleVersion
    amounts: tuple[Money, ...]
    planned: Planned | None
    error: DomainError | None

    @property
    def takes_callers_amount(self) -> bool:
        """Whether the caller has to give the amount."""
        return self.rule.settings.entry_amount.source is AmountSource.CALLER


def choices(tx: Connection, call: Call, configurations: Configurations, entry: Entry, page: Page) -> list[Choice]:
    """One rule more than the page holds, if there is one, by position and code; `key_of` gives a rule's key.

    A rule that takes the caller's amount is told for that of the entry, or for the disputed amount.

    Raises: ClaimNotFound; DisputeNotFound. Cost: five statements.
    """
    facts = _facts(tx, call, configurations, entry)
    rules = facts.snapshot.manual_rules_at(facts.claim.claim_type_code, call.now_us)
    behind = [rule for rule in rules if page.after is None or _place(rule) > (page.after[0], page.after[1])]
    return [_choice(facts, call, rule, entry) for rule in behind[: page.size + 1]]


def key_of(choice: Choice) -> Key:
    """Where a rule stands."""
    return list(_place(choice.rule))


def _place(rule: RuleVersion) -> tuple[int | str, int | str]:
    return rule.settings.position, rule.code


def _facts(tx: Connection, call: Call, configurations: Configurations, entry: Entry) -> Facts:
    """What is known for it; nothing is locked, as nothing is performed."""
    claim = claims.get(tx, entry.claim_id, call.scope)
    dispute = claims.get_dispute(tx, entry.claim_id, entry.dispute_id, call.scope)
    snapshot = configurations.current(tx)
    executed = balances.executed(tx, [(entry.claim_id, entry.dispute_id)])
    return Facts(snapshot, snapshot.clients[claim.client_code], claim, {dispute.dispute_id: dispute}, executed)


def _choice(facts: Facts, call: Call, rule: RuleVersion, entry: Entry) -> Choice:
    dispute = facts.disputes[entry.dispute_id]
    shown = entry.amount or dispute.amount
    amounts: list[Money] = []
    try:
        if rule.settings.entry_amount.source is not AmountSource.CALLER:
            amounts = amounts_of(rule, entry, dispute, facts.balances, field="entry")
            shown = amounts[0] if amounts else shown
        shown = Money(max(shown.minor, 1), shown.currency)  # nothing to move: accounts are told all the same
        return Choice(rule, tuple(amounts), plan(facts, call, draft_of(rule, dispute, shown)), None)
    except DomainError as refused:
        return Choice(rule, tuple(amounts), None, refused)
