"""A download on its way: bytes beside the target, until they are proven to be the file."""

import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from countinghouse.client.errors import DataLoss, Details
from countinghouse.operations.v1 import data_files_pb2

_BLOCK = 2**20


class PartialFile:
    """The bytes of one file received so far.

    They stand in `.{name}.{first half of the SHA-256}.part` beside the target. The name holds what the content must
    be, so that what a broken-off download left is taken up by the next one of the same content and by no other.

    Raises:
        BlockingIOError: Another process is writing the same download.
    """

    def __init__(self, facts: data_files_pb2.DataFile, target: Path) -> None:
        self._facts = facts
        self._target = target
        self._path = target.with_name(f".{target.name}.{facts.sha256[:32]}.part")
        self._file = self._path.open("a+b")
        try:
            _lock(self._file.fileno())
        except OSError:
            self._file.close()
            raise
        self._hash = hashlib.sha256()
        self.offset = self._take_up()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def request(self) -> data_files_pb2.DownloadDataFileRequest:
        """Asks for what is missing."""
        return data_files_pb2.DownloadDataFileRequest(name=self._facts.name, offset=self.offset)

    def take(self, piece: data_files_pb2.DownloadDataFileResponse) -> bool:
        """Add a piece; tells whether it brought any bytes.

        Raises:
            DataLoss: It does not follow what was received, or goes past the file's size.
        """
        if piece.content and piece.offset != self.offset:
            self._refuse("DOWNLOAD_OFFSET_WRONG", f"bytes from {piece.offset} came where {self.offset} was due")
        if self.offset + len(piece.content) > self._facts.size_bytes:
            self._refuse("DOWNLOAD_SIZE_WRONG", f"more than its {self._facts.size_bytes} bytes came")
        self._file.write(piece.content)
        self._hash.update(piece.content)
        self.offset += len(piece.content)
        return bool(piece.content)

    @property
    def complete(self) -> bool:
        """Whether all bytes are there."""
        return self.offset == self._facts.size_bytes

    def finish(self) -> Path:
        """Prove the content and put it in place of the target, whole; returns the target.

        Raises:
            DataLoss: The content is not what the server wrote (PLT-31). Nothing is left of it.
        """
        assert self.complete, "finished before all bytes came"
        if self._hash.hexdigest() != self._facts.sha256:
            self._refuse("DOWNLOAD_SHA256_MISMATCH", "the bytes received are not those that were written")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._path.replace(self._target)
        return self._target

    def _take_up(self) -> int:
        """Read what an earlier download left; returns its size in bytes."""
        self._file.seek(0)
        while block := self._file.read(_BLOCK):
            self._hash.update(block)
        offset = self._file.tell()
        if offset > self._facts.size_bytes:
            self._file.truncate(0)
            self._hash = hashlib.sha256()
            return 0
        return offset

    def _refuse(self, reason: str, what: str) -> None:
        self._path.unlink(missing_ok=True)
        raise DataLoss(f"{self._facts.name}: {what}", details=Details(reason=reason))


def _lock(descriptor: int) -> None:
    """Keep other processes from the same bytes, where the system can; the lock goes with the file's closing."""
    try:
        import fcntl  # noqa: PLC0415 - not on Windows
    except ImportError:
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
