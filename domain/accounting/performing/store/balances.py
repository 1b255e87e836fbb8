"""The SQL of balances by collection: credits less debits, kept with every change (ACC-50)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from domain.accounting.performing.model import Operation
from domain.accounting.tables import collection_balance
from domain.kernel.keys import among
from domain.kernel.script import Script

BalanceKey = tuple[str, str, str, str]
"""Claim, dispute, collection, currency."""

_COLUMNS = (
    "claim_id",
    "dispute_id",
    "collection_code",
    "currency",
    "executed_minor",
    "pending_minor",
    "executed_count",
    "pending_count",
)
_MOVED = _COLUMNS[4:]
_ADD = "ON CONFLICT (claim_id, dispute_id, collection_code, currency) DO UPDATE SET " + ", ".join(
    f"{name} = collection_balance.{name} + excluded.{name}" for name in _MOVED
)
_b = collection_balance.c


@dataclass(frozen=True, slots=True)
class Move:
    """How often an operation's amount is added to what is executed, and to what is pending: 1, 0 or -1."""

    operation: Operation
    executed: int
    pending: int


def move(script: Script, moves: Iterable[Move]) -> None:
    """Add the sides of operations to the balances of their collections. The claims are locked.

    Cost: one statement of the script, however many operations; rows are written in the order of their keys.
    """
    sums: dict[BalanceKey, list[int]] = {}
    for each in moves:
        operation, minor = each.operation, each.operation.amount.minor
        again = int(operation.credit.collection != operation.debit.collection)  # within one it counts once
        for side, signed, counts in ((operation.debit, -minor, 1), (operation.credit, minor, again)):
            key = (operation.claim_id, operation.dispute_id, side.collection, operation.amount.currency)
            total = sums.setdefault(key, [0, 0, 0, 0])
            total[0] += each.executed * signed
            total[1] += each.pending * signed
            total[2] += each.executed * counts
            total[3] += each.pending * counts
    script.insert("collection_balance", _COLUMNS, [(*key, *sums[key]) for key in sorted(sums)], then=_ADD)


def executed(tx: Connection, disputes: Iterable[tuple[str, str]]) -> dict[BalanceKey, int]:
    """The executed balances of disputes (claim and dispute), in minor units. Cost: one statement."""
    wanted = sorted(set(disputes))
    if not wanted:
        return {}
    query = select(_b.claim_id, _b.dispute_id, _b.collection_code, _b.currency, _b.executed_minor)
    rows = tx.execute(query.where(among((_b.claim_id, _b.dispute_id), wanted)))
    return {(row[0], row[1], row[2], row[3]): row[4] for row in rows}
