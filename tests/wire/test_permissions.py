"""Who may call what: every method of every service."""

from __future__ import annotations

import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import grpc
import pytest
import structlog
from google.protobuf.descriptor_pb2 import FileDescriptorProto, MethodOptions
from google.protobuf.descriptor_pool import DescriptorPool
from sqlalchemy import func, select

from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc, reference_pb2
from countinghouse.operations.v1 import audit_pb2, audit_pb2_grpc
from domain.schema import metadata
from server.auth import OPEN, Principal, permissions_of
from server.auth import token_file as token_file_module
from server.auth.principal import digest_of
from server.database.transaction import Database
from server.main import permissions
from server.settings import BadSettings
from server.telemetry import observe
from tests.support.identity import AUDIENCE, ISSUER, Signer, jwks
from tests.support.methods import full_name, methods, raw
from tests.support.server import Served, refusal, serving

ALL, NONE, READER = "all-permissions-token", "no-permissions-token", "reader-token-by-hash"
KNOWN = sorted(set(permissions().values()) - {OPEN})
SIGNER = Signer("first")
GARBAGE = b"\xff\xff\xff"
"""No message of any type: whoever is refused for it has been let in."""


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


@pytest.fixture(scope="module")
def token_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokens") / "tokens.toml"
    path.write_text(f"""
        [[tokens]]
        caller = "root"
        token = "{ALL}"
        permissions = ["*"]
        [[tokens]]
        caller = "nobody"
        token = "{NONE}"
        permissions = []
        [[tokens]]
        caller = "reader"
        sha256 = "{sha256(READER.encode()).hexdigest()}"
        permissions = ["read"]
    """)
    return path


