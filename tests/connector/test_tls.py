"""Encrypted connections to systems of record: authorities, certificates of callers, tokens."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from server.outbound.addresses import Reach
from server.outbound.connections import Connection
from server.outbound.system_of_record.connectors import connector
from server.outbound.system_of_record.model import Failure, Means, NotPosted, Posting, adjustment_from
from server.simulator.running import Place
from tests.connector.adjusting import payload
from tests.support.identity import CertificateAuthority
from tests.support.receiver import Answer, receiving
from tests.support.simulator import Simulated, simulating

OURS, THEIRS = CertificateAuthority("ours"), CertificateAuthority("theirs")
ADJUSTMENT = adjustment_from(payload("op-1"))
_FOUND = b'{"externalReference": "R-1"}'


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Certificates of a system of record and of its caller, and their authority."""
    authority, stranger = tmp_path / "ca.pem", tmp_path / "stranger.pem"
    authority.write_bytes(OURS.pem)
    stranger.write_bytes(THEIRS.pem)
    system = OURS.certificate("system", dns=["localhost"], addresses=["127.0.0.1"]).write(tmp_path, "system")
    caller = OURS.certificate("countinghouse").write(tmp_path, "caller")
    token = tmp_path / "token"
    token.write_text("secret-token\n")
    return {
        "ca": authority,
        "stranger": stranger,
        "system": system[0],
        "system_key": system[1],
        "caller": caller[0],
        "caller_key": caller[1],
        "token": token,
    }


@pytest.fixture
def ledger(files: dict[str, Path]) -> Iterator[Simulated]:
    """A simulated system of record that wants its callers' certificates."""
    certificate = (files["system"], files["system_key"])
    ours = grpc.ssl_channel_credentials(
        files["ca"].read_bytes(), files["caller_key"].read_bytes(), files["caller"].read_bytes()
    )
    with simulating(Place(certificate=certificate, client_ca=files["ca"]), ours) as simulated:
        yield simulated


def by_grpc(ledger: Simulated, **files: Any) -> Any:
    return connector(Connection("ledger", "grpc", f"localhost:{ledger.ports.grpc}", **files), Reach(loopback=True))


@pytest.mark.rule("ACC-20")
def test_grpc_is_encrypted_and_shows_who_calls(ledger: Simulated, files: dict[str, Path]) -> None:
    """With the system's authority and a certificate of ours it is posted."""
    speaking = by_grpc(
        ledger,
        ca_file=files["ca"],
        certificate_file=files["caller"],
        key_file=files["caller_key"],
        token_file=files["token"],
    )
    assert isinstance(speaking.lookup(ADJUSTMENT), NotPosted)
    assert isinstance(speaking.post(ADJUSTMENT), Posting)
    assert len(ledger.postings()) == 1


@pytest.mark.rule("ACC-20")
@pytest.mark.parametrize(("authority", "shows"), [("stranger", True), ("ca", False)])
def test_nothing_is_posted_where_one_side_does_not_trust_the_other(
    ledger: Simulated, files: dict[str, Path], authority: str, *, shows: bool
) -> None:
    """Neither to a system that we do not know, nor by a caller whom it does not; and nothing is in doubt."""
    shown = {"certificate_file": files["caller"], "key_file": files["caller_key"]} if shows else {}
    failure = by_grpc(ledger, ca_file=files[authority], **shown).post(ADJUSTMENT)
    assert isinstance(failure, Failure)
    assert failure.means is Means.LATER
    assert not ledger.postings()


@pytest.mark.rule("ACC-20")
@pytest.mark.parametrize(("host", "trusted"), [("ledger.example", True), ("other.example", False)])
def test_the_certificate_is_that_of_the_name(
    files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, *, trusted: bool
) -> None:
    """Though the connection leads to an address that was judged."""
    named = OURS.certificate("named", dns=["ledger.example", "localhost"]).write(tmp_path, "named")
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]
    ours = grpc.ssl_channel_credentials(files["ca"].read_bytes())
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with simulating(Place(certificate=named), ours) as ledger:
        connection = Connection("ledger", "grpc", f"{host}:{ledger.ports.grpc}", ca_file=files["ca"])
        answer = connector(connection, Reach(loopback=True)).post(ADJUSTMENT)
    assert isinstance(answer, Posting) is trusted


@pytest.mark.rule("ACC-20")
def test_https_is_encrypted_and_shows_who_calls(files: dict[str, Path]) -> None:
    """The token goes to the system whose certificate our authority signed, and to no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files["system"], files["system_key"])
    context.load_verify_locations(files["ca"])
    context.verify_mode = ssl.CERT_REQUIRED
    with receiving(lambda _: Answer(200, body=_FOUND), context) as receiver:

        def post(**chosen: Any) -> Any:
            connection = Connection(
                "ledger", "http", receiver.url("localhost", "/v1"), token_file=files["token"], **chosen
            )
            speaking = connector(connection, Reach(loopback=True))
            answer = speaking.post(ADJUSTMENT)
            speaking.rest()
            return answer

        shown = {"certificate_file": files["caller"], "key_file": files["caller_key"]}
        assert isinstance(post(ca_file=files["ca"], **shown), Posting)
        assert isinstance(post(ca_file=files["stranger"], **shown), Failure)
        assert isinstance(post(ca_file=files["ca"]), Failure)
    (got,) = receiver.received
    assert got.headers["authorization"] == "Bearer secret-token"
