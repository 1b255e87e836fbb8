"""Keys of tokens: fresh when they change, kept when their source fails, and fetched with measure."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import grpc
import pytest

from server.auth.errors import KeysUnavailable
from server.auth.key_ring import KeyRing
from server.auth.key_sources import BYTES_MAX, File, SourceFailed, Url
from server.auth.keys import Key, KeysUnreadable, keys_from
from tests.support.identity import AUDIENCE, ISSUER, CertificateAuthority, KeyServer, Signer, jwks, key_server
from tests.support.process import free_address
from tests.support.server import Served, refusal_of, serving
from tests.support.waiting import wait_for
from tests.wire.identity.conftest import SIGNER
from tests.wire.identity.test_signed_tokens import ledgers, refused

NEXT = Signer("next")


def answered(served: Served, token: str) -> str:
    """The reason of the refusal, if it is one."""
    try:
        ledgers(served, token)
    except grpc.RpcError as error:
        return refusal_of(error).reason
    return ""


class Scripted:
    """A source that gives what it is told to."""

    name = "https://login.example.com/keys"

    def __init__(self, *contents: bytes | SourceFailed) -> None:
        self.contents = list(contents)
        self.asked = 0

    async def read(self) -> bytes:
        self.asked += 1
        await asyncio.sleep(0.01)
        content = self.contents.pop(0) if len(self.contents) > 1 else self.contents[0]
        if isinstance(content, SourceFailed):
            raise content
        return content


@pytest.mark.rule("PLT-13")
def test_an_unknown_key_has_the_set_fetched_once_in_an_interval() -> None:
    """However many ask for it at once, and however often: nobody makes the server flood the issuer."""
    source, now = Scripted(jwks(SIGNER), jwks(SIGNER, NEXT)), [0.0]

    async def ask() -> None:
        ring = KeyRing(source, refresh_s=300, retry_s=10, now=lambda: now[0])
        await ring.open()
        assert await ring.find("next", "RS256") is None  # the set was fetched a moment ago
        assert source.asked == 1
        now[0] = 11
        found = await asyncio.gather(*(ring.find("next", "RS256") for _ in range(50)))
        assert all(isinstance(key, Key) for key in found)
        assert (source.asked, ring.generation) == (2, 2)
        for _ in range(50):
            assert await ring.find("nobody's", "RS256") is None
        assert source.asked == 2

    asyncio.run(ask())


@pytest.mark.rule("PLT-13")
def test_an_old_set_stays_in_force_while_its_source_fails_and_while_it_is_fetched() -> None:
    """Nobody waits for a set that has merely grown old, and a withdrawn key ends with the fetch."""
    source, now = Scripted(jwks(SIGNER), SourceFailed("is down"), b"<html>", jwks(NEXT)), [0.0]

    async def ask() -> None:
        ring = KeyRing(source, refresh_s=300, retry_s=10, now=lambda: now[0])
        await ring.open()
        for at, generation in ((301, 1), (312, 1), (323, 2)):
            now[0] = at
            ring.look()
            assert ring.generation == 1
            assert await ring.find("first", "RS256") is not None
            await asyncio.sleep(0.05)
            assert ring.generation == generation
        assert source.asked == 4
        assert await ring.find("first", "RS256") is None
        assert await ring.find("next", "RS256") is not None

    asyncio.run(ask())


@pytest.mark.rule("PLT-13")
def test_without_any_keys_nobody_is_refused_for_good() -> None:
    """The token may be good: the caller is asked to come back."""
    source, now = Scripted(SourceFailed("is down"), SourceFailed("is down"), jwks(SIGNER)), [0.0]

    async def ask() -> None:
        ring = KeyRing(source, refresh_s=300, retry_s=10, now=lambda: now[0])
        await ring.open()
        for at, asked in ((0.5, 1), (1.5, 2), (1.6, 2)):
            now[0] = at
            with pytest.raises(KeysUnavailable):
                await ring.find("first", "RS256")
            assert source.asked == asked
        now[0] = 3
        assert await ring.find("first", "RS256") is not None

    asyncio.run(ask())


@pytest.mark.rule("PLT-13")
def test_a_server_starts_without_its_keys_and_takes_tokens_once_they_can_be_had(
    migrated_url: str, tmp_path: Path
) -> None:
    """Until then the answer is UNAVAILABLE with a time to come back; later failures are not noticed."""
    address = free_address()
    how: dict[str, Any] = {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwt_keys_retry_s": 1}
    with serving(migrated_url, tmp_path, jwt_keys_url=f"http://{address}/keys", jwt_keys_refresh_s=1, **how) as served:
        down = refused(served, SIGNER.token())
        assert (down.code, down.reason) == (grpc.StatusCode.UNAVAILABLE, "TOKEN_KEYS_UNAVAILABLE")
        assert address not in down.message
        with key_server(jwks(SIGNER), int(address.rpartition(":")[2])) as keys:
            wait_for(lambda: not answered(served, SIGNER.token()))
            keys.status = 500
            asked = keys.asked
            wait_for(lambda: (answered(served, SIGNER.token()), keys.asked > asked + 1)[1])
        assert not answered(served, SIGNER.token(sub="bob"))


@pytest.mark.rule("PLT-13")
def test_keys_rotate_without_a_restart(migrated_url: str, tmp_path: Path) -> None:
    """A new key is taken at once, a withdrawn one no more, not even for tokens that were good before."""
    file = tmp_path / "keys.json"
    file.write_bytes(jwks(SIGNER))
    with serving(migrated_url, tmp_path, jwt_keys_file=file, jwt_issuer=ISSUER, jwt_audience=AUDIENCE) as served:
        old, new = SIGNER.token(), NEXT.token()
        assert (answered(served, old), answered(served, new)) == ("", "TOKEN_KEY_UNKNOWN")
        file.write_bytes(jwks(SIGNER, NEXT))
        wait_for(lambda: not answered(served, new))
        assert not answered(served, old)
        file.write_bytes(b'{"keys": [')
        time.sleep(1.2)
        assert (answered(served, old), answered(served, new)) == ("", "")
        file.write_bytes(jwks(NEXT))
        wait_for(lambda: answered(served, old) == "TOKEN_KEY_UNKNOWN")
        assert not answered(served, new)


@pytest.mark.rule("PLT-13")
def test_calls_go_on_while_the_issuer_hangs(migrated_url: str, tmp_path: Path, keys: KeyServer) -> None:
    """A caller whose key must be fetched waits; others, whose tokens are known, do not notice."""
    how: dict[str, Any] = {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwt_keys_retry_s": 1}
    with serving(migrated_url, tmp_path, jwt_keys_url=keys.url, **how) as served:
        known = SIGNER.token()
        ledgers(served, known)
        time.sleep(1.1)
        keys.going_on.clear()
        asked = keys.asked
        channel: Any = served.channel
        path = "/countinghouse.gl_extraction.v1.GLExtractionService/ListLedgers"
        waiting = channel.unary_unary(path).future(
            b"", metadata=(("authorization", f"Bearer {NEXT.token()}"),), timeout=20
        )
        wait_for(lambda: keys.asked > asked)
        for _ in range(20):
            began = time.monotonic()
            ledgers(served, known)
            assert time.monotonic() - began < 2
        assert not waiting.done()
        keys.content = jwks(SIGNER, NEXT)
        keys.going_on.set()
        assert waiting.result(20) is not None


@pytest.mark.rule("PLT-13")
def test_what_a_url_gives_is_bounded(keys: KeyServer) -> None:
    """In size, and to a plain answer: a redirection is not followed."""
    url = Url(keys.url)
    assert asyncio.run(url.read()) == jwks(SIGNER)
    keys.content = b" " * (BYTES_MAX + 1)
    with pytest.raises(SourceFailed, match="more than 262,144 bytes"):
        asyncio.run(url.read())
    for status in (204, 302, 404, 500):
        keys.content, keys.status = b"", status
        with pytest.raises(SourceFailed, match=f"status {status}"):
            asyncio.run(url.read())
    with pytest.raises(SourceFailed, match="cannot be read"):
        asyncio.run(Url(f"http://{free_address()}/keys").read())


@pytest.mark.rule("PLT-13")
def test_a_url_that_hangs_is_given_up(keys: KeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the time that a fetch may take as a whole."""
    monkeypatch.setattr("server.auth.key_sources._FETCH_S", 0.3)
    keys.going_on.clear()
    with pytest.raises(SourceFailed, match=r"does not answer within 0\.3 s|ReadTimeout"):
        asyncio.run(Url(keys.url).read())