@pytest.fixture
def guarded(migrated_url: str, tmp_path: Path, token_file: Path) -> Iterator[Served]:
    """A server that asks for tokens, those of a file or signed ones."""
    keys = tmp_path / "keys.json"
    keys.write_bytes(jwks(SIGNER))
    how: dict[str, Any] = {"jwt_keys_file": keys, "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE}
    with serving(migrated_url, tmp_path, token_file=token_file, jobs=False, **how) as served:
        yield served


@pytest.mark.rule("PLT-12", "PLT-13", "PLT-07")
def test_every_method_asks_for_a_token_and_a_permission_before_it_looks_at_the_request(
    guarded: Served, database: Database
) -> None:
    """No token or a wrong one is UNAUTHENTICATED, one without the permission PERMISSION_DENIED naming it.

    The request is no message at all, or one without content: it is looked at only for a caller who may call. Streams
    are refused as single calls are, and nothing is left behind by any of it.
    """
    needed, before = permissions(), rows(database)
    strangers = {
        (): "UNAUTHENTICATED",
        bearer("wrong-token"): "TOKEN_MALFORMED",
        bearer(SIGNER.token(exp=time.time() - 3_600)): "TOKEN_EXPIRED",
        (("authorization", f"Basic {ALL}"),): "UNAUTHENTICATED",
    }
    for method in methods():
        name = full_name(method)
        if needed[name] == OPEN:
            continue
        for content in (GARBAGE, b""):
            for shown, reason in strangers.items():
                stranger = refusal(raw(guarded.channel, method, content, shown))
                assert (stranger.code, stranger.reason) == (grpc.StatusCode.UNAUTHENTICATED, reason), name
            for token in (NONE, SIGNER.token(countinghouse={"permissions": sorted(set(KNOWN) - {needed[name]})})):
                denied = refusal(raw(guarded.channel, method, content, bearer(token)))
                assert (denied.code, denied.reason) == (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED"), name
                assert denied.metadata == {"permission": needed[name], "method": name}
        for token in (ALL, SIGNER.token(countinghouse={"permissions": [needed[name]]})):
            allowed = refusal(raw(guarded.channel, method, GARBAGE, bearer(token)))
            assert (allowed.code, allowed.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_UNREADABLE"), name
    assert rows(database) == before


def rows(database: Database) -> dict[str, int]:
    """How many there are in every table."""
    count = {table.name: select(func.count()).select_from(table) for table in metadata.sorted_tables}
    return database.read(lambda tx: {name: tx.execute(query).scalar_one() for name, query in count.items()})


@pytest.mark.rule("PLT-12", "PLT-41")
def test_health_and_reflection_are_open(guarded: Served) -> None:
    """Whoever balances load or explores the contract needs no token."""
    needed = permissions()
    opened = {full_name(method) for method in methods() if needed[full_name(method)] == OPEN}
    assert {name.partition("/")[0] for name in opened} == {
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    for method in methods():
        if full_name(method) in opened:
            raw(guarded.channel, method, b"")()


@pytest.mark.rule("PLT-12")
def test_a_call_without_the_permission_creates_nothing(guarded: Served) -> None:
    """A reader who tries to configure leaves no ledger and no trace of one."""
    gl = guarded.stub(gl_extraction_service_pb2_grpc.GLExtractionServiceStub)
    request = reference_pb2.CreateLedgerRequest(ledger=reference_pb2.Ledger(code="L1"), request_id="r1")
    denied = refusal(lambda: gl.CreateLedger(request, metadata=bearer(READER)))
    assert denied.metadata["permission"] == "configure"
    assert not gl.ListLedgers(reference_pb2.ListLedgersRequest(), metadata=bearer(READER)).ledgers
    audit = guarded.stub(audit_pb2_grpc.AuditServiceStub)
    assert not audit.ListAuditEntries(audit_pb2.ListAuditEntriesRequest(), metadata=bearer(ALL)).audit_entries
    gl.CreateLedger(request, metadata=bearer(ALL))
    (entry,) = audit.ListAuditEntries(audit_pb2.ListAuditEntriesRequest(), metadata=bearer(ALL)).audit_entries
    assert (entry.caller, entry.request_id) == ("root", "r1")


@pytest.mark.rule("PLT-12")
def test_permissions_are_separate() -> None:
    """Reading, configuring, extracting, correcting and managing are each a permission of its own."""
    assert set(KNOWN) >= {
        "read",
        "readaudit",
        "configure",
        "ingestaccountingdetails",
        "correctaccountingdetails",
        "closeaccountingperiod",
        "reopenaccountingperiod",
        "generateaccountingmessage",
        "manageoperations",
    }


@pytest.mark.rule("PLT-12")
def test_a_method_without_a_permission_stops_the_server() -> None:
    """The start-up check names it."""
    file = FileDescriptorProto(name="loose.proto", package="loose")
    file.message_type.add(name="Nothing")
    service = file.service.add(name="LooseService")
    service.method.add(name="Do", input_type=".loose.Nothing", output_type=".loose.Nothing", options=MethodOptions())
    pool = DescriptorPool()
    pool.Add(file)
    with pytest.raises(LookupError, match="loose\\.LooseService/Do"):
        permissions_of([pool.FindServiceByName("loose.LooseService")])


def _refused(path: Path, content: str) -> list[str]:
    path.write_text(content)
    with pytest.raises(BadSettings) as raised:
        token_file_module.read_token_file(path, frozenset({"read", "configure"}))
    return [line.removeprefix(f"{path}: ") for line in raised.value.lines]


@pytest.mark.rule("PLT-44")
def test_every_mistake_in_a_token_file_is_one_line_and_shows_no_token(tmp_path: Path) -> None:
    """All of them at once, each with the place where it stands."""
    path = tmp_path / "tokens.toml"
    secret = "a-token-that-stays-secret"
    lines = _refused(
        path,
        f"""
        colour = "red"
        [[tokens]]
        caller = "a"
        token = "{secret}"
        permissions = ["read", "fly"]
        [[tokens]]
        token = "short"
        permissions = "read"
        hue = 3
        [[tokens]]
        caller = "b"
        permissions = ["read"]
        [[tokens]]
        caller = "c"
        sha256 = "{secret}"
        permissions = ["*"]
        """,
    )
    assert lines == [
        "colour: there is no such setting",
        "[[tokens]] 1: permissions: there is no 'fly'; there are configure, read",
        "[[tokens]] 2: hue: there is no such setting",
        "[[tokens]] 2: caller: a name is missing",
        "[[tokens]] 2: token: has fewer than 16 characters",
        "[[tokens]] 2: permissions: a list of names is missing",
        "[[tokens]] 3: needs either token or sha256",
        "[[tokens]] 4: sha256: is not 64 lower-case hexadecimal digits",
    ]
    assert secret not in " ".join(lines)
    assert _refused(path, "") == ["holds neither [[tokens]] nor [[certificates]]"]
    assert _refused(path, "tokens = 1") == ["tokens: is no list of tables, as [[tokens]] makes one"]
    assert len(_refused(path, "tokens = [")) == 1
    twice = f'[[tokens]]\ncaller = "a"\ntoken = "{secret}"\npermissions = []\n' * 2
    assert _refused(path, twice) == ["[[tokens]] 2: is a token that stands above already"]


def test_tokens_are_kept_as_hashes_only(token_file: Path) -> None:
    """Who can read the server's memory or a dump of it finds no token."""
    tokens = token_file_module.read_token_file(token_file, frozenset(KNOWN))
    assert tokens.tokens.get(digest_of(READER)) == Principal("reader", frozenset({"read"}))
    assert ALL not in repr(tokens)


def test_a_token_file_that_everybody_can_read_is_warned_of(
    token_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is taken all the same: where secrets are mounted, their mode is not always ours to choose."""
    observe.configure("warning")
    monkeypatch.setattr(token_file_module, "log", structlog.get_logger())  # one that has not been used at another level
    copy = tmp_path / "tokens.toml"
    copy.write_text(token_file.read_text())
    for mode, warned in ((0o600, False), (0o640, False), (0o644, True)):
        copy.chmod(mode)
        assert token_file_module.read_token_file(copy, frozenset(KNOWN)).tokens.get(digest_of(READER)) is not None
        said = capfd.readouterr().err
        assert ("every user of this machine can read the token file" in said) == warned
        assert ALL not in said
