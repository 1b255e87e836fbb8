"""Puts files into a folder of this machine, or of one that it has mounted (PLT-32)."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from server.outbound.destinations import Destination
from server.outbound.files import PIECE_BYTES
from server.outbound.parcel import REFUSED, Parcel, Rejected, name_taken

FULL = "TRANSMISSION_NO_ROOM"

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})


def put_in_folder(destination: Destination, parcel: Parcel) -> None:
    """Put a parcel there, whole and on the disk, under its own name at last; one that is there already has arrived.

    Raises: Rejected. What the parcel's pieces raise leaves nothing behind.
    """
    folder = Path(destination.folder)
    target, temporary = folder / parcel.name, folder / parcel.temporary_name
    try:
        for former in parcel.former_names:
            (folder / former).unlink(missing_ok=True)
        if _has_arrived(target, parcel):
            return
        _write(temporary, parcel.pieces)
        _name(temporary, target, parcel)
        _sync(folder)
    except OSError as error:
        _remove(temporary)
        if error.errno in _FULL:
            raise Rejected(FULL, "there is no room left at the destination") from error
        raise Rejected(REFUSED, "the destination cannot be written to") from error
    except BaseException:
        _remove(temporary)
        raise


def _has_arrived(target: Path, parcel: Parcel) -> bool:
    """Whether it is there. Raises: Rejected when something else is."""
    try:
        size = target.stat().st_size
    except FileNotFoundError:
        return False
    if not target.is_file() or not parcel.is_same(size, _read(target)):
        raise name_taken()
    return True


def _write(path: Path, pieces: Iterator[bytes]) -> None:
    with path.open("wb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def _name(temporary: Path, target: Path, parcel: Parcel) -> None:
    """Give the file its name and put it over no other: as a second name first, where the file system has those."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        if not _has_arrived(target, parcel):
            raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if not _has_arrived(target, parcel):
            temporary.rename(target)
        return
    temporary.unlink()


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    with suppress(OSError):  # the next attempt removes it; the failure that brought us here is the one to tell
        path.unlink(missing_ok=True)
