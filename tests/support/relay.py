"""A relay between a client and a server on this machine that breaks when it is told to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_PIECE = 64 * 1024


@dataclass
class Relay:
    """Passes bytes on; once `left` bytes have gone to the server, `breaks` says how it goes on.

    "cut" ends every connection at that moment and lets new ones in; "hold" passes nothing on until `let_go`. `left`
    None: passes all.
    """

    target: tuple[str, int]
    left: int | None = None
    breaks: str = "cut"
    broken: threading.Event = field(default_factory=threading.Event)
    _flows: threading.Event = field(default_factory=threading.Event)
    _listener: socket.socket = field(default_factory=socket.socket)
    _open: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._flows.set()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def break_after(self, count: int, how: str = "cut") -> None:
        """Break once so many more bytes have gone to the server."""
        self.broken.clear()
        self.left, self.breaks = count, how

    def cut(self) -> None:
        """End every connection now, and let new ones in."""
        self._end_all()

    def let_go(self) -> None:
        """Pass everything on again."""
        self.left = None
        self._flows.set()

    def run(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self.target, timeout=10)
                server.settimeout(None)
                self._open += [client, server]
                threading.Thread(
                    target=self._pass_on, args=(client, server), kwargs={"counted": True}, daemon=True
                ).start()
                threading.Thread(
                    target=self._pass_on, args=(server, client), kwargs={"counted": False}, daemon=True
                ).start()

    def close(self) -> None:
        self._flows.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._end_all()

    def _pass_on(self, source: socket.socket, sink: socket.socket, *, counted: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(_PIECE):
                if counted:
                    self._count(len(piece))
                self._flows.wait()
                sink.sendall(piece)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _count(self, size: int) -> None:
        if self.left is None:
            return
        self.left -= size
        if self.left >= 0:
            return
        if self.breaks == "hold":
            self._flows.clear()
        else:
            self.left = None
            self._end_all()
        self.broken.set()

    def _end_all(self) -> None:
        ended, self._open = self._open, []
        for each in ended:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@contextmanager
def relaying(host: str, port: int) -> Iterator[Relay]:
    """A relay to a server of this machine."""
    relay = Relay((host, port))
    thread = threading.Thread(target=relay.run, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        relay.close()
        thread.join(10)
