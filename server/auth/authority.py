"""Who says who calls, by the settings (PLT-13)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from server.auth.certificates import holder
from server.auth.claims import Words
from server.auth.key_ring import KeyRing
from server.auth.key_sources import File, SourceFailed, Url
from server.auth.keys import KeysUnreadable
from server.auth.methods import OPEN, WITHIN
from server.auth.principal import Anybody, Authority, Metadata, Peer, Principal, digest_of
from server.auth.signed_tokens import Rules, SignedTokens
from server.auth.token_file import TokenFile
from server.call import now_us
from server.gate.errors import Unauthenticated
from server.settings import PREFIX, BadSettings, Settings

_SCHEME = "bearer "
_FILE_REFRESH_S = 1.0


class Callers:
    """Knows callers by a token of the token file, a signed token, or the certificate of their connection.

    What a call itself carries goes before what its connection has proven: a token that is wrong is not made up for by
    a certificate that is right.
    """

    def __init__(self, *, file: TokenFile | None, signed: SignedTokens | None) -> None:
        self._file = file
        self._signed = signed
        self._following: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Read the keys of signed tokens, and begin to follow the token file."""
        if self._signed is not None:
            await self._signed.open()
        if self._file is not None:
            self._following = asyncio.create_task(self._file.follow())

    async def close(self) -> None:
        """Follow the token file no more."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait({self._following})

    async def identify(self, metadata: Metadata, peer: Callable[[], Peer]) -> Principal:
        """The bearer of the token in `authorization: Bearer …`; without one, the holder of the certificate."""
        shown = [value for key, value in metadata if key == "authorization"]
        if not shown and self._file is not None and self._file.holders.certificates:
            return holder(peer(), self._file.holders.certificates)
        token = _token(shown)
        digest = digest_of(token)
        principal = self._file.holders.tokens.get(digest) if self._file is not None else None
        if principal is not None:
            return principal
        if self._signed is None:
            raise Unauthenticated
        return await self._signed.bearer(token, digest)


def _token(shown: list[str | bytes]) -> str:
    """The bearer token, of which there must be one. Raises: Unauthenticated."""
    if len(shown) == 1:
        (value,) = shown
        if isinstance(value, str) and value[: len(_SCHEME)].lower() == _SCHEME:
            return value[len(_SCHEME) :].strip()
    raise Unauthenticated


def authority(settings: Settings, permissions: Iterable[str], *, clock_us: Callable[[], int] = now_us) -> Authority:
    """Who says who calls, by the settings.

    Raises: BadSettings with every mistake in the token file and in the file of keys.
    """
    known = (frozenset(permissions) | WITHIN) - {OPEN}
    if not settings.identified:
        assert settings.on_loopback, "the settings are refused otherwise"
        return Anybody(known)
    lines: list[str] = []
    file, signed = None, None
    try:
        mutual = settings.tls_client_ca_file is not None
        file = TokenFile(settings.token_file, known, mutual=mutual) if settings.token_file else None
    except BadSettings as bad:
        lines += bad.lines
    try:
        signed = _signed_tokens(settings, known, clock_us) if settings.takes_signed_tokens else None
    except BadSettings as bad:
        lines += bad.lines
    if lines:
        raise BadSettings(lines)
    return Callers(file=file, signed=signed)


def _signed_tokens(settings: Settings, known: frozenset[str], clock_us: Callable[[], int]) -> SignedTokens:
    rules = Rules(settings.jwt_issuer, settings.jwt_audience, settings.algorithms, settings.jwt_leeway_s)
    words = Words(settings.jwt_caller_claim, settings.jwt_grants_claim, known)
    return SignedTokens(_keys(settings), rules, words, kept_max=settings.jwt_cache_max, clock_us=clock_us)


def _keys(settings: Settings) -> KeyRing:
    """The keys of the settings; those of a file are there from the start. Raises: BadSettings."""
    if settings.jwt_keys_file is None:
        refresh_s, retry_s = settings.jwt_keys_refresh_s, settings.jwt_keys_retry_s
        return KeyRing(Url(settings.jwt_keys_url), refresh_s=refresh_s, retry_s=retry_s)
    file = File(settings.jwt_keys_file)
    keys = KeyRing(file, refresh_s=_FILE_REFRESH_S, retry_s=_FILE_REFRESH_S)
    try:
        keys.take(file.content())
    except (SourceFailed, KeysUnreadable) as error:
        raise BadSettings([f"{PREFIX}JWT_KEYS_FILE: {file.name} {error}"]) from None
    return keys
