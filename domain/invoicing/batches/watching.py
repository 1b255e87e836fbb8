"""What watchers of batches are told: one batch with its transitions, or all that have changed (INV-18, PLT-21)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from domain.invoicing.batches import store, working
from domain.invoicing.batches.errors import BatchesCursorAhead
from domain.invoicing.batches.model import Batch, Transition
from domain.kernel.scopes import Scope
from domain.operations.model import Operation

BATCHES_MAX = 1_000
"""So many batches that are not over a board shows at most, the oldest first."""

TRANSITIONS_MAX = 50
"""So many transitions an event has at most; the first one of a watch has the last ones."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A batch as it stood, transitions of it behind those that were told, and what works on it, or did last.

    `told` is the number of the last transition that is told by now, `sequence` where a watch goes on from there.
    """

    batch: Batch
    transitions: tuple[Transition, ...]
    operation: Operation | None

    @property
    def told(self) -> int:
        """The last transition that is told: all of them, where there is nothing more to tell."""
        return self.transitions[-1].transition_no if self.transitions else self.batch.transition_count

    @property
    def is_all(self) -> bool:
        """Whether there are no more transitions to tell."""
        return self.told == self.batch.transition_count

    @property
    def sequence(self) -> int:
        """The place of this among what is told of the batch."""
        return self.batch.version if self.is_all else self.transitions[-1].version


@dataclass(frozen=True, slots=True)
class Board:
    """All batches that are not over, at a sequence that grows with every change of any batch that the viewer sees."""

    sequence: int
    batches: tuple[Batch, ...]

    @property
    def versions(self) -> dict[str, int]:
        """How often each of them has changed."""
        return {batch.batch_id: batch.version for batch in self.batches}


def begin(tx: Connection, scope: Scope, batch_id: str, after_sequence: int) -> Seen:
    """A batch as it stands, for a watch that begins: with what was made after a sequence, or (0) the last transitions.

    Raises: InvoiceBatchNotFound; BatchesCursorAhead.
    """
    batch = working.get(tx, batch_id, scope)
    refuse_ahead(after_sequence, batch.version)
    if after_sequence:
        told = store.transitions_by(tx, batch_id, after_sequence)
    else:
        told = max(0, batch.transition_count - TRANSITIONS_MAX)
    return look(tx, scope, batch_id, after_transition=told)


def look(tx: Connection, scope: Scope, batch_id: str, *, after_transition: int) -> Seen:
    """A batch as it stands, with the transitions that come next. Raises: InvoiceBatchNotFound."""
    batch = working.get(tx, batch_id, scope)
    made = store.transitions(tx, batch_id, after=after_transition, limit=TRANSITIONS_MAX)
    return Seen(batch, tuple(made), working.last_operation(tx, batch))


def refuse_ahead(seen: int, newest: int) -> None:
    """Refuse to go on from what was never sent. Raises: BatchesCursorAhead."""
    if seen > newest:
        raise BatchesCursorAhead(after_sequence=seen, sequence=newest)


def sequence_of_all(tx: Connection) -> int:
    """How often batches have changed, whoever sees them: by this it is known when to look."""
    return store.all_versions(tx, None)


def board(tx: Connection, cycles: Collection[str] | None) -> Board:
    """The batches of the cycles (None: of all) that are not over."""
    return Board(store.all_versions(tx, cycles), tuple(store.open_batches(tx, cycles=cycles, limit=BATCHES_MAX)))


def news(tx: Connection, cycles: Collection[str] | None, known: Mapping[str, int]) -> tuple[Board, list[Batch]]:
    """The board now, and which batches have changed since the one that is `known`, those that are over now included."""
    present = board(tx, cycles)
    changed = [batch for batch in present.batches if known.get(batch.batch_id) != batch.version]
    gone = [store.find(tx, batch_id) for batch_id in sorted(known.keys() - present.versions.keys())]
    return present, [*changed, *(batch for batch in gone if batch is not None)]
