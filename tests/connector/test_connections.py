"""The file of systems of record: read at the start, each mistake one line."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from server.database.transaction import Database
from server.doctor.model import Patient
from server.doctor.reach import systems_of_record
from server.outbound.addresses import Reach, networks_of
from server.outbound.connections import BadConnections, Connection
from server.outbound.system_of_record.connections import read_connections
from server.settings import BadSettings, load
from tests.support.identity import CertificateAuthority
from tests.support.process import run
from tests.support.simulator import simulating

NEAR = Reach(loopback=True)


def read(folder: Path, text: str, reach: Reach = NEAR) -> tuple[Connection, ...]:
    path = folder / "systems.toml"
    path.write_text(text, encoding="utf-8")
    return read_connections(path, reach)


@pytest.mark.rule("ACC-20")
def test_connections_are_read_with_their_files(tmp_path: Path) -> None:
    """One by gRPC with certificates and a token, one by HTTP."""
    authority = CertificateAuthority("ours")
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    certificate, key = authority.certificate("caller").write(tmp_path, "caller")
    (tmp_path / "token").write_text("abc\n")
    first, second = read(
        tmp_path,
        f"""
        [[systems_of_record]]
        name = "ledger"
        kind = "grpc"
        target = "ledger.example.com:443"
        ca_file = "{tmp_path}/ca.pem"
        certificate_file = "{certificate}"
        key_file = "{key}"
        token_file = "{tmp_path}/token"

        [[systems_of_record]]
        name = "books"
        kind = "http"
        url = "https://books.example.com/v1"
        """,
    )
    assert (first.name, first.kind, first.target, first.tls, first.token) == (
        "ledger",
        "grpc",
        "ledger.example.com:443",
        True,
        "abc",
    )
    assert (second.name, second.kind, second.target, second.token) == (
        "books",
        "http",
        "https://books.example.com/v1",
        "",
    )


@pytest.mark.rule("ACC-20", "PLT-44")
@pytest.mark.parametrize(
    ("entry", "mistakes"),
    [
        ('kind = "grpc"\ntarget = "h:1"', ["name: must be lower-case letters"]),
        ('name = "Led ger"\nkind = "grpc"\ntarget = "h:1"', ["name: must be lower-case letters"]),
        ('name = "a"\ntarget = "h:1"', ["kind: must be grpc or http"]),
        ('name = "a"\nkind = "grpc"\ntarget = "h"', ["target: must be host:port"]),
        ('name = "a"\nkind = "grpc"\ntarget = "h:70000"', ["target: must be host:port"]),
        ('name = "a"\nkind = "grpc"\ntarget = "h:1"\nurl = "https://x.example.com"', ["url: is for http"]),
        ('name = "a"\nkind = "grpc"\ntarget = "h:1"\ncolour = 3', ["colour: there is no such setting"]),
        ('name = "a"\nkind = "grpc"\ntarget = "h:1"\ntls = "no"', ["tls: must be true or false"]),
        (
            'name = "a"\nkind = "grpc"\ntarget = "localhost:1"\ntls = false\ntoken_file = "systems.toml"',
            ["token_file: is of no use, or a secret in clear", "token_file: there is no file"],
        ),
        ('name = "a"\nkind = "grpc"\ntarget = "10.0.0.1:443"', ["target: is in a range of addresses"]),
        ('name = "a"\nkind = "grpc"\ntarget = "[fd00::1]:443"', ["target: is in a range of addresses"]),
        ('name = "a"\nkind = "grpc"\ntarget = "h:1"\ntls = false', ["tls: may be false on this machine alone"]),
        ('name = "a"\nkind = "http"', ["url: must be given"]),
        ('name = "a"\nkind = "http"\nurl = "http://books.example.com"', ["url: must begin with https://"]),
        ('name = "a"\nkind = "http"\nurl = "https://10.0.0.1/v1"', ["url: is in a range of addresses"]),
        ('name = "a"\nkind = "http"\nurl = "https://books.example.com?x=1"', ["url: must have no query"]),
        ('name = "a"\nkind = "http"\nurl = "https://b.example.com"\ntls = true', ["tls: is for gRPC"]),
        (
            'name = "a"\nkind = "grpc"\ntarget = "h:1"\nca_file = "missing.pem"',
            ["ca_file: there is no file missing.pem"],
        ),
        ('name = "a"\nkind = "grpc"\ntarget = "h:1"\nca_file = "FOLDER/systems.toml"', ["ca_file: "]),
        (
            'name = "a"\nkind = "grpc"\ntarget = "h:1"\nkey_file = "FOLDER/systems.toml"',
            ["certificate_file and key_file: both must be given, or neither"],
        ),
        ('name = "a"\nkind = "grpc"\ntarget = "h:1"\ntoken_file = "FOLDER/systems.toml"', ["token_file: "]),
    ],
)
def test_each_mistake_is_one_line_that_names_its_entry(tmp_path: Path, entry: str, mistakes: list[str]) -> None:
    """And none shows what a file of secrets holds."""
    with pytest.raises(BadConnections) as refused:
        read(tmp_path, f"[[systems_of_record]]\n{entry}\n".replace("FOLDER", str(tmp_path)))
    assert len(refused.value.lines) == len(mistakes)
    for line, mistake in zip(refused.value.lines, mistakes, strict=True):
        assert f"[[systems_of_record]] 1: {mistake}" in line


@pytest.mark.rule("ACC-20", "PLT-44")
def test_this_machine_and_private_ranges_are_opened_by_settings(tmp_path: Path) -> None:
    """The same for both kinds; in clear it is this machine alone, whatever ranges are opened."""
    within = Reach(networks=networks_of("10.0.0.0/8"))
    entry = '[[systems_of_record]]\nname = "a"\nkind = "grpc"\ntarget = "{}"\n'
    assert read(tmp_path, entry.format("10.0.0.1:443"), within)
    assert read(tmp_path, entry.format("127.0.0.1:1") + "tls = false")
    refused = (
        ("127.0.0.1:1", Reach(), "target: is in a range"),
        ("localhost:1", Reach(), "target: must not be this machine's own"),
        ("10.0.0.1:1", within, "tls: may be false on this machine alone"),
    )
    for target, reach, mistake in refused:
        with pytest.raises(BadConnections, match=mistake):
            read(tmp_path, entry.format(target) + "tls = false", reach)


@pytest.mark.rule("PLT-44")
def test_a_name_is_given_once_and_an_empty_file_is_a_mistake(tmp_path: Path) -> None:
    """Clients' settings name a connection: it must be one."""
    entry = '[[systems_of_record]]\nname = "a"\nkind = "grpc"\ntarget = "h:1"\n'
    with pytest.raises(BadConnections, match=r"2: name: there is another system of record of that name"):
        read(tmp_path, entry * 2)
    with pytest.raises(BadConnections, match=r"holds no \[\[systems_of_record\]\]"):
        read(tmp_path, "")
    with pytest.raises(BadConnections, match=r"destinations: there is no such setting"):
        read(tmp_path, "destinations = 1")


