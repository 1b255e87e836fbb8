"""What the registers refuse."""

from __future__ import annotations

from domain.kernel.errors import AlreadyExists, Invalid, Stale, Violation


class CodeTaken(AlreadyExists):
    """There is an entry with this code already."""

    reason = "CODE_TAKEN"

    def __init__(self, resource_type: str, name: str) -> None:
        super().__init__(f"{name} exists already", resource_type=resource_type, resource_name=name)


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
