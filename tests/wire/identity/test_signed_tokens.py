"""Signed tokens (JWT): what is taken, what is refused, and how little is said about it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import grpc
import jwt
import pytest

from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc as gl_grpc
from countinghouse.gl_extraction.v1 import reference_pb2
from countinghouse.operations.v1 import audit_pb2, audit_pb2_grpc
from tests.support.identity import AUDIENCE, ISSUER, Signer, jwks
from tests.support.server import Refusal, Served, refusal, refusal_of, serving
from tests.wire.identity.conftest import SIGNER


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def ledgers(served: Served, token: str) -> reference_pb2.ListLedgersResponse:
    """A call that needs the permission to read."""
    gl = served.stub(gl_grpc.GLExtractionServiceStub)
    return gl.ListLedgers(reference_pb2.ListLedgersRequest(), metadata=bearer(token), timeout=10)


def refused(served: Served, token: str) -> Refusal:
    return refusal(lambda: ledgers(served, token))


def forged(header: dict[str, Any], claims: dict[str, Any], key: bytes | None) -> str:
    """A token that no library would make: signed by HMAC with any key, or not at all."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    signature = b"" if key is None else hmac.new(key, b".".join(parts), hashlib.sha256).digest()
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def said(**claims: Any) -> dict[str, Any]:
    """Claims of a token that is good."""
    return jwt.decode(SIGNER.token(**claims), options={"verify_signature": False})


BAD: dict[str, tuple[str, str]] = {
    "expired": (SIGNER.token(exp=time.time() - 5), "TOKEN_EXPIRED"),
    "not yet valid": (SIGNER.token(nbf=time.time() + 3_600), "TOKEN_NOT_YET_VALID"),
    "wrongly signed": (SIGNER.token()[:-8] + "AAAAAAAA", "TOKEN_SIGNATURE"),
    "signed with another's key under its id": (Signer("second").token(headers={"kid": "first"}), "TOKEN_SIGNATURE"),
    "claims of another token": (
        ".".join([*SIGNER.token(sub="mallory").split(".")[:2], SIGNER.token().split(".")[2]]),
        "TOKEN_SIGNATURE",
    ),
    "wrong audience": (SIGNER.token(aud="somebody-else"), "TOKEN_AUDIENCE"),
    "no audience": (SIGNER.token(aud=None), "TOKEN_AUDIENCE"),
    "wrong issuer": (SIGNER.token(iss="https://login.example.com"), "TOKEN_ISSUER"),
    "no issuer": (SIGNER.token(iss=None), "TOKEN_ISSUER"),
    "no algorithm": (forged({"alg": "none", "kid": "first"}, said(), None), "TOKEN_ALGORITHM"),
    "no algorithm in capitals": (forged({"alg": "NONE", "kid": "first"}, said(), None), "TOKEN_ALGORITHM"),
    "HMAC with the public key": (
        forged({"alg": "HS256", "typ": "JWT", "kid": "first"}, said(), SIGNER.pem()),
        "TOKEN_ALGORITHM",
    ),
    "an algorithm of another kind of key": (
        forged({"alg": "ES256", "kid": "first"}, said(), b"x"),
        "TOKEN_KEY_UNKNOWN",
    ),
    "unknown key": (Signer("third").token(), "TOKEN_KEY_UNKNOWN"),
    "larger than a token may be": (SIGNER.token(note="x" * 7_000), "TOKEN_TOO_LARGE"),
    "no expiry": (SIGNER.token(exp=None), "TOKEN_CLAIMS"),
    "an expiry that is no number": (SIGNER.token(exp=True), "TOKEN_CLAIMS"),
    "an expiry beyond time": (SIGNER.token(exp=10**300), "TOKEN_CLAIMS"),
    "nobody's": (SIGNER.token(sub=None), "TOKEN_CLAIMS"),
    "a caller who is a number": (SIGNER.token(sub="", countinghouse={}), "TOKEN_CLAIMS"),
    "a caller with a line break": (SIGNER.token(sub="root\nalice"), "TOKEN_CLAIMS"),
    "permissions that are no list": (SIGNER.token(countinghouse={"permissions": "*"}), "TOKEN_CLAIMS"),
    "a ledger that is no name": (SIGNER.token(countinghouse={"ledgers": [1]}), "TOKEN_CLAIMS"),
    "ledgers that are null": (SIGNER.token(countinghouse={"permissions": ["*"], "ledgers": None}), "TOKEN_CLAIMS"),
    "a slip of the pen in the scope": (
        SIGNER.token(countinghouse={"permissions": ["*"], "ledger": ["L1"]}),
        "TOKEN_CLAIMS",
    ),
    "no JWT": ("opaque-token-of-somebody-else", "TOKEN_MALFORMED"),
    "two parts": ("e30.e30", "TOKEN_MALFORMED"),
    "a header that is deep": (base64.urlsafe_b64encode(b"[" * 4_000).decode() + ".e30.x", "TOKEN_MALFORMED"),
    "a header that is a list": (base64.urlsafe_b64encode(b"[1]").decode() + ".e30.x", "TOKEN_MALFORMED"),
    "a critical extension": (SIGNER.token(headers={"crit": ["exp2"], "exp2": 1}), "TOKEN_MALFORMED"),
    "empty": ("", "TOKEN_MALFORMED"),
}


