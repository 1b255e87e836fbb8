"""From operations to balances: pure, and the meaning of what is kept by collection (ACC-50)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from domain.accounting.balances.model import NOTHING, Figures, Part, Place, Step, StepSide, Sums
from domain.accounting.performing.model import Operation
from domain.accounting.performing.states import OperationState


@dataclass(frozen=True, slots=True)
class Moved:
    """So many operations of a dispute that count in one part, and what they moved from debit to credit together."""

    dispute_id: str
    debit: str
    credit: str
    currency: str
    part: Part
    minor: int
    count: int


def part_of(operation: Operation) -> Part | None:
    """The part that an operation counts in now."""
    if operation.state is OperationState.EXECUTED:
        return Part.EXECUTED
    return Part.PENDING if operation.state.counts_as_pending else None


def part_at(operation: Operation, at_us: int) -> Part | None:
    """The part that an operation counted in at an instant; None before it was performed, and once it was canceled."""
    if operation.performed_us > at_us:
        return None
    if 0 < operation.executed_us <= at_us:
        return Part.EXECUTED
    return None if 0 < operation.canceled_us <= at_us else Part.PENDING


def moved_by(operation: Operation, part: Part | None) -> Iterator[Moved]:
    """What one operation moves; nothing when it counts in no part."""
    if part is not None:
        yield Moved(
            operation.dispute_id,
            operation.debit.collection,
            operation.credit.collection,
            operation.amount.currency,
            part,
            operation.amount.minor,
            1,
        )


def fold(moved: Iterable[Moved]) -> dict[tuple[str, Place], Figures]:
    """What collections have come to, by dispute, collection and currency.

    An operation within one collection counts there once, and moves nothing.
    """
    found: dict[tuple[str, Place], Figures] = {}
    for each in moved:
        debit, credit = (each.dispute_id, (each.debit, each.currency)), (each.dispute_id, (each.credit, each.currency))
        found[debit] = found.get(debit, NOTHING) + _figures(each.part, -each.minor, each.count)
        again = 0 if each.debit == each.credit else each.count
        found[credit] = found.get(credit, NOTHING) + _figures(each.part, each.minor, again)
    return found


def over_disputes(by_dispute: Iterable[tuple[tuple[str, Place], Figures]]) -> dict[Place, tuple[Figures, int]]:
    """What the disputes come to together, and how many of them have an executed balance that is not zero."""
    found: dict[Place, tuple[Figures, int]] = {}
    for (_, place), figures in by_dispute:
        sums, off = found.get(place, (NOTHING, 0))
        found[place] = sums + figures, off + (figures.executed_minor != 0)
    return found


def running(before: Sums, operations: Iterable[Operation]) -> Iterator[Step]:
    """Both steps of each operation, the debit first, each with what its collection has come to by then."""
    sums = dict(before)
    for operation in operations:
        part, within = part_of(operation), operation.debit.collection == operation.credit.collection
        for side in StepSide:
            debit = side is StepSide.DEBIT
            of, sign = (operation.debit, -1) if debit else (operation.credit, 1)
            place = of.collection, operation.amount.currency
            after = sums.get(place, NOTHING)
            if part is not None:
                after += _figures(part, sign * operation.amount.minor, 0 if within and not debit else 1)
            sums[place] = after
            yield Step(operation, side, after)


def _figures(part: Part, minor: int, count: int) -> Figures:
    if part is Part.EXECUTED:
        return Figures(executed_minor=minor, executed_count=count)
    return Figures(pending_minor=minor, pending_count=count)
