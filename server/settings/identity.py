"""How callers are known beside the token file: signed tokens and certificates; how connections are encrypted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from server.settings import checks

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
"""What tokens may be signed by; all of them have public keys, so that whoever can verify cannot sign."""


def known_algorithms(names: str) -> str:
    """Some of the algorithms, separated by commas."""
    chosen = [name.strip() for name in names.split(",")]
    for name in chosen:
        if name not in ALGORITHMS:
            raise ValueError(f"{name!r} is none of {', '.join(ALGORITHMS)}")
    return ",".join(chosen)


class Identity(BaseModel):
    """How callers are known beside the token file, and how connections are encrypted."""

    jwt_keys_url: Annotated[str, AfterValidator(checks.safe_url_or_nothing)] = Field(
        "", description="https URL of the JWK Set by which signed tokens (JWT) are verified"
    )
    jwt_keys_file: Annotated[Path | None, AfterValidator(checks.existing_file)] = Field(
        None, description="instead of the URL: file with a JWK Set, or with one public key in PEM; read when it changes"
    )
    jwt_issuer: str = Field("", description="who must have issued a signed token (iss)")
    jwt_audience: str = Field("", description="whom a signed token must be for (aud)")
    jwt_algorithms: Annotated[str, AfterValidator(known_algorithms)] = Field(
        ",".join(ALGORITHMS), description="what signed tokens may be signed by, separated by commas"
    )
    jwt_leeway_s: float = Field(30, ge=0, le=300, description="how far clocks may differ, in judging a token's times")
    jwt_caller_claim: str = Field("sub", min_length=1, description="the claim that names the caller")
    jwt_grants_claim: str = Field(
        "countinghouse", min_length=1, description="the claim with permissions, ledgers, clients and cycles"
    )
    jwt_keys_refresh_s: float = Field(300, ge=1, le=86_400, description="how old the set of the URL may grow")
    jwt_keys_retry_s: float = Field(
        10, ge=1, le=3_600, description="how long before the URL is asked again, for an unknown key or after a failure"
    )
    jwt_cache_max: int = Field(10_000, ge=1, le=1_000_000, description="verified tokens that are remembered")
    tls_certificate_file: Annotated[Path | None, AfterValidator(checks.existing_file)] = Field(
        None, description="the server's certificate chain in PEM; read again when it changes"
    )
    tls_key_file: Annotated[Path | None, AfterValidator(checks.existing_file)] = Field(
        None, description="the key of the certificate in PEM, without a password"
    )
    tls_client_ca_file: Annotated[Path | None, AfterValidator(checks.existing_file)] = Field(
        None, description="authorities in PEM, one of which must have signed the certificate of every client"
    )

    @property
    def takes_signed_tokens(self) -> bool:
        """Whether callers may be known by signed tokens."""
        return bool(self.jwt_keys_url or self.jwt_keys_file)

    @property
    def encrypted(self) -> bool:
        """Whether connections are encrypted."""
        return self.tls_certificate_file is not None

    @property
    def algorithms(self) -> frozenset[str]:
        """What signed tokens may be signed by."""
        return frozenset(self.jwt_algorithms.split(","))


NOBODY: Mapping[str, object] = {"token_file": None} | {
    name: field.default for name, field in Identity.model_fields.items()
}
"""What a server is set to that none but its own process can find: it asks nobody who he is."""


def contradictions(settings: Identity, token_file: Path | None, prefix: str) -> list[str]:
    """What these settings say against each other, a line each."""
    lines = []
    if settings.jwt_keys_url and settings.jwt_keys_file:
        lines.append(f"{prefix}JWT_KEYS_FILE: {prefix}JWT_KEYS_URL is set too; keys come from one of them")
    for name, value in (("JWT_ISSUER", settings.jwt_issuer), ("JWT_AUDIENCE", settings.jwt_audience)):
        if settings.takes_signed_tokens and not value:
            lines.append(f"{prefix}{name}: is missing; a signed token is never taken without looking at it")
        elif value and not settings.takes_signed_tokens:
            lines.append(f"{prefix}{name}: needs {prefix}JWT_KEYS_URL or {prefix}JWT_KEYS_FILE")
    if (settings.tls_certificate_file is None) != (settings.tls_key_file is None):
        missing, given = ("KEY", "CERTIFICATE") if settings.tls_key_file is None else ("CERTIFICATE", "KEY")
        lines.append(f"{prefix}TLS_{missing}_FILE: is missing; it goes with {prefix}TLS_{given}_FILE")
    if settings.tls_client_ca_file is not None and not settings.encrypted:
        lines.append(f"{prefix}TLS_CLIENT_CA_FILE: needs {prefix}TLS_CERTIFICATE_FILE and {prefix}TLS_KEY_FILE")
    if settings.tls_client_ca_file is not None and token_file is None and not settings.takes_signed_tokens:
        lines.append(f"{prefix}TLS_CLIENT_CA_FILE: needs {prefix}TOKEN_FILE, which says who holds which certificate")
    return lines
