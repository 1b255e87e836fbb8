"""A file on its way to a destination, and why it did not arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

NAME_TAKEN = "TRANSMISSION_NAME_TAKEN"
REFUSED = "TRANSMISSION_REFUSED"

_FORMER_MAX = 10  # attempts whose remains are looked for


@dataclass(frozen=True, slots=True)
class Parcel:
    """A file to be put at a destination; its bytes can be taken once. `epoch` counts the attempts, the first is 1.

    `go_on` is called between any two pieces, and raises when the attempt must end.
    """

    name: str
    size_bytes: int
    sha256: str
    epoch: int
    pieces: Iterator[bytes]
    go_on: Callable[[], None] = lambda: None

    @property
    def temporary_name(self) -> str:
        """What it is called until all of it is there; another attempt calls it otherwise."""
        return _temporary(self.name, self.epoch)

    @property
    def former_names(self) -> list[str]:
        """What earlier attempts may have left half done."""
        return [_temporary(self.name, epoch) for epoch in range(max(1, self.epoch - _FORMER_MAX), self.epoch)]

    def is_same(self, size_bytes: int, pieces: Iterable[bytes]) -> bool:
        """Whether a file that is there already has the same content; its bytes are read if it has the same size.

        Raises: what `go_on` does.
        """
        if size_bytes != self.size_bytes:
            return False
        digest = sha256()
        for piece in pieces:
            self.go_on()
            digest.update(piece)
        return digest.hexdigest() == self.sha256


class Rejected(Exception):
    """The parcel did not arrive; `final`: it is of no use to try again before a person has done something."""

    def __init__(self, reason: str, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.final = final


class BrokenOff(Exception):
    """The process stops: the parcel is for another to send."""


def name_taken() -> Rejected:
    """That another file has the name."""
    return Rejected(NAME_TAKEN, "a file of that name with other content is there; it is not put over", final=True)


def _temporary(name: str, epoch: int) -> str:
    return f".{name}.{epoch}.part"
