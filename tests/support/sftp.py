"""An SFTP server on a port of its own, whose folder, keys and whims a test decides on."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import paramiko
from paramiko import common
from paramiko.sftp import SFTP_FAILURE, SFTP_OK

PASSWORD = "open sesame"
USER = "gl"


@dataclass
class Inbox:
    """A running server: what it stores lies in `folder`; `renames` and `opened` tell what clients have asked for.

    Without `plain_rename` the server cannot rename but as OpenSSH's extension asks; `full` refuses every write.
    """

    folder: Path
    host_key: paramiko.PKey
    user_key: paramiko.PKey
    port: int = 0
    plain_rename: bool = True
    full: bool = False
    opened: list[str] = field(default_factory=list)
    renames: list[tuple[str, str, str]] = field(default_factory=list)
    transports: list[paramiko.Transport] = field(default_factory=list)
    files: list[IO[bytes]] = field(default_factory=list)

    @property
    def pinned(self) -> str:
        """The server's key, as a client knows it."""
        return f"{self.host_key.get_name()} {self.host_key.get_base64()}"

    def names(self) -> list[str]:
        """What lies in the folder, temporary names included."""
        return sorted(path.name for path in self.folder.iterdir())


class _Door(paramiko.ServerInterface):
    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002 - as paramiko calls it
        return "publickey,password"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        fits = username == USER and key == self._inbox.user_key
        return common.AUTH_SUCCESSFUL if fits else common.AUTH_FAILED

    def check_auth_password(self, username: str, password: str) -> int:
        fits = (username, password) == (USER, PASSWORD)
        return common.AUTH_SUCCESSFUL if fits else common.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002
        return common.OPEN_SUCCEEDED


class _Files(paramiko.SFTPServerInterface):
    def __init__(self, server: paramiko.ServerInterface, inbox: Inbox) -> None:
        super().__init__(server)
        self._inbox = inbox

    def _place(self, path: str) -> Path:
        return self._inbox.folder.parent / path.lstrip("/")

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        try:
            return paramiko.SFTPAttributes.from_stat(self._place(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    lstat = stat

    def open(
        self,
        path: str,
        flags: int,
        attr: paramiko.SFTPAttributes,  # noqa: ARG002
    ) -> paramiko.SFTPHandle | int:
        writing = flags & (os.O_WRONLY | os.O_RDWR) != 0
        if writing and self._inbox.full:
            return SFTP_FAILURE
        try:
            file = self._place(path).open("wb" if writing else "rb")
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
        self._inbox.opened.append(path)
        self._inbox.files.append(file)
        handle = paramiko.SFTPHandle(flags)
        handle.readfile = handle.writefile = file  # type: ignore[attr-defined]
        return handle

    def remove(self, path: str) -> int:
        return self._done(lambda: self._place(path).unlink())

    def rename(self, oldpath: str, newpath: str) -> int:
        self._inbox.renames.append(("plain", oldpath, newpath))
        if not self._inbox.plain_rename or self._place(newpath).exists():
            return SFTP_FAILURE
        return self._done(lambda: self._place(oldpath).rename(self._place(newpath)))

    def posix_rename(self, oldpath: str, newpath: str) -> int:
        self._inbox.renames.append(("posix", oldpath, newpath))
        return self._done(lambda: self._place(oldpath).rename(self._place(newpath)))

    @staticmethod
    def _done(act: object) -> int:
        try:
            act()  # type: ignore[operator]
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
        return SFTP_OK


@contextmanager
def receiving(folder: Path, host_key: paramiko.PKey | None = None, port: int = 0) -> Iterator[Inbox]:
    """A server whose users begin in the folder above `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    own = host_key or paramiko.ECDSAKey.generate()
    inbox = Inbox(folder, own, paramiko.ECDSAKey.generate())
    with socket.create_server(("127.0.0.1", port)) as listener:
        inbox.port = listener.getsockname()[1]
        thread = threading.Thread(target=_serve, args=(listener, inbox), daemon=True)
        thread.start()
        try:
            yield inbox
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            thread.join(10)
            for transport in inbox.transports:
                transport.close()
                transport.join(10)
            for file in inbox.files:
                file.close()


def _serve(listener: socket.socket, inbox: Inbox) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            transport = paramiko.Transport(connection)
            transport.add_server_key(inbox.host_key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, inbox)
            inbox.transports.append(transport)
            with suppress(paramiko.SSHException, EOFError, OSError):
                transport.start_server(event=threading.Event(), server=_Door(inbox))
