"""Puts files on an SFTP server whose key is known beforehand (PLT-32)."""

from __future__ import annotations

import errno
import socket
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import paramiko
import structlog
from paramiko.pkey import UnknownKeyType
from paramiko.ssh_exception import IncompatiblePeer

from server.outbound.destinations import Destination
from server.outbound.files import PIECE_BYTES
from server.outbound.parcel import REFUSED, Parcel, Rejected, name_taken

HOST_KEY_CHANGED = "TRANSMISSION_HOST_KEY_CHANGED"
NOT_ADMITTED = "TRANSMISSION_NOT_ADMITTED"
UNREACHABLE = "TRANSMISSION_UNREACHABLE"
NO_CREDENTIALS = "TRANSMISSION_NO_CREDENTIALS"

_CONNECT_S = 10.0
_SILENCE_S = 30.0

log = structlog.get_logger("transmission")


def put_by_sftp(destination: Destination, parcel: Parcel) -> None:
    """Put a parcel there, under its own name once all of it is there; one that is there already has arrived.

    Raises: Rejected. What the parcel's pieces raise leaves nothing behind, if the connection still allows it.
    """
    with _told(), _connected(destination) as sftp:
        try:
            _put(sftp, destination.folder, parcel)
        except BaseException:
            # What stays is removed by the next attempt; the failure that brought us here is the one to tell.
            with suppress(OSError, EOFError, paramiko.SSHException):
                sftp.remove(f"{destination.folder}/{parcel.temporary_name}")
            raise


def _put(sftp: paramiko.SFTPClient, folder: str, parcel: Parcel) -> None:
    target, temporary = f"{folder}/{parcel.name}", f"{folder}/{parcel.temporary_name}"
    for former in parcel.former_names:
        with suppress(FileNotFoundError):
            sftp.remove(f"{folder}/{former}")
    if _has_arrived(sftp, target, parcel):
        return
    with sftp.open(temporary, "wb") as file:
        file.set_pipelined(True)
        for piece in parcel.pieces:
            file.write(piece)
    if sftp.stat(temporary).st_size != parcel.size_bytes:
        raise Rejected(REFUSED, "the destination has kept another number of bytes than it was sent")
    _name(sftp, temporary, target, parcel)


def _has_arrived(sftp: paramiko.SFTPClient, target: str, parcel: Parcel) -> bool:
    """Whether it is there. Raises: Rejected when something else is."""
    try:
        size = sftp.stat(target).st_size
    except FileNotFoundError:
        return False
    if not parcel.is_same(-1 if size is None else size, _read(sftp, target)):
        raise name_taken()
    return True


def _name(sftp: paramiko.SFTPClient, temporary: str, target: str, parcel: Parcel) -> None:
    """Give the file its name. SFTP's own rename puts it over no other; where it fails, OpenSSH's is asked for."""
    try:
        sftp.rename(temporary, target)
    except OSError:
        if _has_arrived(sftp, target, parcel):
            sftp.remove(temporary)
        else:
            sftp.posix_rename(temporary, target)


def _read(sftp: paramiko.SFTPClient, path: str) -> Iterator[bytes]:
    with sftp.open(path, "rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


@contextmanager
def _connected(destination: Destination) -> Iterator[paramiko.SFTPClient]:
    """A session with the server, if it has the key that it must have; every wait in it has an end."""
    pinned = pinned_key(destination.host_key)
    with socket.create_connection((destination.host, destination.port), timeout=_CONNECT_S) as connection:
        transport = paramiko.Transport(connection)
        try:
            transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = _CONNECT_S
            options = transport.get_security_options()
            fitting = _algorithms(pinned)
            options.key_types = sorted(options.key_types, key=lambda kind: kind not in fitting)
            transport.start_client(timeout=_CONNECT_S)
            if transport.get_remote_server_key() != pinned:
                message = "the server's key is not the one that is known: somebody else may answer in its place"
                raise Rejected(HOST_KEY_CHANGED, message, final=True)
            _log_in(transport, destination)
            sftp = paramiko.SFTPClient.from_transport(transport)
            assert sftp is not None
            channel = sftp.get_channel()
            assert channel is not None
            channel.settimeout(_SILENCE_S)
            try:
                yield sftp
            except OSError as error:
                if channel.closed:  # paramiko tells the end of a connection as any failure
                    raise EOFError from error
                raise
        finally:
            transport.close()


def _log_in(transport: paramiko.Transport, destination: Destination) -> None:
    if destination.key_file is not None:
        with _credentials():
            key = paramiko.PKey.from_path(destination.key_file)
        transport.auth_publickey(destination.user, key)
    else:
        assert destination.password_file is not None
        with _credentials():
            password = destination.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        transport.auth_password(destination.user, password)


@contextmanager
def _credentials() -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, TypeError, paramiko.SSHException) as error:
        log.warning("credentials not read", error=type(error).__name__)
        raise Rejected(NO_CREDENTIALS, "the key or password for the destination cannot be read") from error


def pinned_key(text: str) -> paramiko.PKey:
    """The key that a server must have, from its type and its Base64. Raises: ValueError."""
    kind, _, encoded = text.partition(" ")
    try:
        return paramiko.PKey.from_type_string(kind, b64decode(encoded, validate=True))
    except (ValueError, paramiko.SSHException, UnknownKeyType) as error:
        raise ValueError("is no public key") from error


def _algorithms(key: paramiko.PKey) -> set[str]:
    """The names under which a server offers a key of this kind."""
    name = key.get_name()
    return {name, "rsa-sha2-512", "rsa-sha2-256"} if name == "ssh-rsa" else {name}


@contextmanager
def _told() -> Iterator[None]:
    """Tell what fails as a refusal without a name of ours in it; the kind of failure stands in the log."""
    try:
        yield
    except IncompatiblePeer as error:
        log.warning("destination refuses", error=type(error).__name__)
        raise Rejected(HOST_KEY_CHANGED, "the server has no key of the kind that is known", final=True) from error
    except paramiko.AuthenticationException as error:
        raise Rejected(NOT_ADMITTED, "the server does not admit the user", final=True) from error
    except (paramiko.SSHException, EOFError, TimeoutError, ConnectionError, socket.gaierror) as error:
        log.warning("destination out of reach", error=type(error).__name__)
        raise Rejected(UNREACHABLE, "the server cannot be reached, or the connection broke off") from error
    except OSError as error:
        log.warning("destination refuses", error=type(error).__name__, code=errno.errorcode.get(error.errno or 0, ""))
        raise Rejected(REFUSED, "the destination does not take the file") from error
