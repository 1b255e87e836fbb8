"""Encrypted connections: certificates that change, and callers who are known by theirs."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from grpc_health.v1 import health_pb2, health_pb2_grpc

from countinghouse.client import Client, Tls, connect
from countinghouse.client.errors import NotFound, PermissionDenied, Unauthenticated, Unavailable
from countinghouse.gl_extraction.v1 import reference_pb2
from countinghouse.operations.v1 import audit_pb2
from server.auth import tls
from server.auth.certificates import names_of
from server.auth.tls import Files, Unfit
from server.opening import CannotStart
from server.settings import BadSettings
from tests.support.identity import AUDIENCE, ISSUER, CertificateAuthority, KeyServer, Pem
from tests.support.process import free_address, run, serve
from tests.support.server import Served, serving
from tests.support.waiting import wait_for
from tests.wire.identity.conftest import SIGNER

OURS, OTHERS = CertificateAuthority("ours"), CertificateAuthority("others")
SERVING = health_pb2.HealthCheckResponse.SERVING
TOKEN = "a-token-of-the-file"
TOKENS = f"""
[[tokens]]
caller = "robot"
token = "{TOKEN}"
permissions = ["read"]
"""
CALLERS = f"""
{TOKENS}
[[certificates]]
name = "spiffe://example.com/billing"
permissions = ["read", "configure", "readaudit"]
[[certificates]]
name = "month-end.example.com"
caller = "month-end"
permissions = ["read"]
ledgers = ["L2"]
[[certificates]]
name = "old-robot"
permissions = []
"""


@dataclass(frozen=True, slots=True)
class Encrypted:
    """A server with a certificate for this machine, and callers in its token file."""

    served: Served
    certificate: Path
    key: Path

    def client(self, own: Pem | None = None, token: str | None = None, ca: bytes = OURS.pem) -> Client:
        tls = Tls(ca, own.certificate if own else None, own.key if own else None)
        return connect(self.served.target, tls=tls, token=token, timeout_s=10, attempts_max=1)


@contextmanager
def encrypted(url: str, folder: Path, *, mutual: bool, **more: object) -> Iterator[Encrypted]:
    certificate, key = OURS.certificate("server", addresses=["127.0.0.1"]).write(folder, "server")
    tokens, authorities = folder / "callers.toml", folder / "clients.pem"
    tokens.write_text(CALLERS if mutual else TOKENS)
    authorities.write_bytes(OURS.pem)
    how: dict[str, Any] = {"token_file": tokens, "tls_certificate_file": certificate, "tls_key_file": key, **more}
    if mutual:
        how["tls_client_ca_file"] = authorities
    with serving(url, folder, **how) as served:
        yield Encrypted(served, certificate, key)


def ledgers(client: Client) -> list[str]:
    return [ledger.code for ledger in client.gl.list_ledgers(reference_pb2.ListLedgersRequest())]


def callers(client: Client) -> list[str]:
    """Who stands in the audit trail; only billing may read it."""
    return [entry.caller for entry in client.audit.list_entries(audit_pb2.ListAuditEntriesRequest())]


def health(target: str, own: Pem | None) -> int:
    """What a balancer is told that shows this certificate."""
    credentials = grpc.ssl_channel_credentials(OURS.pem, own.key if own else None, own.certificate if own else None)
    with grpc.secure_channel(target, credentials) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        return int(stub.Check(health_pb2.HealthCheckRequest(), timeout=10).status)


@pytest.mark.rule("PLT-13")
def test_an_encrypted_server_takes_calls_over_tls_only(migrated_url: str, tmp_path: Path) -> None:
    """From clients that trust its certificate; a token goes with the call, as over any connection."""
    with encrypted(migrated_url, tmp_path, mutual=False) as there:
        with there.client(token=TOKEN) as client:
            assert ledgers(client) == []
        with there.client() as client, pytest.raises(Unauthenticated):
            ledgers(client)
        with there.client(token=TOKEN, ca=OTHERS.pem) as client, pytest.raises(Unavailable):
            ledgers(client)
        in_clear = connect(there.served.target, token=TOKEN, timeout_s=5, attempts_max=1)
        with in_clear as client, pytest.raises(Unavailable):
            ledgers(client)


@pytest.mark.rule("PLT-13")
def test_a_certificate_that_is_replaced_is_used_without_a_restart(migrated_url: str, tmp_path: Path) -> None:
    """For new connections, while those that stand go on; one that is unfit changes nothing."""
    with encrypted(migrated_url, tmp_path, mutual=False) as there, there.client(token=TOKEN) as standing:
        host, port = there.served.target.split(":")

        def shown() -> str:
            pem = ssl.get_server_certificate((host, int(port)), timeout=10)
            return x509.load_pem_x509_certificate(pem.encode()).subject.rfc4514_string()

        assert (shown(), ledgers(standing)) == ("CN=server", [])
        following = OTHERS.certificate("following", addresses=["127.0.0.1"])
        there.certificate.write_bytes(following.certificate)  # for a moment it does not fit the key
        assert shown() == "CN=server"
        there.key.write_bytes(following.key)
        assert shown() == "CN=following"
        with there.client(token=TOKEN, ca=OTHERS.pem) as client:
            assert ledgers(client) == []
        there.key.write_bytes(b"")
        there.certificate.unlink()
        assert shown() == "CN=following"
        assert ledgers(standing) == []


@pytest.mark.rule("PLT-13", "PLT-11", "PLT-12", "PLT-14")
def test_callers_are_known_by_their_certificates(migrated_url: str, tmp_path: Path) -> None:
    """By its URI, by its DNS name under a name of their own, or by its common name if it has no other."""
    billing = OURS.certificate("any", uris=["spiffe://example.com/billing"], dns=["any.example.com"])
    with encrypted(migrated_url, tmp_path, mutual=True) as there:
        with there.client(billing) as client:
            for code in ("L1", "L2"):
                client.gl.create_ledger(reference_pb2.CreateLedgerRequest(ledger=reference_pb2.Ledger(code=code)))
            assert set(callers(client)) == {"spiffe://example.com/billing"}
        with there.client(OURS.certificate("any", dns=["month-end.example.com"])) as client:
            assert ledgers(client) == ["L2"]
            with pytest.raises(NotFound):
                client.gl.get_ledger(reference_pb2.GetLedgerRequest(name="ledgers/L1"))
            with pytest.raises(PermissionDenied):
                client.gl.create_ledger(reference_pb2.CreateLedgerRequest(ledger=reference_pb2.Ledger(code="L3")))
        with there.client(OURS.certificate("old-robot")) as client, pytest.raises(PermissionDenied):
            ledgers(client)


@pytest.mark.rule("PLT-13")
def test_certificates_of_strangers_are_refused(migrated_url: str, tmp_path: Path) -> None:
    """Of another authority, of nobody in the file, or with a known common name beside another name."""
    with encrypted(migrated_url, tmp_path, mutual=True) as there:
        for own in (None, OTHERS.certificate("any", uris=["spiffe://example.com/billing"])):
            with there.client(own) as client, pytest.raises(Unavailable):
                ledgers(client)
        for own in (
            OURS.certificate("somebody"),
            OURS.certificate("old-robot", dns=["somebody.example.com"]),
            OURS.certificate("old-robot", addresses=["192.0.2.1"]),
        ):
            with there.client(own) as client, pytest.raises(Unauthenticated) as stranger:
                ledgers(client)
            assert stranger.value.reason == "CERTIFICATE_UNKNOWN"


@pytest.mark.rule("PLT-13")
def test_a_token_goes_before_a_certificate(migrated_url: str, tmp_path: Path, keys: KeyServer) -> None:
    """All three may be configured; a wrong token is not made up for by a certificate that is right."""
    own = OURS.certificate("any", uris=["spiffe://example.com/billing"])
    jwt = {"jwt_keys_url": keys.url, "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE}
    with encrypted(migrated_url, tmp_path, mutual=True, **jwt) as there:
        with there.client(own, TOKEN) as client, pytest.raises(PermissionDenied):
            callers(client)
        with there.client(own, SIGNER.token()) as client:
            assert callers(client) == []
        with there.client(own, SIGNER.token(exp=time.time() - 600)) as client, pytest.raises(Unauthenticated) as late:
            ledgers(client)
        assert late.value.reason == "TOKEN_EXPIRED"
        with there.client(own) as client:
            assert callers(client) == []


@pytest.mark.rule("PLT-44")
def test_an_address_in_use_is_told_over_tls_too(migrated_url: str, tmp_path: Path) -> None:
    """A second server does not share the port."""
    with (
        encrypted(migrated_url, tmp_path, mutual=False) as there,
        pytest.raises(CannotStart, match="cannot listen on"),
        encrypted(migrated_url, tmp_path, mutual=False, listen=there.served.target),
    ):
        raise AssertionError("it must not start")


@pytest.mark.rule("PLT-44", "PLT-13")
def test_every_mistake_in_certificates_is_one_line(migrated_url: str, tmp_path: Path) -> None:
    """The server does not start with a pair that no handshake could use."""
    server, other = OURS.certificate("server"), OURS.certificate("other")
    certificate, key = server.write(tmp_path, "server")
    authorities = tmp_path / "clients.pem"
    authorities.write_bytes(b"nothing")
    certificate.write_bytes(b"nothing")
    key.write_bytes(b"nothing")
    with pytest.raises(Unfit) as unfit:
        Files(certificate, key, authorities).read()
    assert unfit.value.lines == [
        "TLS_CERTIFICATE_FILE: holds no certificate in PEM",
        "TLS_KEY_FILE: holds no private key in PEM",
        "TLS_CLIENT_CA_FILE: holds no certificate in PEM",
    ]
    certificate.write_bytes(server.certificate)
    key.write_bytes(other.key)
    with (
        pytest.raises(BadSettings) as bad,
        serving(migrated_url, tmp_path, tls_certificate_file=certificate, tls_key_file=key),
    ):
        raise AssertionError("it must not start")
    assert bad.value.lines == ["COUNTINGHOUSE_TLS_KEY_FILE: is not the key of the certificate"]


@pytest.mark.rule("PLT-13")
def test_a_certificate_that_changes_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the server would go on with the old one until the next change."""
    certificate, key = OURS.certificate("server").write(tmp_path, "server")
    files = Files(certificate, key, None)
    following, mistakes = OTHERS.certificate("following"), tls._pair_mistakes

    def meanwhile(*pair: bytes) -> list[str]:
        following.write(tmp_path, "server")
        return mistakes(*pair)

    monkeypatch.setattr(tls, "_pair_mistakes", meanwhile)
    files.read()
    monkeypatch.undo()
    assert files.changed() is not None
    assert files.changed() is None


