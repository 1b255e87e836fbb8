"""Refusals: what the domain answers when it does not do what was asked.

The categories, which the server maps once to gRPC statuses. A concrete error is a subclass with a stable `reason`; its
docstring is the sentence that the caller reads; its keyword arguments become the details (metadata) of the answer.
Asserts are for our own bugs; these are for callers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

_TOLD_MAX = 5  # violations in the sentence; the details have them all


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong with a request.

    `field` is a path in the words of the contract (`accounting_details[3].debit`), `reason` a stable code
    (UPPER_SNAKE, or the domain's own such as FIN-IP-ACDE-001), `description` a sentence for a person.
    """

    field: str
    reason: str
    description: str


class DomainError(Exception):
    """Something was refused."""

    reason: ClassVar[str] = ""

    def __init__(self, message: str | None = None, **details: object) -> None:
        sentence = message or (type(self).__doc__ or "").strip().split("\n", 1)[0]
        super().__init__(sentence)
        self.message = sentence
        self.details = {key: str(value) for key, value in details.items()}


class Invalid(DomainError):
    """The request is invalid."""

    reason = "INVALID_REQUEST"

    def __init__(self, *violations: Violation, message: str | None = None, **details: object) -> None:
        super().__init__(message or _sentence(violations) or None, **details)
        self.violations = violations

    @property
    def code(self) -> str:
        """The first violation's code: the reason of the whole answer (PLT-07)."""
        return self.violations[0].reason if self.violations else self.reason


def _sentence(violations: Sequence[Violation]) -> str:
    """The first violations, and how many more there are."""
    told = [f"{each.field}: {each.description}" if each.field else each.description for each in violations[:_TOLD_MAX]]
    more = len(violations) - len(told)
    return "; ".join(told) + (f"; and {more:,} more" if more else "")


class OutOfRange(DomainError):
    """The position asked for is outside what there is."""

    reason = "OUT_OF_RANGE"


class NotFound(DomainError):
    """There is no such thing."""

    reason = "NOT_FOUND"

    def __init__(self, resource_type: str, name: str) -> None:
        super().__init__(f"{name} does not exist", resource_type=resource_type, resource_name=name)
        self.resource_type = resource_type
        self.name = name


class Conflict(DomainError):
    """It collides with what is there."""

    reason = "CONFLICT"


class AlreadyExists(Conflict):
    """There is such a thing already."""

    reason = "ALREADY_EXISTS"


class CodeTaken(AlreadyExists):
    """There is a resource with this code already."""

    reason = "CODE_TAKEN"

    def __init__(self, resource_type: str, name: str) -> None:
        super().__init__(f"{name} exists already", resource_type=resource_type, resource_name=name)


class Stale(Conflict):
    """It was changed by others since it was read; read it again."""

    reason = "ETAG_STALE"


class EtagMissing(Invalid):
    """An update carries the etag that was last seen."""

    reason = "ETAG_REQUIRED"

    def __init__(self, field: str) -> None:
        super().__init__(Violation(field, self.reason, "must be the etag as last seen; read the resource to get it"))


class EtagStale(Stale):
    """It was changed by others since it was read; read it again."""

    def __init__(self, resource_type: str, name: str, *, etag: str) -> None:
        super().__init__(
            f"{name} was changed since it had the etag {etag!r}; read it again",
            resource_type=resource_type,
            resource_name=name,
        )


@dataclass(frozen=True, slots=True)
class Precondition:
    """One thing that stands in the way.

    `kind` is a stable code (UPPER_SNAKE), `subject` the resource name of what it is about, `description` a sentence for
    a person.
    """

    kind: str
    subject: str
    description: str


class Refused(DomainError):
    """The present state does not allow it; `preconditions` names what stands in the way where that is more than one."""

    reason = "REFUSED"

    def __init__(
        self, message: str | None = None, *, preconditions: Sequence[Precondition] = (), **details: object
    ) -> None:
        super().__init__(message, **details)
        self.preconditions = preconditions


class Forbidden(DomainError):
    """The caller's permissions do not reach so far."""

    reason = "FORBIDDEN"


class SharedBeyondScope(Forbidden):
    """It is shared by all: it is changed by callers alone whose permissions hold for all who share it."""

    reason = "SCOPE_TOO_NARROW"


class IllegalTransition(Refused):
    """A state change that the state machine does not have; names both states (PLT-10)."""

    reason = "ILLEGAL_TRANSITION"

    def __init__(self, name: str, *, state: str, wanted: str, message: str | None = None) -> None:
        super().__init__(
            message or f"{name} is {state} and cannot become {wanted}", resource_name=name, state=state, wanted=wanted
        )


class Unavailable(DomainError):
    """It cannot be done just now; try again."""

    reason = "UNAVAILABLE"


class Damaged(DomainError):
    """What is stored is not what was written."""

    reason = "DATA_DAMAGED"
