"""The money path of accounting: an executed operation becomes two accounting details, a debit and a credit.

What the two sides mean to the ledger is told by their distribution codes; it is checked when an operation is created.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from domain.accounting.names import claim_name
from domain.accounting.performing.model import Kind, Operation
from domain.flows import codes
from domain.flows.post import Entry, post
from domain.gl_extraction.details.model import Maker, SubjectType
from domain.gl_extraction.distribution.model import Distribution
from domain.kernel import scopes
from domain.kernel.call import Call
from domain.kernel.money import Money
from domain.kernel.scopes import EVERYTHING, Scope

SOURCE = "accounting"
"""The source of the details; their external ids are `{operation_id}/D` and `{operation_id}/C`."""


_BACK = frozenset({Kind.REVERSAL, Kind.RETURN})


class Posting:
    """Posts what accounting executes, whatever the ledgers that its caller sees: who may execute, posts."""

    def ledgers(self, tx: Connection, names: Collection[str]) -> dict[str, str]:
        """As `codes.ledgers`."""
        return codes.ledgers(tx, names)

    def check(self, tx: Connection, names: Collection[str], day: int) -> dict[str, str]:
        """As `codes.check`."""
        return codes.check(tx, names, day)

    def post(self, tx: Connection, call: Call, executed: Sequence[Operation]) -> None:
        """Make both details of each operation that posts, or none of any.

        The audit trail has one entry, for those who see the clients and ledgers. Cost: two statements, and those of
        `post`, however many operations.

        Raises: DistributionCodeUnknown, PeriodMissing, NoOpenPeriod: none of them once `check` has let it through but
        for periods closed since; AlreadyPosted.
        """
        posting = [operation for operation in executed if operation.posts]
        if not posting:
            return
        named = {side.distribution_code for each in posting for side in (each.debit, each.credit)}
        known = codes.meanings(tx, named)
        entries = [entry for operation in posting for entry in _entries(operation, known)]
        ledgers, clients = {found.ledger_code for found in known.values()}, {each.client_code for each in posting}
        concerned = Scope(frozenset(ledgers), frozenset(clients), frozenset())
        scope_id = scopes.intern(tx, concerned)
        post(tx, replace(call, scope=EVERYTHING), entries, Maker.ACCOUNTING, scope_id=scope_id)


def ledgers_differ(ledgers: Mapping[str, str], debit: str, credit: str) -> bool:
    """Whether two distribution codes name different ledgers, as `Posting.check` tells them.

    An operation between them balances, but would leave the books of both ledgers out of balance, each by its amount:
    whoever creates operations refuses it.
    """
    return ledgers[debit] != ledgers[credit]


def _entries(operation: Operation, known: Mapping[str, Distribution]) -> Iterator[Entry]:
    yield _entry(operation, "D", known[operation.debit.distribution_code], operation.amount)
    yield _entry(operation, "C", known[operation.credit.distribution_code], -operation.amount)


def _entry(operation: Operation, side: str, meaning: Distribution, amount: Money) -> Entry:
    """One side: where the code is silent on the category, the rule that made the operation stands there."""
    return Entry(
        source=SOURCE,
        source_id=f"{operation.operation_id}/{side}",
        subject_type=SubjectType.CLAIM,
        subject=claim_name(operation.claim_id),
        ledger_code=meaning.ledger_code,
        day=operation.accounting_day,
        transaction_day=operation.transaction_day,
        amount=amount,
        description=operation.entry_reason,
        grouping=operation.operation_id,
        bulking_group=meaning.bulking_group,
        reversal=operation.kind in _BACK,
        distribution_account=meaning.distribution_account,
        category=meaning.category or operation.rule_code,
        group_account_code=meaning.group_account_code,
        gl_segments=meaning.gl_segments,
        attributes=meaning.attributes,
    )
