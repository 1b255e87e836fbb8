"""Data files in a local folder: each whole or not at all, and safe once written (PLT-30)."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path, PurePosixPath
from uuid import uuid4

from domain.data_files.errors import StorageFull, StorageUnavailable
from domain.data_files.storage import Written

PIECE_BYTES = 256 * 1024

_UNFINISHED = ".part"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class LocalFiles:
    """A `FileStore` in the folder `root`, which is made when the first file is written."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, path: str, pieces: Iterable[bytes]) -> Written:
        """As `FileStore.write`: a temporary name, fsync, rename, fsync of the folder."""
        target = self._place(path)
        unfinished = target.with_name(f".{target.name}.{uuid4().hex}{_UNFINISHED}")
        try:
            self._make_folder(target.parent)
            written = _write_new(unfinished, pieces)
            unfinished.replace(target)
            _sync_folder(target.parent)
        except OSError as error:
            _remove(unfinished)
            raise _refusal(error) from error
        except BaseException:
            _remove(unfinished)
            raise
        return written

    def size(self, path: str) -> int | None:
        """As `FileStore.size`."""
        try:
            return self._place(path).stat().st_size
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _refusal(error) from error

    def read(self, path: str) -> Iterator[bytes]:
        """As `FileStore.read`."""
        try:
            with self._place(path).open("rb") as file:
                while piece := file.read(PIECE_BYTES):
                    yield piece
        except OSError as error:
            raise _refusal(error) from error

    def tidy(self, folder: str) -> None:
        """As `FileStore.tidy`."""
        try:
            for leftover in self._place(folder).glob(f".*{_UNFINISHED}"):
                leftover.unlink(missing_ok=True)
        except OSError as error:
            raise _refusal(error) from error

    def _place(self, path: str) -> Path:
        parts = PurePosixPath(path).parts
        assert parts, "a path names something"
        assert all(part not in {"/", ".", ".."} and "\\" not in part for part in parts), path
        return self._root.joinpath(*parts)

    def _make_folder(self, folder: Path) -> None:
        """Make the folder and those above it, so that they outlive a crash too."""
        missing = [place for place in (folder, *folder.parents) if not place.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for place in missing:
            _sync_folder(place.parent)


def _write_new(path: Path, pieces: Iterable[bytes]) -> Written:
    digest = sha256()
    size = 0
    with path.open("xb") as file:
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return Written(size, digest.hexdigest())


def _sync_folder(folder: Path) -> None:
    """Make the folder's entries outlive a crash."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    # What cannot be removed now is removed by `tidy`; the failure that brought us here is the one to tell.
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _refusal(error: OSError) -> StorageFull | StorageUnavailable:
    """The error for a caller: no path of ours in it."""
    return StorageFull() if error.errno in _FULL else StorageUnavailable()
