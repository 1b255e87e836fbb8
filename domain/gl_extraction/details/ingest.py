"""Taking in details from other systems: by stream in chunks, or all or none in one call (GLX-02)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from domain.gl_extraction.details import books
from domain.gl_extraction.details.making import Made, make
from domain.gl_extraction.details.model import Detail, Maker, NewDetail
from domain.gl_extraction.details.rows import Prepared, prepare
from domain.gl_extraction.details.rules import violations
from domain.gl_extraction.details.store import read
from domain.gl_extraction.details.store.insert import Making
from domain.gl_extraction.details.totals import totals
from domain.gl_extraction.names import detail_name
from domain.kernel import events
from domain.kernel.call import Call
from domain.kernel.errors import Invalid, Violation
from domain.kernel.ids import new_id


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that was left out: its place among those handed in, and everything that is wrong with it."""

    position: int
    source: str
    external_id: str
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of the rows of a chunk; the four counts add up: received is the sum of the others."""

    received: int
    created: int
    unchanged: int
    refusals: tuple[Refusal, ...]


def ingest_chunk(tx: Connection, call: Call, prepared: Prepared) -> Ingested:
    """Store the sound rows of a chunk together; report each refused one with its reasons.

    A row that is there already with the same content is unchanged, so a chunk can be handed in again at any time.
    The audit trail has one entry for the chunk. Cost: about ten statements, however many rows.
    """
    made, refusals = _make(tx, call, prepared)
    if made.created:
        _audit(tx, call, made, received=len(prepared.rows), refused=len(refusals))
    return Ingested(
        received=len(prepared.rows),
        created=len(made.created),
        unchanged=len(made.ids) - len(made.created),
        refusals=tuple(refusals),
    )


def create_all(tx: Connection, call: Call, rows: Sequence[NewDetail]) -> list[Detail]:
    """Store all rows or none; gives the details that stand for them, in their order.

    Raises: Invalid with every violation of every row, its field as `accounting_details[3].debit`.
    """
    made, refusals = _make(tx, call, prepare(rows))
    if refusals:
        raise Invalid(*(_in_request(refusal, violation) for refusal in refusals for violation in refusal.violations))
    if made.created:
        _audit(tx, call, made, received=len(rows), refused=0)
    found = {detail.detail_id: detail for detail in read.by_ids(tx, sorted(set(made.ids.values())))}
    return [found[made.ids[place]] for place in range(len(rows))]


def _make(tx: Connection, call: Call, prepared: Prepared) -> tuple[Made, list[Refusal]]:
    """Hold the rows against the books, and make what holds."""
    known = books.gather(tx, prepared, call.scope)
    periods = books.open_periods(known, {row.slot for row in prepared.sound})
    bad = books.misfits(prepared, known, periods)
    refused = {position: violations(prepared.rows[position], known) for position in bad}
    sound = prepared.sound
    if len(bad) > len(prepared.unsound):
        sound = [row for row in sound if row.position not in refused]
    assert all(refused.values()), "a row is refused for a reason"
    making = Making(Maker.INGEST, call.operation_id, call.now_us, discreet=call.scope.limited)
    made = make(tx, sound, making, periods=periods)
    refused |= {position: (clash,) for position, clash in made.clashes.items()}
    return made, [_refusal(prepared.rows, position, refused[position]) for position in sorted(refused)]


def _refusal(rows: Sequence[NewDetail], position: int, found: tuple[Violation, ...]) -> Refusal:
    return Refusal(position, rows[position].source, rows[position].external_id, found)


def _in_request(refusal: Refusal, violation: Violation) -> Violation:
    field = f"accounting_details[{refusal.position}].{violation.field}"
    return Violation(field, violation.reason, violation.description)


def _audit(tx: Connection, call: Call, made: Made, *, received: int, refused: int) -> None:
    """One entry for all rows, under a name of its own: chunks that commit at the same time do not meet."""
    ids = [detail_id for _, detail_id in made.created]
    changes = {
        "received_count": received,
        "created_count": len(ids),
        "unchanged_count": len(made.ids) - len(ids),
        "refused_count": refused,
        "created_totals": totals((moved.place.currency, *moved.all[:2]) for moved in made.moved),
        "first_detail": detail_name(min(ids)),
        "last_detail": detail_name(max(ids)),
    }
    events.append(tx, call, f"ingests/{new_id(call.now_us)}", "accounting_details.ingested", changes)