@pytest.mark.rule("PLT-13")
def test_only_public_keys_of_the_listed_kinds_are_taken(tmp_path: Path) -> None:
    """A shared secret, a private key, a short one or one for encryption in a set is passed over."""
    import json

    import jwt.algorithms
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    secret = {"kty": "oct", "kid": "secret", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0", "alg": "HS256"}
    private = jwt.algorithms.RSAAlgorithm.to_jwk(SIGNER.key, as_dict=True)
    weak = rsa.generate_private_key(65_537, 1_024)  # noqa: S505 - to see it refused
    short = jwt.algorithms.RSAAlgorithm.to_jwk(weak.public_key(), as_dict=True)
    other = jwt.algorithms.ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key(), as_dict=True)
    entries = [secret, private, short, other, SIGNER.jwk(use="enc"), SIGNER.jwk(alg="RS512"), {"kty": "RSA"}, "x", {}]
    for entry in entries:
        with pytest.raises(KeysUnreadable, match="holds no public key"):
            keys_from(json.dumps({"keys": [entry]}).encode())
    (key,) = keys_from(json.dumps({"keys": [*entries, SIGNER.jwk(alg="PS256")]}).encode())
    assert (key.kid, key.algorithms) == ("first", frozenset({"PS256"}))
    for content in (b"", b"[]", b'{"keys": 1}', b"\xff", b"[" * 100_000, b"-----BEGIN PUBLIC KEY-----\nx\n"):
        with pytest.raises(KeysUnreadable):
            keys_from(content)
    with pytest.raises(SourceFailed, match="No such file"):
        File(tmp_path / "nothing").content()


@pytest.mark.rule("PLT-13")
def test_a_private_authority_is_trusted_when_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By SSL_CERT_FILE; without it nobody else's answer is taken."""
    authority, trusted = CertificateAuthority("private"), tmp_path / "authority.pem"
    trusted.write_bytes(authority.pem)
    pair = authority.certificate("keys", addresses=["127.0.0.1"]).write(tmp_path, "keys")
    with key_server(jwks(SIGNER), pair=pair) as keys:
        with pytest.raises(SourceFailed, match="CERTIFICATE_VERIFY_FAILED"):
            asyncio.run(Url(keys.url).read())
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        assert asyncio.run(Url(keys.url).read()) == jwks(SIGNER)
