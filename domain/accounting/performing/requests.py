"""What callers ask to be performed, as values."""

from __future__ import annotations

from dataclasses import dataclass

from domain.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Entry:
    """A dispute that a workflow point is run for; `amount` is the caller's, for rules that take it (ACC-01).

    `claim_id` is that of the dispute's name, which a caller may have got wrong.
    """

    claim_id: str
    dispute_id: str
    amount: Money | None = None


@dataclass(frozen=True, slots=True)
class Execution:
    """A workflow point of a claim, all its rules, in one transaction (ACC-05). `step_key` empty: none."""

    claim_id: str
    workflow_point: str
    entries: tuple[Entry, ...]
    step_key: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class ManualByRule:
    """A rule chosen by a person (ACC-53); `rule_version` 0: the one that holds now."""

    claim_id: str
    entry: Entry
    rule_code: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class FreeForm:
    """An adjustment of which a person gives all fields (ACC-54); accounts empty: as the tables decide."""

    claim_id: str
    entry: Entry
    debit_collection: str
    credit_collection: str
    entry_reason: str
    debit_account: str = ""
    credit_account: str = ""
    tracking_only: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A rule that was not run for a dispute, as there is nothing to move: its entry amount is zero (ACC-05)."""

    claim_id: str
    dispute_id: str
    rule_code: str
