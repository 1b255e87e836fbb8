"""What an operation means to the general ledger is known to be sound when it is created, not found out later."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from sqlalchemy import Connection

from domain.accounting.performing.model import Operation
from domain.kernel.call import Call
from domain.kernel.errors import Refused

_REMEMBERED_MAX = 10_000


class Ledger(Protocol):
    """What tells the general ledger of operations: contexts hand in values, a flow posts (`domain/flows`)."""

    def check(self, tx: Connection, codes: Collection[str], day: int) -> Mapping[str, str]:
        """The ledger of each distribution code; refuses what could not be posted on the day (yyyymmdd)."""
        ...

    def post(self, tx: Connection, call: Call, executed: Sequence[Operation]) -> None:
        """Make the accounting details of these operations, or of none."""
        ...


class LedgersDiffer(Refused):
    """The two accounts of an operation belong to different ledgers: it would leave the books of both out of balance."""

    reason = "LEDGERS_DIFFER"

    def __init__(self, debit_code: str, credit_code: str) -> None:
        super().__init__(debit_distribution_code=debit_code, credit_distribution_code=credit_code)


class Books:
    """The general ledger as one process sees it: what was found sound is not asked for again.

    That is safe, as distribution codes and periods are never deleted and a code never changes its ledger; and what is
    posted into a period that was closed since rolls to the next open one. Safe to share between threads.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._sound: dict[tuple[str, int], str] = {}

    def require(self, tx: Connection, operations: Iterable[Operation]) -> None:
        """Refuse operations that could not be posted once they are executed.

        Raises: DistributionCodeUnknown; PeriodMissing; NoOpenPeriod; LedgersDiffer. Cost: nothing for what was asked
        before, else four statements a day.
        """
        posting = [operation for operation in operations if operation.posts]
        unknown: dict[int, set[str]] = defaultdict(set)
        for each in posting:
            for side in (each.debit, each.credit):
                if (side.distribution_code, each.accounting_day) not in self._sound:
                    unknown[each.accounting_day].add(side.distribution_code)
        for day, codes in unknown.items():
            self._ask(tx, codes, day)
        for each in posting:
            debit, credit = each.debit.distribution_code, each.credit.distribution_code
            if self._sound[debit, each.accounting_day] != self._sound[credit, each.accounting_day]:
                raise LedgersDiffer(debit, credit)

    def post(self, tx: Connection, call: Call, executed: Sequence[Operation]) -> None:
        """Make the accounting details of these operations, or of none."""
        self._ledger.post(tx, call, executed)

    def _ask(self, tx: Connection, codes: Collection[str], day: int) -> None:
        found = self._ledger.check(tx, codes, day)
        if len(self._sound) > _REMEMBERED_MAX:
            self._sound.clear()
        self._sound.update({(code, day): ledger for code, ledger in found.items()})
