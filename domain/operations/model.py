"""Long-running work as values: operations, their chunks, and the jobs that know how (PLT-20 to PLT-24)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from domain.kernel.documents import Document


class State(StrEnum):
    """Where an operation stands."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    CANCELING = "CANCELING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"

    @property
    def ended(self) -> bool:
        """Whether nothing more happens by itself; a failed one can be recovered."""
        return self in {State.SUCCEEDED, State.FAILED, State.CANCELED}


class ChunkState(StrEnum):
    """Where a chunk stands."""

    READY = "READY"
    CLAIMED = "CLAIMED"
    DONE = "DONE"
    FAILED = "FAILED"  # set apart with its error, after its attempts were used up


class Task(StrEnum):
    """What a chunk is there for."""

    PLAN = "PLAN"  # cut its stage into steps
    STEP = "STEP"  # carry out a key range of its stage
    UNDO = "UNDO"  # put back what a canceled operation has marked


class Severity(StrEnum):
    """How grave a notice is."""

    INFORMATIVE = "INFORMATIVE"
    WARNING = "WARNING"
    FATAL = "FATAL"


@dataclass(frozen=True, slots=True)
class Notice:
    """A message with a stable code for people; `element` is what it is about, empty for the whole."""

    code: str
    severity: Severity
    message: str
    element: str = ""


@dataclass(frozen=True, slots=True)
class StageProgress:
    """How far a stage is, in `unit`s; `items_total` is 0 while not known, `started_us` 0 before it began.

    `idle_us` is for how long since then nobody worked on it, as it was paused or had failed.
    """

    stage: str
    unit: str
    items_done: int
    items_total: int
    started_us: int
    ended_us: int
    idle_us: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an operation failed or was canceled: a reason, a sentence, and what the reader needs beside them.

    `category` is the name of the error's category in `kernel.errors` (Invalid, NotFound, Conflict, Refused, OutOfRange,
    Unavailable, Damaged), Canceled, or Internal for what was nobody's plan.
    """

    reason: str
    message: str
    category: str
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """One piece of long-running work as it stands.

    `request` is what the job was asked (the job's own document), `counts` what its steps have added up so far (nested
    documents of integers), `result` what it came to. `scope_id` is the scope of the call that started it (PLT-14),
    `traceparent` the trace that this call belongs to.
    """

    operation_id: str
    kind: str
    method: str
    state: State
    stage: str
    description: str
    caller: str
    request_id: str
    revision: int
    cancel_requested: bool
    recoveries: int
    created_us: int
    started_us: int
    updated_us: int
    ended_us: int
    request: Document
    stages: tuple[StageProgress, ...]
    counts: Document
    notices: tuple[Notice, ...]
    result: Document
    failure: Failure | None
    scope_id: int = 0
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class ChunkPlan:
    """A key range of a stage's work: what the step is handed, and how many items it holds (0: not known)."""

    payload: Document
    items_total: int = 0


@dataclass(frozen=True, slots=True)
class Work:
    """What a step is handed: the operation as it stood when the chunk was claimed, and the chunk.

    `now_us` is the database's clock at the claim. `facts` is what the stage's `gather` gave, None without one.
    """

    operation: Operation
    payload: Document
    attempt: int
    now_us: int
    facts: object = None


@dataclass(frozen=True, slots=True)
class Stepped:
    """What a step did.

    `counts` are added to the operation's (integers are added, documents merged); `notices` are appended; `result` is
    merged into the operation's result. `rest` is the payload of what is left of the chunk, which is carried out next;
    None: nothing is. So a step can end when it has locked others out for long enough.
    """

    items_done: int = 0
    counts: Document = field(default_factory=dict)
    notices: Sequence[Notice] = ()
    result: Document = field(default_factory=dict)
    rest: Document | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a job.

    `plan` cuts the stage's work into chunks, once, when the stage begins, at the instant it is given; it only
    reads, and no chunk means that there is nothing to do: then the next stage is planned at once. `gather`, if
    given, runs before the chunk's transaction, on the same connection and on one snapshot: long reads, files and
    temporary tables belong there, no other writes. `step` carries one chunk out on the chunk's transaction; with it
    commit the progress and the chunk's end, or nothing does. All three may be run again and must come to the same.
    `past_cancel` marks the stages from which on the work can only go forward.
    """

    name: str
    unit: str
    plan: Callable[[Connection, Operation, int], Sequence[ChunkPlan]]
    step: Callable[[Connection, Work], Stepped]
    gather: Callable[[Connection, Work], object] | None = None
    past_cancel: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """How one kind of operation is carried out.

    `undo` puts back what canceled work has marked, in bounded pieces: it is called, one transaction each, until it
    returns True. It must bear to find nothing marked, or a part put back already. `links` gives the resource names that
    notifications of the operation lead to, by what they are. `require_recoverable` raises what by now stands against
    going on with an operation that failed, in the transaction that would recover it. `failed` makes of it what there is
    to be made when an operation fails, in the transaction in which it does. `watched` gives the names of what else has
    changed with a chunk of this payload, so that those who watch it look.
    """

    kind: str
    stages: tuple[Stage, ...]
    undo: Callable[[Connection, Operation, int], bool]
    links: Callable[[Operation], Mapping[str, str]] = lambda _operation: {}
    require_recoverable: Callable[[Connection, Operation], None] = lambda _tx, _operation: None
    failed: Callable[[Connection, Operation], None] = lambda _tx, _operation: None
    watched: Callable[[Operation, Document], Sequence[str]] = lambda _operation, _payload: ()
