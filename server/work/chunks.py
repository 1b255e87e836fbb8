"""Carries out one claimed chunk: gather, then one transaction behind the fence; sets it back when that fails."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from domain.kernel.errors import DomainError, Unavailable
from domain.operations import runner
from domain.operations.model import Job, Operation, State, Task
from domain.operations.runner import Attempts, Claim, LostItsWorkers, TakenOver
from domain.operations.service import job_of
from server.database.failures import OutcomeUnknown
from server.database.transaction import Database
from server.telemetry import figures, tracing

_SQLITE_SHARE_MIN, _SQLITE_SHARE_MAX = 0.1, 0.5  # of the lease: how long a chunk may keep other writers waiting

log = structlog.get_logger("worker")


class InDoubt(Exception):
    """The worker may hold a chunk that nobody carries out: it must let go of all it holds."""


@dataclass(frozen=True, slots=True)
class Chunks:
    """Claims and carries out chunks on a database.

    `chunk_s` bounds what a chunk gathers, and on PostgreSQL each statement of its transaction. On SQLite a chunk keeps
    all other writers waiting, so its transaction is bounded to a tenth of the lease; as a slow disk must not keep work
    from ever finishing, each further attempt gets twice the time, up to half the lease. `on_change` is told the id of
    an operation after a commit that changed it; `on_claim` is called when a chunk was claimed: there may be more.
    """

    database: Database
    jobs: Sequence[Job]
    attempts: Attempts
    lease_s: float
    chunk_s: float
    on_change: Callable[[str], None]
    on_claim: Callable[[], None] = lambda: None

    def work_once(self, worker_id: str, holds_lease: Callable[[], bool]) -> bool:
        """Carry out the chunk whose turn it is; False when there is none to do. Raises: InDoubt; Unavailable."""
        if not self.database.read(lambda tx: runner.is_due(tx, self.jobs)):
            return False
        claim = self._claim(worker_id)
        if claim is None:
            return False
        self.on_claim()
        if claim.row.task is Task.PLAN:
            self.on_change(claim.row.operation_id)
        kind, stage = claim.operation.kind, claim.row.stage
        with (
            figures.CHUNK_SECONDS.labels(kind, stage).time(),
            tracing.work(f"chunk {kind} {stage}", claim.operation.traceparent, _names(claim)),
        ):
            outcome = self._settle(claim, holds_lease)
        figures.CHUNKS_ENDED.labels(kind, stage, outcome).inc()
        return True

    def _settle(self, claim: Claim, holds_lease: Callable[[], bool]) -> str:
        """Carry a claimed chunk out or set it back; gives what came of it. Raises: InDoubt."""
        try:
            self.carry_out(claim, holds_lease)
        except TakenOver:
            log.info("chunk taken over, paused or canceled", **_names(claim))
            return "taken_over"
        except InDoubt:
            log.warning("lease over, chunk left to others", **_names(claim))
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is kept with the chunk
            self._set_back(claim, error)
            return "set_back"
        return "done"

    def carry_out(self, claim: Claim, holds_lease: Callable[[], bool]) -> None:
        """Carry a claimed chunk out.

        Raises: TakenOver; InDoubt when the lease was over before the chunk's transaction; what its stage raises;
        LostItsWorkers when no attempt is left, as each one ended with its worker.
        """
        if claim.row.attempts > self.attempts.at_most:
            raise LostItsWorkers
        with self.database.connection() as connection:
            facts = self._gather(connection, claim)
            if not holds_lease():
                raise InDoubt
            operation = self.database.write_on(
                connection,
                lambda tx: runner.carry_out(tx, self.jobs, claim, facts),
                timeout_s=self._transaction_s(claim.row.attempts),
            )
        self._tell(operation, claim)
        log.info("chunk done", **_names(claim))
        if operation.state is not claim.operation.state:
            log.info("operation ended", operation_id=operation.operation_id, state=operation.state)
            if operation.state.ended:
                figures.OPERATIONS_ENDED.labels(operation.kind, operation.state).inc()

    def _tell(self, operation: Operation, claim: Claim) -> None:
        """Whoever watches the operation, or what else has changed with it."""
        self.on_change(operation.operation_id)
        for name in job_of(self.jobs, operation.kind).watched(operation, claim.row.payload):
            self.on_change(name)

    def _claim(self, worker_id: str) -> Claim | None:
        try:
            return self.database.write(lambda tx: runner.claim(tx, self.jobs, worker_id))
        except OutcomeUnknown:
            raise InDoubt from None

    def _gather(self, connection: Connection, claim: Claim) -> object:
        if not runner.gathers(self.jobs, claim):
            return None
        return self.database.snapshot_on(
            connection, lambda tx: runner.gather(tx, self.jobs, claim), timeout_s=self.chunk_s
        )

    def _transaction_s(self, attempt: int) -> float:
        if self.database.dialect == "postgresql":
            return self.chunk_s
        share = min(_SQLITE_SHARE_MIN * 2 ** (attempt - 1), _SQLITE_SHARE_MAX)
        return float(share * self.lease_s)

    def _set_back(self, claim: Claim, error: Exception) -> None:
        _log_failure(claim, error)
        tracing.failed(error.reason if isinstance(error, DomainError) else type(error).__name__)
        try:
            operation = self.database.write(lambda tx: runner.set_back(tx, self.jobs, claim, error, self.attempts))
        except Unavailable:
            raise InDoubt from None
        if operation is not None:
            self.on_change(operation.operation_id)
            if operation.state is State.FAILED:
                self._tell(operation, claim)
                log.error("operation failed", operation_id=operation.operation_id)
                figures.OPERATIONS_ENDED.labels(operation.kind, operation.state).inc()


def _names(claim: Claim) -> dict[str, str | int]:
    row = claim.row
    return {
        "operation_id": row.operation_id,
        "task": row.task,
        "stage": row.stage,
        "chunk": row.chunk_no,
        "attempt": row.attempts,
    }


def _log_failure(claim: Claim, error: Exception) -> None:
    names: dict[str, object] = {**_names(claim)}
    if isinstance(error, DomainError):
        log.warning("chunk refused", reason=error.reason, **names)
    else:
        log.error("chunk failed", error=type(error).__name__, where=places(error), **names)


def places(error: BaseException) -> list[str]:
    """Where an error came from, for the log; its text is left out, as it could hold anything."""
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