@pytest.mark.rule("PLT-13")
def test_every_bad_token_is_refused_for_its_own_reason_and_nothing_more_is_told(trusting: Served) -> None:
    """The reason is stable; what is configured, what was shown and what was looked for is not told."""
    assert ledgers(trusting, SIGNER.token()) is not None
    for name, (token, reason) in BAD.items():
        answer = refused(trusting, token)
        assert (name, answer.code, answer.reason) == (name, grpc.StatusCode.UNAUTHENTICATED, reason)
        told = f"{answer.message} {answer.metadata}"
        assert not any(secret in told for secret in (ISSUER, "first", "http", "alice", token or "Bearer"))
    assert ledgers(trusting, SIGNER.token()) is not None


@pytest.mark.rule("PLT-13")
def test_a_token_larger_than_a_header_may_be_is_refused_and_the_connection_goes_on(trusting: Served) -> None:
    """The gRPC library refuses it, and other calls of the connection do not notice."""
    huge = refusal_code(trusting, SIGNER.token(note="x" * 200_000))
    assert huge in {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL}
    assert ledgers(trusting, SIGNER.token()) is not None


def refusal_code(served: Served, token: str) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as raised:
        ledgers(served, token)
    return raised.value.code()


@pytest.mark.rule("PLT-13", "PLT-12", "PLT-11")
def test_a_token_says_who_calls_and_what_it_may_do(trusting: Served) -> None:
    """Its subject stands in the audit trail; a permission that it lacks is named; one that there is not is nothing."""
    gl, audit = trusting.stub(gl_grpc.GLExtractionServiceStub), trusting.stub(audit_pb2_grpc.AuditServiceStub)
    request = reference_pb2.CreateLedgerRequest(ledger=reference_pb2.Ledger(code="L1"), request_id="r1")
    reader = SIGNER.token(sub="reader", countinghouse={"permissions": ["read", "fly"]})
    denied = refusal(lambda: gl.CreateLedger(request, metadata=bearer(reader)))
    assert (denied.code, denied.metadata["permission"]) == (grpc.StatusCode.PERMISSION_DENIED, "configure")
    assert not ledgers(trusting, reader).ledgers
    nothing = refusal(lambda: ledgers(trusting, SIGNER.token(countinghouse=None)))
    assert (nothing.code, nothing.metadata["permission"]) == (grpc.StatusCode.PERMISSION_DENIED, "read")
    writer = SIGNER.token(sub="writer@example.com", countinghouse={"permissions": ["configure"]})
    gl.CreateLedger(request, metadata=bearer(writer))
    entries = audit.ListAuditEntries(audit_pb2.ListAuditEntriesRequest(), metadata=bearer(SIGNER.token()))
    assert [entry.caller for entry in entries.audit_entries] == ["writer@example.com"]


