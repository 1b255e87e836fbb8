"""What the registers refuse."""

from __future__ import annotations

from domain.kernel.errors import AlreadyExists, Forbidden


class CodeTaken(AlreadyExists):
    """There is an entry with this code already."""

    reason = "CODE_TAKEN"

    def __init__(self, resource_type: str, name: str) -> None:
        super().__init__(f"{name} exists already", resource_type=resource_type, resource_name=name)


class SharedBeyondScope(Forbidden):
    """It is shared by all ledgers: it is changed by callers alone whose permissions hold for all of them."""

    reason = "SCOPE_TOO_NARROW"
