"""Where the bytes of files lie: what the room asks of a store, and how what it gives is checked (PLT-30, PLT-31)."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from domain.data_files.errors import FileDamaged
from domain.data_files.model import DataFile


@dataclass(frozen=True, slots=True)
class Written:
    """What a store has written: the size in bytes and the SHA-256 in lower-case hexadecimal."""

    size_bytes: int
    sha256: str


class FileStore(Protocol):
    """A place for files. Paths are relative, of names joined by `/`, and made by us, never by a caller."""

    def write(self, path: str, pieces: Iterable[bytes]) -> Written:
        """Write a file whole or not at all, in place of one that was there; once it returns, the file outlives a crash.

        Raises: StorageFull; StorageUnavailable. What `pieces` raises leaves nothing behind.
        """
        ...

    def size(self, path: str) -> int | None:
        """The size in bytes; None when there is no such file. Raises: StorageUnavailable."""
        ...

    def read(self, path: str) -> Iterator[bytes]:
        """The file's bytes in pieces of at most 256 KiB. Raises: StorageUnavailable, also while it is read."""
        ...

    def tidy(self, folder: str) -> None:
        """Remove what writers that died have left half done in `folder`. Raises: StorageUnavailable."""
        ...


def checked_pieces(store: FileStore, file: DataFile, offset: int) -> Generator[bytes]:
    """The bytes of `file` from `offset` on, the last of them only once the whole was found to be what was written.

    Cost: reads what lies before the offset too, without giving it: the hash is over all.

    Raises: FileDamaged when size or SHA-256 is not what the record says; StorageUnavailable.
    """
    if store.size(file.path) != file.size_bytes:
        raise FileDamaged(file.name)
    digest = sha256()
    position = 0
    held = b""
    for piece in store.read(file.path):
        digest.update(piece)
        wanted = piece[max(0, offset - position) :]
        position += len(piece)
        if wanted:
            if held:
                yield held
            held = wanted
    if position != file.size_bytes or digest.hexdigest() != file.sha256:
        raise FileDamaged(file.name)
    if held:
        yield held
