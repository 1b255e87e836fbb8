"""What the tests of identity share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.identity import AUDIENCE, ISSUER, KeyServer, Signer, jwks, key_server
from tests.support.server import Served, serving

SIGNER = Signer("first")


@pytest.fixture
def keys() -> Iterator[KeyServer]:
    """A server of the first signer's key."""
    with key_server(jwks(SIGNER)) as running:
        yield running


@pytest.fixture
def trusting(migrated_url: str, tmp_path: Path, keys: KeyServer) -> Iterator[Served]:
    """A server that takes tokens of the first signer, without leeway."""
    with serving(
        migrated_url, tmp_path, jwt_keys_url=keys.url, jwt_issuer=ISSUER, jwt_audience=AUDIENCE, jwt_leeway_s=0
    ) as served:
        yield served
