"""Every kind of long-running work: one line a room."""

from domain.operations.model import Job


def jobs() -> tuple[Job, ...]:
    """The jobs that this program knows how to carry out."""
    return ()
