"""How failures are kept in a column."""

from __future__ import annotations

from domain.kernel.documents import from_text, to_text
from domain.operations.model import Failure


def failure_to_text(failure: Failure | None) -> str:
    """The column's text; an empty document for none."""
    if failure is None:
        return "{}"
    document = {"reason": failure.reason, "message": failure.message, "category": failure.category}
    return to_text({**document, "details": dict(failure.details)})


def failure_from_text(stored: str) -> Failure | None:
    """The failure in the column's text."""
    document = from_text(stored)
    return Failure(**document) if document else None
