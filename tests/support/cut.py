"""A way to PostgreSQL that breaks at a commit: before the order arrives, or before its answer does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

_PORT = ".s.PGSQL.5432"
_BOUND_S = 60.0
_ORDER = b"COMMIT"
_ANSWERED = b"C\x00\x00\x00\x0bCOMMIT\x00"  # CommandComplete, 11 bytes with its length, of a COMMIT

When = Literal["before", "after"]


@dataclass(slots=True)
class Way:
    """A Unix socket in `folder` that leads to PostgreSQL's own."""

    folder: Path
    to: Path
    cuts: int = 0
    _armed: tuple[When, bytes] | None = None
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def url(self, url: str) -> str:
        """The database's URL by this way."""
        return f"{url.partition('?')[0]}?host={self.folder}"

    def cut(self, when: When, *, having: bytes) -> None:
        """Break the next connection that commits after a statement with these bytes in it, once."""
        with self._guard:
            self._armed = (when, having)

    def carry(self, near: socket.socket) -> None:
        """Pass on what one connection says in both directions, until it ends or is cut."""
        far = socket.socket(socket.AF_UNIX)
        far.settimeout(_BOUND_S)
        far.connect(str(self.to))
        waits = threading.Event()
        back = threading.Thread(target=self._back, args=(far, near, waits), daemon=True)
        back.start()
        try:
            with suppress(OSError):  # one of the two has gone: so does the other
                self._forth(near, far, waits)
        finally:
            _end(near)
            _end(far)
            back.join(_BOUND_S)
            near.close()
            far.close()

    def _forth(self, near: socket.socket, far: socket.socket, waits: threading.Event) -> None:
        seen = b""
        while data := near.recv(1 << 16):
            seen = (seen + data)[-(1 << 20) :]
            when = self._due(seen) if data.startswith(b"Q") and _ORDER in data else None
            if when == "before":
                return
            if when == "after":
                waits.set()
            far.sendall(data)
            if _ORDER in data:
                seen = b""

    def _back(self, far: socket.socket, near: socket.socket, waits: threading.Event) -> None:
        with suppress(OSError):
            while (data := far.recv(1 << 16)) and not (waits.is_set() and _ANSWERED in data):
                near.sendall(data)
        _end(near)

    def _due(self, seen: bytes) -> When | None:
        with self._guard:
            if self._armed is None or self._armed[1] not in seen:
                return None
            when, self._armed = self._armed[0], None
            self.cuts += 1
            return when


@contextmanager
def way(folder: Path, to: Path) -> Iterator[Way]:
    """A way to the PostgreSQL whose socket is in the folder `to`."""
    opened = Way(folder, to / _PORT)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(folder / _PORT))
        door.listen(64)
        threading.Thread(target=_welcome, args=(door, opened), daemon=True).start()
        try:
            yield opened
        finally:
            door.shutdown(socket.SHUT_RDWR)


def _welcome(door: socket.socket, opened: Way) -> None:
    while True:
        try:
            near, _ = door.accept()
        except OSError:
            return  # the door was shut
        near.settimeout(_BOUND_S)
        threading.Thread(target=opened.carry, args=(near,), daemon=True).start()


def _end(line: socket.socket) -> None:
    with suppress(OSError):  # it has ended already
        line.shutdown(socket.SHUT_RDWR)
