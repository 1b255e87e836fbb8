"""How connections are encrypted, and whose certificates are asked for (PLT-13)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import grpc
import structlog
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from server.auth.stamps import stamp
from server.settings import PREFIX, BadSettings, Settings

Seen = tuple[tuple[int, ...], ...]

log = structlog.get_logger("auth")


class Unfit(Exception):
    """Certificate, key or authorities cannot be used; `lines` says why, each with the setting that names the file."""

    def __init__(self, *lines: str) -> None:
        super().__init__("; ".join(lines))
        self.lines = list(lines)


class Files:
    """A certificate, its key, and the authorities of clients: read again, at a handshake, when they have changed.

    What has changed into something unfit is told of in the log, and what was there before stays in force: while two
    files are being replaced one after the other, they do not fit each other.
    """

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None) -> None:
        self._certificate = certificate
        self._key = key
        self._client_ca = client_ca
        self._seen: Seen = ()

    def read(self) -> grpc.ServerCertificateConfiguration:
        """What the files hold. Raises: Unfit with everything that is wrong."""
        seen = self._now()  # before they are read: what changes meanwhile is to be read again
        lines: list[str] = []
        certificate = _content(lines, "TLS_CERTIFICATE_FILE", self._certificate)
        key = _content(lines, "TLS_KEY_FILE", self._key)
        authorities = _content(lines, "TLS_CLIENT_CA_FILE", self._client_ca) if self._client_ca else None
        if certificate is not None and key is not None:
            lines += _pair_mistakes(certificate, key)
        if authorities is not None and _first_key(authorities) is None:
            lines.append("TLS_CLIENT_CA_FILE: holds no certificate in PEM")
        if lines or certificate is None or key is None:
            raise Unfit(*lines)
        self._seen = seen
        return grpc.ssl_server_certificate_configuration([(key, certificate)], authorities)

    def changed(self) -> grpc.ServerCertificateConfiguration | None:
        """What the files hold, if they have changed; None: go on with what there is. For gRPC, on a thread of its."""
        now = self._now()
        if now == self._seen:
            return None
        try:
            configuration = self.read()
        except Unfit as unfit:
            self._seen = now  # until they change again
            log.warning("the changed certificate cannot be used, the old one stays", errors=unfit.lines)
            return None
        log.info("the certificate was changed")
        return configuration

    def _now(self) -> Seen:
        """By what a change of the files is told; without one that is not there."""
        return tuple(stamp(path) for path in (self._certificate, self._key, self._client_ca) if path is not None)


def credentials(settings: Settings) -> grpc.ServerCredentials | None:
    """The credentials of the server; None: connections are in clear. Raises: BadSettings with every mistake."""
    if settings.tls_certificate_file is None or settings.tls_key_file is None:
        return None
    files = Files(settings.tls_certificate_file, settings.tls_key_file, settings.tls_client_ca_file)
    try:
        first = files.read()
    except Unfit as unfit:
        raise BadSettings([f"{PREFIX}{line}" for line in unfit.lines]) from None
    mutual = settings.tls_client_ca_file is not None
    changed = cast("Callable[[], grpc.ServerCertificateConfiguration]", files.changed)  # None is documented, not typed
    return grpc.dynamic_ssl_server_credentials(first, changed, require_client_authentication=mutual)


def _content(lines: list[str], name: str, path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError as error:
        lines.append(f"{name}: {path}: {error.strerror}")
        return None


def _pair_mistakes(certificate: bytes, key: bytes) -> list[str]:
    """What keeps a certificate and a key from being used together."""
    lines = []
    certified = _first_key(certificate)
    if certified is None:
        lines.append("TLS_CERTIFICATE_FILE: holds no certificate in PEM")
    try:
        owned = load_pem_private_key(key, None).public_key()
    except TypeError:
        return [*lines, "TLS_KEY_FILE: the key is locked by a password"]
    except (ValueError, UnsupportedAlgorithm):
        return [*lines, "TLS_KEY_FILE: holds no private key in PEM"]
    if certified is not None and _bytes(certified) != _bytes(owned):
        lines.append("TLS_KEY_FILE: is not the key of the certificate")
    return lines


def _first_key(certificates: bytes) -> PublicKeyTypes | None:
    """The public key of the first certificate; None when there is none."""
    try:
        return x509.load_pem_x509_certificates(certificates)[0].public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None


def _bytes(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
