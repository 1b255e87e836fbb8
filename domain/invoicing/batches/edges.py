"""The transitions that there are of a batch, in one table (INV-14).

Each says who makes it, what must be so, and in a sentence what it waits for. The table is checked when the module
loads: every state is reached, none is skipped, and nothing comes after the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from domain.invoicing.batches.model import Facts, Mover
from domain.invoicing.batches.states import OVER, BatchState

Guard = Callable[[Facts], bool]
_S = BatchState


@dataclass(frozen=True, slots=True)
class Edge:
    """A transition: `guard` says of counted facts whether it may be, `waits_for` what it waits for until then.

    `method` is the call that makes it, for people.
    """

    source: BatchState
    target: BatchState
    mover: Mover
    guard: Guard
    waits_for: str
    method: str = "RunInvoiceBatchEngine"


def _is_due(facts: Facts) -> bool:
    return facts.due and facts.ended > 0


def _is_settled(facts: Facts) -> bool:
    return facts.ended > 0


def _has_let_go(facts: Facts) -> bool:
    return facts.asked and facts.running == 0


def _is_locked(facts: Facts) -> bool:
    return facts.locked and facts.unaggregated == 0 and facts.numbered == facts.invoices


def _is_ordered(facts: Facts) -> bool:
    return facts.asked and facts.invoices > 0 and facts.pending_exports > 0


def _is_exported(facts: Facts) -> bool:
    return facts.exports > 0 and facts.pending_exports == 0


def _has_failed(facts: Facts) -> bool:
    return bool(facts.failure)


def _nothing_locked(facts: Facts) -> bool:
    return not facts.locked


def _nothing_numbered(facts: Facts) -> bool:
    return not facts.locked or facts.numbered == facts.invoices == 0


def _always(_facts: Facts) -> bool:
    return True


def _failed_in(state: BatchState) -> Guard:
    return lambda facts: facts.failed_state is state


_FAILING = (_S.PENDING_CLOSE, _S.CLOSING, _S.CLOSED, _S.AGGREGATING, _S.READY_FOR_SENDING)
_RETRIED = (*_FAILING, _S.ORDERED)
_RETRY, _CANCEL = "RetryInvoiceBatch", "CancelInvoiceBatch"

EDGES: tuple[Edge, ...] = (
    Edge(_S.PENDING_CLOSE, _S.CLOSING, Mover.ENGINE, _is_due, "its time to close, and a schedule that has ended"),
    Edge(_S.CLOSING, _S.CLOSED, Mover.ENGINE, _is_settled, "every running invoice looked at, to be closed or not"),
    Edge(_S.CLOSED, _S.AGGREGATING, Mover.ENGINE, _has_let_go, "its hook, and the move of every invoice not closed"),
    Edge(
        _S.AGGREGATING,
        _S.READY_FOR_SENDING,
        Mover.ENGINE,
        _is_locked,
        "every invoice aggregated, then locked and numbered",
    ),
    Edge(_S.READY_FOR_SENDING, _S.ORDERED, Mover.ENGINE, _is_ordered, "invoices, and its hook"),
    Edge(
        _S.ORDERED,
        _S.READY_FOR_PUBLISH,
        Mover.EXPORT,
        _is_exported,
        "its export record done",
        "RunInvoiceExportEngine",
    ),
    Edge(
        _S.READY_FOR_PUBLISH,
        _S.PUBLISHED,
        Mover.PERSON,
        _always,
        "somebody who may publish it",
        "PublishInvoiceBatch",
    ),
    *(Edge(each, _S.ERROR, Mover.ENGINE, _has_failed, "a failure") for each in _FAILING),
    Edge(_S.ORDERED, _S.ERROR, Mover.EXPORT, _has_failed, "a failure", "RunInvoiceExportEngine"),
    *(
        Edge(_S.ERROR, each, Mover.PERSON, _failed_in(each), "a retry, once its cause is mended", _RETRY)
        for each in _RETRIED
    ),
    *(
        Edge(each, _S.CANCELED, Mover.PERSON, _nothing_locked, "a cancel, before its lock", _CANCEL)
        for each in (_S.PENDING_CLOSE, _S.CLOSING, _S.CLOSED, _S.AGGREGATING)
    ),
    Edge(_S.ERROR, _S.CANCELED, Mover.PERSON, _nothing_numbered, "a cancel, if nothing is locked", _CANCEL),
)

START = {_S.PENDING_CLOSE, _S.READY_FOR_SENDING}
"""Where batches begin: those of invoices, and those of credit notes."""


def between(source: BatchState, target: BatchState) -> Edge | None:
    """The transition from one state to another, if there is one."""
    return _BY_STATES.get((source, target))


def onward(source: BatchState) -> Edge | None:
    """The transition by which a batch goes on from a state; None where it is over, or has failed."""
    return next((edge for edge in EDGES if edge.source is source and edge.target.number == source.number + 1), None)


def after(source: BatchState, mover: Mover) -> tuple[Edge, ...]:
    """The transitions from a state that somebody makes."""
    return tuple(edge for edge in EDGES if edge.source is source and edge.mover is mover)


def faults(edges: tuple[Edge, ...]) -> list[str]:
    """What is wrong with a table, a sentence each."""
    pairs = [(edge.source, edge.target) for edge in edges]
    found = [
        f"{source} to {target} is there twice" for source, target in set(pairs) if pairs.count((source, target)) > 1
    ]
    reached, new = set(START), set(START)
    while new:
        new = {target for source, target in pairs if source in new} - reached
        reached |= new
    found += [f"{state} is never reached" for state in _S if state not in reached]
    found += [f"{source} is over, and {target} comes after it" for source, target in pairs if source in OVER]
    found += [f"nothing comes after {state}" for state in _S if state not in OVER and state not in dict(pairs)]
    ahead = [(s, t) for s, t in pairs if s is not _S.ERROR and t not in {_S.ERROR, _S.CANCELED}]
    found += [f"{source} to {target} skips a state" for source, target in ahead if target.number != source.number + 1]
    return found


_BY_STATES = {(edge.source, edge.target): edge for edge in EDGES}
assert not faults(EDGES), faults(EDGES)