def test_a_common_name_counts_only_where_there_is_no_other() -> None:
    """An authority that proves names proves the others (RFC 9525)."""
    peer = {"x509_common_name": [b"old-robot"]}
    assert names_of(peer) == ["old-robot"]
    assert names_of({**peer, "x509_subject_alternative_name": [b"192.0.2.1"]}) == []
    assert names_of({**peer, "peer_dns": [b"a", b"b"], "peer_uri": [b"u"]}) == ["u", "a", "b"]
    assert names_of({"transport_security_type": [b"insecure"]}) == []


@pytest.mark.rule("PLT-13", "PLT-44")
def test_the_command_line_serves_and_calls_over_mutual_tls(migrated_url: str, tmp_path: Path) -> None:
    """As an operator sets it up: three files for the server, three for the caller."""
    certificate, key = OURS.certificate("server", dns=["books.example.com"]).write(tmp_path, "server")
    own, own_key = OURS.certificate("any", uris=["spiffe://example.com/billing"]).write(tmp_path, "own")
    tokens, authorities = tmp_path / "callers.toml", tmp_path / "authorities.pem"
    tokens.write_text(CALLERS)
    authorities.write_bytes(OURS.pem)
    address = free_address()
    with serve(
        tmp_path / "server",
        database_url=migrated_url,
        listen=address.replace("127.0.0.1", "0.0.0.0"),  # noqa: S104 - callers must say who they are
        token_file=tokens,
        tls_certificate_file=certificate,
        tls_key_file=key,
        tls_client_ca_file=authorities,
    ) as server:
        server.ready()
        how: dict[str, Any] = {
            "address": address,
            "client_tls_ca": authorities,
            "client_tls_cert": own,
            "client_tls_key": own_key,
        }
        name = ("--tls-server-name", "books.example.com")
        made = run(tmp_path, *name, "gl", "ledgers", "create", "L1", **how)
        assert made.returncode == 0, made.stderr
        listed = run(tmp_path, *name, "gl", "ledgers", "list", **how)
        assert "L1" in listed.stdout
        wrong = run(tmp_path, "gl", "ledgers", "list", **how)
        assert wrong.returncode != 0
        wait_for(lambda: any(line.get("caller") == "spiffe://example.com/billing" for line in server.log()))
    assert not any("in clear" in line["event"] for line in server.log())


