"""What notifications tell of operations (PLT-25): names and codes, so that receivers ask for the rest."""

from __future__ import annotations

from sqlalchemy import Connection

from domain.kernel.documents import Document
from domain.notifications import service as notifications
from domain.notifications.model import Happening
from domain.operations.model import Job, Operation


def tell(tx: Connection, job: Job, operation: Operation, *, event_id: str, kind: str, subject: str) -> None:
    """Announce an event of the operation, if it is one that is announced. Cost: as `notifications.announce`."""
    happening = Happening(
        event_id=event_id,
        kind=kind,
        subject=subject,
        at_us=operation.updated_us,
        scope_id=operation.scope_id,
        data=_told(job, operation, subject),
    )
    notifications.announce(tx, happening)


def _told(job: Job, operation: Operation, name: str) -> Document:
    told: Document = {
        "operation": name,
        "method": operation.method,
        "state": operation.state,
        "links": {"operation": name, **job.links(operation)},
    }
    return told | ({"reason": operation.failure.reason} if operation.failure else {})
