"""Those who vouch for callers in tests: an issuer of signed tokens, a server of its keys, a certificate authority."""

from __future__ import annotations

import ipaddress
import json
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID
from jwt.algorithms import get_default_algorithms

ISSUER, AUDIENCE = "https://login.example.com/", "countinghouse"
EVERYTHING: dict[str, Any] = {"permissions": ["*"]}


@cache
def private_key(name: str, kind: str = "RSA") -> Any:
    """A key of its own for each name; made once, as making one takes long."""
    assert name
    if kind == "RSA":
        return rsa.generate_private_key(65_537, 2_048)
    return ec.generate_private_key(ec.SECP256R1()) if kind == "EC" else ed25519.Ed25519PrivateKey.generate()


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs tokens by one key."""

    kid: str
    algorithm: str = "RS256"

    @property
    def key(self) -> Any:
        kind = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}[self.algorithm]
        return private_key(self.kid, kind)

    def jwk(self, **more: object) -> dict[str, Any]:
        """The public key as the issuer's set shows it."""
        public = get_default_algorithms()[self.algorithm].to_jwk(self.key.public_key(), as_dict=True)
        return {**public, "kid": self.kid, "use": "sig", **more}

    def pem(self) -> bytes:
        """The public key in PEM."""
        shown: bytes = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return shown

    def token(self, *, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token that the server takes, but for what is given otherwise; a claim that is None is left out."""
        now = time.time()
        said = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "alice",
            "exp": now + 600,
            "countinghouse": EVERYTHING,
            **claims,
        }
        kept = {name: value for name, value in said.items() if value is not None}
        shown = {"kid": self.kid, **(headers or {})}
        return jwt.encode(kept, self.key, self.algorithm, {name: part for name, part in shown.items() if part})


def jwks(*signers: Signer) -> bytes:
    """The set of the signers' public keys."""
    return json.dumps({"keys": [signer.jwk() for signer in signers]}).encode()


@dataclass
class KeyServer:
    """A server of keys: what it answers may be changed, and it may be told to hang."""

    content: bytes
    status: int = 200
    asked: int = 0
    url: str = ""
    going_on: threading.Event = field(default_factory=threading.Event)


@contextmanager
def key_server(content: bytes, port: int = 0, pair: tuple[Path, Path] | None = None) -> Iterator[KeyServer]:
    """Serve the content on this machine, over HTTPS where there is a certificate with its key, else over HTTP."""
    keys = KeyServer(content)
    keys.going_on.set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            keys.asked += 1
            keys.going_on.wait(20)
            self.send_response(keys.status)
            self.send_header("content-length", str(len(keys.content)))
            self.end_headers()
            self.wfile.write(keys.content)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    if pair is not None:
        trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trusted.load_cert_chain(*pair)
        server.socket = trusted.wrap_socket(server.socket, server_side=True)
    keys.url = f"http{'s' if pair else ''}://127.0.0.1:{server.server_port}/keys"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield keys
    finally:
        keys.going_on.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True, slots=True)
class Pem:
    """A certificate and its key, in PEM."""

    certificate: bytes
    key: bytes

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Write both into the folder; gives their paths."""
        certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
        key.write_bytes(self.key)
        certificate.write_bytes(self.certificate)
        return certificate, key


class CertificateAuthority:
    """Signs certificates."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = _builder(self._name, self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.pem: bytes = certificate.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def certificate(
        self, common_name: str, *, dns: Sequence[str] = (), uris: Sequence[str] = (), addresses: Sequence[str] = ()
    ) -> Pem:
        """A certificate for these names."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]), self._name, key)
        names: list[x509.GeneralName] = [x509.DNSName(name) for name in dns]
        names += [x509.UniformResourceIdentifier(uri) for uri in uris]
        names += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return Pem(
            builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM),
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        )


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - timedelta(days=1),
        not_valid_after=now + timedelta(days=1),
    )