@pytest.mark.rule("PLT-14", "PLT-13")
def test_a_token_holds_for_the_ledgers_that_it_names(trusting: Served) -> None:
    """What lies outside is not found and not listed; a token that names none holds for all."""
    gl = trusting.stub(gl_grpc.GLExtractionServiceStub)
    for code in ("L1", "L2"):
        request = reference_pb2.CreateLedgerRequest(ledger=reference_pb2.Ledger(code=code))
        gl.CreateLedger(request, metadata=bearer(SIGNER.token()))
    limited = SIGNER.token(countinghouse={"permissions": ["read"], "ledgers": ["L2"]})
    assert [ledger.code for ledger in ledgers(trusting, limited).ledgers] == ["L2"]
    outside = refusal(lambda: gl.GetLedger(reference_pb2.GetLedgerRequest(name="ledgers/L1"), metadata=bearer(limited)))
    assert outside.code == grpc.StatusCode.NOT_FOUND
    assert [ledger.code for ledger in ledgers(trusting, SIGNER.token()).ledgers] == ["L1", "L2"]


@pytest.mark.rule("PLT-13")
def test_a_remembered_token_expires_as_well(trusting: Served) -> None:
    """That it was good a moment ago helps nobody."""
    token = SIGNER.token(exp=time.time() + 1.2)
    until = time.monotonic() + 10
    assert ledgers(trusting, token) is not None
    while time.monotonic() < until:
        try:
            ledgers(trusting, token)
        except grpc.RpcError:
            break
        time.sleep(0.1)
    assert refused(trusting, token).reason == "TOKEN_EXPIRED"


@pytest.mark.rule("PLT-13")
def test_every_algorithm_of_the_list_is_taken(migrated_url: str, tmp_path: Path) -> None:
    """From a set in a file; those that the settings leave out are refused."""
    signers = [Signer(f"key of {algorithm}", algorithm) for algorithm in ("RS256", "PS256", "ES256", "EdDSA")]
    file = tmp_path / "keys.json"
    file.write_bytes(jwks(*signers))
    how: dict[str, Any] = {"jwt_keys_file": file, "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE}
    with serving(migrated_url, tmp_path, **how) as served:
        for signer in signers:
            assert ledgers(served, signer.token()) is not None
    with serving(migrated_url, tmp_path, **how, jwt_algorithms="ES256") as served:
        answers = {signer.algorithm: _reason(served, signer.token()) for signer in signers}
    assert answers == {"RS256": "TOKEN_ALGORITHM", "PS256": "TOKEN_ALGORITHM", "ES256": "", "EdDSA": "TOKEN_ALGORITHM"}


def _reason(served: Served, token: str) -> str:
    try:
        ledgers(served, token)
    except grpc.RpcError as error:
        return refusal_of(error).reason
    return ""


@pytest.mark.rule("PLT-13")
def test_tokens_of_the_file_and_signed_ones_stand_side_by_side(migrated_url: str, tmp_path: Path) -> None:
    """One key in PEM will do, with tokens that name any key or none."""
    key, tokens = tmp_path / "key.pem", tmp_path / "tokens.toml"
    key.write_bytes(SIGNER.pem())
    tokens.write_text('[[tokens]]\ncaller = "robot"\ntoken = "a-token-of-the-file"\npermissions = ["read"]\n')
    how: dict[str, Any] = {"jwt_keys_file": key, "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "token_file": tokens}
    with serving(migrated_url, tmp_path, **how) as served:
        for token in ("a-token-of-the-file", SIGNER.token(), SIGNER.token(headers={"kid": None})):
            assert ledgers(served, token) is not None
        assert refused(served, "another-token-entirely").reason == "TOKEN_MALFORMED"
        gl = served.stub(gl_grpc.GLExtractionServiceStub)
        twice = (*bearer("a-token-of-the-file"), *bearer(SIGNER.token()))
        both = refusal(lambda: gl.ListLedgers(reference_pb2.ListLedgersRequest(), metadata=twice))
        assert both.reason == "UNAUTHENTICATED"