@pytest.mark.rule("PLT-44")
def test_a_server_does_not_start_with_a_mistaken_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mistakes are among those of the settings; without the file there are no systems of record."""
    path = tmp_path / "systems.toml"
    path.write_text('[[systems_of_record]]\nname = "a"\nkind = "http"\nurl = "http://127.0.0.1:1"\n', encoding="utf-8")
    monkeypatch.setenv("COUNTINGHOUSE_SYSTEMS_OF_RECORD_FILE", str(path))
    with pytest.raises(BadSettings, match=r"systems\.toml: \[\[systems_of_record\]\] 1: url: must begin with https"):
        load()
    monkeypatch.setenv("COUNTINGHOUSE_SYSTEMS_OF_RECORD_LOOPBACK", "true")
    assert [each.name for each in load().systems_of_record] == ["a"]
    monkeypatch.delenv("COUNTINGHOUSE_SYSTEMS_OF_RECORD_FILE")
    assert load().systems_of_record == ()


@pytest.mark.rule("ACC-20", "PLT-44")
def test_the_doctor_says_whether_systems_of_record_can_be_reached(migrated_url: str, tmp_path: Path) -> None:
    """One takes connections, the other is gone; nothing is sent to either."""
    with simulating() as ledger:
        entries = (("there", "grpc", f'target = "{ledger.target}"'), ("gone", "http", 'url = "http://127.0.0.1:9"'))
        (tmp_path / "systems.toml").write_text(
            "".join(f'[[systems_of_record]]\nname = "{name}"\nkind = "{kind}"\n{to}\n' for name, kind, to in entries),
            encoding="utf-8",
        )
        said = run(
            tmp_path,
            "doctor",
            database_url=migrated_url,
            systems_of_record_file=tmp_path / "systems.toml",
            systems_of_record_loopback=True,
        ).stdout
    assert f"there: {ledger.target} takes connections" in " ".join(said.split())
    assert "gone: 127.0.0.1:9 cannot be reached" in " ".join(said.split())


@pytest.mark.rule("ACC-20", "PLT-44")
def test_the_doctor_says_what_will_not_be_called(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that leads into a private range, until that is opened."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("10.0.0.1", 0))])
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: socket.socket())
    path = tmp_path / "systems.toml"
    path.write_text('[[systems_of_record]]\nname = "a"\nkind = "grpc"\ntarget = "core.example:443"\n', encoding="utf-8")
    monkeypatch.setenv("COUNTINGHOUSE_SYSTEMS_OF_RECORD_FILE", str(path))
    for networks, said in (
        ("", "is not called: the host's address is in a range that may not be reached"),
        ("10.0.0.0/8", "takes connections"),
    ):
        monkeypatch.setenv("COUNTINGHOUSE_SYSTEMS_OF_RECORD_NETWORKS", networks)
        (finding,) = systems_of_record(Patient(load()), database)
        assert finding.said == f"a: core.example:443 {said}"


def test_hosts_and_ports_are_those_that_connections_lead_to() -> None:
    """Whatever form they are written in."""
    assert Connection("a", "grpc", "dns:///ledger.example.com:50051").host_and_port == ("ledger.example.com", 50051)
    assert Connection("a", "grpc", "[::1]:50051").host_and_port == ("::1", 50051)
    assert Connection("a", "http", "https://books.example.com/v1").host_and_port == ("books.example.com", 443)
    assert Connection("a", "http", "http://127.0.0.1:8080").host_and_port == ("127.0.0.1", 8080)
