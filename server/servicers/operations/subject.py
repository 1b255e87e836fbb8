"""Operations as they are watched: snapshots of the row, by its revision (PLT-21)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from google.longrunning import operations_pb2

from domain.operations import service
from domain.operations.errors import OperationNotFound
from domain.operations.model import Operation
from server.call import Tx
from server.mapping import kinds
from server.telemetry.observe import trace
from server.watcher import Subject, Untellable

log = structlog.get_logger("watcher")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An operation as it stood; the message is shared by all who are sent it."""

    revision: int
    updated_us: int
    proto: operations_pb2.Operation


def snapshot_of(operation: Operation) -> Snapshot:
    """The operation as watchers are told it."""
    return Snapshot(operation.revision, operation.updated_us, kinds.to_proto(operation))


def _changed(tx: Tx, known: Mapping[str, Snapshot]) -> dict[str, Snapshot | type[Exception]]:
    changed = service.changed(tx, {operation_id: seen.revision for operation_id, seen in known.items()})
    return {name: _told(operation) if operation else OperationNotFound for name, operation in changed.items()}


def _told(operation: Operation) -> Snapshot | type[Exception]:
    try:
        return snapshot_of(operation)
    except Exception as error:  # noqa: BLE001 - nobody else's watch may suffer from it
        _log_untellable(operation, error)
        return Untellable


def _log_untellable(operation: Operation, error: Exception) -> None:
    log.error("cannot tell an operation", operation_id=operation.operation_id, **trace(error))


OPERATIONS: Subject[Snapshot] = Subject(prefix="", changed=_changed)
"""News of an operation are told by its id."""
