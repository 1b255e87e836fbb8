"""Undo: all details of a subject or registration become void, so that they can be made again (GLX-03)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from domain.gl_extraction.details.errors import DetailNotFound, SubjectAmbiguous, UndoNotAllowed
from domain.gl_extraction.details.model import Maker
from domain.gl_extraction.details.store import marks
from domain.gl_extraction.details.store.marks import Group, UndoScope
from domain.gl_extraction.details.totals import totals
from domain.gl_extraction.names import batch_name
from domain.kernel import events
from domain.kernel.call import Call
from domain.kernel.characters import require_storable

BATCHES_MAX = 1_000
SAMPLE_MAX = 100


@dataclass(frozen=True, slots=True)
class ToResend:
    """A batch that sent details which are void now; `sample` has ids of some of them."""

    batch_no: int
    detail_count: int
    sample: Sequence[int]


@dataclass(frozen=True, slots=True)
class Undone:
    """How many details were marked void, how many of them were sent, and by which batches (the first 1,000)."""

    voided: int
    stamped: int
    to_resend: Sequence[ToResend]


def undo(tx: Connection, call: Call, scope: UndoScope, *, reason: str) -> Undone:
    """Mark void all details in the scope, or none. Those void already are left alone; with no others, nothing is done.

    Details of ledgers that the caller does not see are left alone, too (PLT-14).

    Voiding does not un-send: the batches that sent what is void now are listed, and are to be resent.

    Raises: DetailNotFound for a scope that has no details at all; SubjectAmbiguous; UndoNotAllowed.
    """
    require_storable(reason=reason, subject=scope.subject, registration=scope.registration)
    scope = replace(scope, ledgers=call.scope.ledgers)
    groups = marks.lock_scope(tx, scope)
    if not groups:
        if not marks.knows(tx, scope):
            raise DetailNotFound(scope_name(scope))
        return Undone(0, 0, ())
    kinds = sorted({group.subject_type for group in groups})
    if scope.subject and scope.subject_type is None and len(kinds) > 1:
        raise SubjectAmbiguous(scope.subject, kinds)
    _refuse_obstacles(scope, groups)
    undone = _stamps(tx, voided=sum(group.count for group in groups))
    marked = marks.void_scope(tx, now_us=call.now_us)
    assert marked == undone.voided, "a locked detail changed"
    _audit(tx, call, scope, groups, undone, reason=reason)
    return undone


def scope_name(scope: UndoScope) -> str:
    """What errors and the audit trail call the scope."""
    if scope.registration:
        return f"registrations/{scope.registration}"
    return "/".join(filter(None, ("subjects", (scope.subject_type or "").lower(), scope.subject)))


def obstacles(groups: Iterable[Group]) -> dict[str, int]:
    """What stands in the way of an undo: by kind, how many details; a detail may count more than once."""
    found: dict[str, int] = {}
    for group in groups:
        for kind, stands in (
            ("made by other services", group.maker is not Maker.INGEST),
            ("reversed", group.reversed),
            ("reversals", group.reversing),
            ("in a closed period", group.in_closed_period),
        ):
            if stands:
                found[kind] = found.get(kind, 0) + group.count
    return found


def _refuse_obstacles(scope: UndoScope, groups: Iterable[Group]) -> None:
    if found := obstacles(groups):
        raise UndoNotAllowed(scope_name(scope), found)


def _stamps(tx: Connection, *, voided: int) -> Undone:
    by_batch = marks.stamped_by_batch(tx)
    listed = by_batch[:BATCHES_MAX]
    samples = marks.stamped_samples(tx, [batch_no for batch_no, _ in listed], each_max=SAMPLE_MAX) if listed else {}
    to_resend = [ToResend(batch_no, count, samples[batch_no]) for batch_no, count in listed]
    return Undone(voided, sum(count for _, count in by_batch), to_resend)


def _audit(
    tx: Connection, call: Call, scope: UndoScope, groups: Iterable[Group], undone: Undone, *, reason: str
) -> None:
    changes = {
        "reason": reason,
        "voided_count": undone.voided,
        "voided_totals": totals((group.currency, group.debit_minor, group.credit_minor) for group in groups),
        "stamped_count": undone.stamped,
        "to_resend": [batch_name(batch.batch_no) for batch in undone.to_resend],
    }
    events.append(tx, call, scope_name(scope), "accounting_details.undone", changes)