@pytest.mark.rule("PLT-13", "PLT-41")
def test_health_can_be_checked_with_a_certificate_that_belongs_to_nobody(migrated_url: str, tmp_path: Path) -> None:
    """With mutual TLS no connection stands without one, but health asks for no name."""
    nobody = OURS.certificate("a-balancer")
    with encrypted(migrated_url, tmp_path, mutual=True) as there:
        assert health(there.served.target, nobody) == SERVING
        with pytest.raises(grpc.RpcError) as refused:
            health(there.served.target, None)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.slow
@pytest.mark.rule("PLT-13", "PLT-23")
def test_several_rpc_processes_serve_over_mutual_tls(migrated_postgresql_url: str, tmp_path: Path) -> None:
    """Each shows the certificate, knows callers by theirs, and follows what changes: certificates and tokens."""
    certificate, key = OURS.certificate("server", addresses=["127.0.0.1"]).write(tmp_path, "server")
    tokens, authorities = tmp_path / "callers.toml", tmp_path / "authorities.pem"
    tokens.write_text(CALLERS)
    authorities.write_bytes(OURS.pem)
    address = free_address()
    billing = OURS.certificate("any", uris=["spiffe://example.com/billing"])
    how: dict[str, Any] = {
        "database_url": migrated_postgresql_url,
        "listen": address,
        "token_file": tokens,
        "tls_certificate_file": certificate,
        "tls_key_file": key,
        "tls_client_ca_file": authorities,
    }

    def call(token: str | None = None, ca: bytes = OURS.pem) -> list[str]:
        tls = Tls(ca, billing.certificate, billing.key)
        with connect(address, tls=tls, token=token, timeout_s=10, attempts_max=1) as client:
            return ledgers(client)

    def known(token: str) -> bool:
        try:
            return call(token) == []
        except Unauthenticated:
            return False

    with serve(tmp_path / "server", "--workers", "2", "--no-jobs", **how) as server:
        server.ready()
        assert [call() for _ in range(12)] == [[]] * 12
        assert health(address, billing) == SERVING
        assert not known("a-token-of-tomorrow")
        tokens.write_text(
            CALLERS + '[[tokens]]\ncaller = "new"\ntoken = "a-token-of-tomorrow"\npermissions = ["read"]\n'
        )
        wait_for(lambda: all(known("a-token-of-tomorrow") for _ in range(12)))
        following = OTHERS.certificate("following", addresses=["127.0.0.1"])
        key.write_bytes(following.key)
        certificate.write_bytes(following.certificate)
        assert [call(ca=OTHERS.pem) for _ in range(12)] == [[]] * 12
        assert server.end() == 0
    assert not any(line["level"] == "error" for line in server.log())
