"""What a backup is: a folder with the database, the data files, and `backup.json`, which tells what they must be.

backup.json            written last: without it a backup is not whole
countinghouse.db       the database, from SQLite; or
countinghouse.dump     from PostgreSQL, in the custom format of pg_dump
files/...              the data files, under the paths that the database knows them by
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from domain.kernel.documents import Document

MANIFEST = "backup.json"
FILES = "files"
FORMAT = 1

_PIECE_BYTES = 1 << 20


class CannotBackUp(Exception):
    """A backup cannot be made, read or restored; the message is one line for people."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A data file of a backup: path, size, SHA-256; `fault` says what was wrong with it when it was copied."""

    path: str
    size_bytes: int
    sha256: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Backup:
    """What `backup.json` says. `books` are those of the database in the instant that it shows (`books.books`)."""

    made_us: int
    program: str
    schema: str
    dialect: str
    database_file: str
    database_sha256: str
    books: Document
    files: tuple[Kept, ...]
    format: int = FORMAT

    def save(self, folder: Path) -> None:
        """Write it, whole, and safe from a crash."""
        unfinished = folder / f".{MANIFEST}"
        with unfinished.open("x", encoding="utf-8") as file:
            json.dump(asdict(self), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(folder / MANIFEST)
        sync(folder)


def load(folder: Path) -> Backup:
    """The backup in a folder. Raises: CannotBackUp."""
    try:
        document: Mapping[str, object] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CannotBackUp(f"{folder} holds no whole backup: {MANIFEST} is missing") from None
    except (OSError, ValueError) as error:
        raise CannotBackUp(f"{folder / MANIFEST} cannot be read: {type(error).__name__}") from None
    if document.get("format") != FORMAT:
        raise CannotBackUp(f"{folder / MANIFEST} is of another format than this program's")
    files = document["files"]
    assert isinstance(files, list)
    return Backup(**{**document, "files": tuple(Kept(**file) for file in files)})  # type: ignore[arg-type]


def hashed(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    digest = sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def checked(pieces: Iterator[bytes], file: Kept) -> Iterator[bytes]:
    """The pieces, as they are. Raises, at the end: CannotBackUp when they are not what the file must be."""
    digest, count = sha256(), 0
    for piece in pieces:
        digest.update(piece)
        count += len(piece)
        yield piece
    if (count, digest.hexdigest()) != (file.size_bytes, file.sha256):
        raise CannotBackUp(f"the data file {file.path} is not what was written")


def sync(path: Path) -> None:
    """Make a file, or the entries of a folder, outlive a crash."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


Say = Callable[[str], None]
"""Tells people how far it is."""
