"""Batches as values: what is asked for, how one stands, its history, and the facts that its transitions depend on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from domain.invoicing.batches.states import BatchKind, BatchState
from domain.invoicing.names import batch_name
from domain.kernel.documents import Document, read_as

ADVANCE_KIND = "invoicing.advance"
CANCEL_KIND = "invoicing.cancel"
ENGINE_KIND = "invoicing.engine"
AGGREGATE_KIND = "invoicing.aggregate"
PUBLISH_KIND = "invoicing.publish"


class Mover(StrEnum):
    """Who moves a batch on."""

    ENGINE = "ENGINE"
    EXPORT = "EXPORT"
    PERSON = "PERSON"


@dataclass(frozen=True, slots=True)
class Held:
    """Why a batch does not go on, and since when."""

    reason: str
    message: str
    since_us: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Schedules of one cycle that are closed together, and how far that is.

    `close_at_us` is 0 for at once, `asked_point` the point whose hook has let it go on, `operation_id` what moves it
    on, or has last. `counts` is what has become of its invoices. `store.issuer_of` reads its issuer as of the lock.
    """

    batch_id: str
    description: str
    cycle_code: str
    kind: BatchKind
    state: BatchState
    state_since_us: int
    close_at_us: int
    schedules: tuple[str, ...]
    created_us: int
    updated_us: int
    held: Held | None = None
    failed_state: BatchState | None = None
    asked_point: str = ""
    operation_id: str = ""
    locked_us: int = 0
    issue_day: int = 0
    first_number: int = 0
    number_count: int = 0
    counts: Document = field(default_factory=dict)
    data_file_set_code: str = ""
    transition_count: int = 0
    version: int = 1
    published_us: int = 0

    @property
    def name(self) -> str:
        """Its resource name."""
        return batch_name(self.batch_id)


@dataclass(frozen=True, slots=True)
class Transition:
    """One entry of a batch's history (INV-14); `from_state` None: it was created. `version` is the batch's by it."""

    batch_id: str
    transition_no: int
    from_state: BatchState | None
    to_state: BatchState
    at_us: int
    caller: str
    method: str
    operation_id: str
    reason: str
    counts: Document
    version: int


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for: that schedules of a cycle are closed; none named: all that have ended by then.

    `close_at_us` 0: now. `batch_id` empty: the server makes one.
    """

    cycle: str
    schedules: tuple[str, ...] = ()
    close_at_us: int = 0
    description: str = ""
    batch_id: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is counted of a batch, for the guards of its transitions; instants µs UTC.

    `due`: its time to close has come. `ended`: schedules of it that have ended. `running`: invoices of its closed
    schedules that still run. `unaggregated`, `invoices` (with lines) and `numbered` are of its closed ones.
    `pending_exports` are export records that are not done. `failure` is the reason of what went wrong, empty for none.
    """

    due: bool = False
    ended: int = 0
    running: int = 0
    asked: bool = False
    unaggregated: int = 0
    invoices: int = 0
    numbered: int = 0
    locked: bool = False
    pending_exports: int = 0
    exports: int = 0
    failure: str = ""
    failed_state: BatchState | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What the operation that moves a batch on is told: how far, and the instant by which days are judged (µs UTC)."""

    batch_id: str
    as_of_us: int
    until: str = ""

    def document(self) -> Document:
        """For the operation's row."""
        return asdict(self)


def order_from_document(document: Document) -> Order:
    """The order that `Order.document` wrote. Raises: WrittenByNewer."""
    return read_as(Order, document)


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """What an engine, or aggregation, is asked to look at; all empty: whatever the caller sees."""

    cycle: str = ""
    batch_id: str = ""
    description: str = ""


def engine_request_from_document(document: Document) -> EngineRequest:
    """The request of a schedule. Raises: WrittenByNewer."""
    return read_as(EngineRequest, document)


Counts = Mapping[str, int]
"""What has become of invoices: `closed`, `moved`, `merged`, `aggregated`, `numbered`, `empty`."""
