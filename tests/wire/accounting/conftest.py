"""What the tests of accounting on the wire share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.database.transaction import Database
from tests.support.server import Served, serving
from tests.wire.accounting.samples import SYSTEM_OF_RECORD, Accounting, open_shop
from tests.wire.gl_extraction.samples import Gl

NOW_US = 1_780_000_000_000_000  # Thursday, 2026-05-28 20:26:40 UTC


@pytest.fixture
def systems_of_record_file(tmp_path: Path) -> Path:
    """The server's file of systems of record; nobody answers at the one it names."""
    path = tmp_path / "systems_of_record.toml"
    path.write_text(
        f'[[systems_of_record]]\nname = "{SYSTEM_OF_RECORD}"\nkind = "grpc"\ntarget = "127.0.0.1:9"\ntls = false\n'
    )
    return path


@pytest.fixture
def shop(database: Database, migrated_url: str, tmp_path: Path, systems_of_record_file: Path) -> Iterator[Served]:
    """A server with an open shop, which carries nothing out, on either database."""
    chosen = {"jobs": False, "systems_of_record_file": systems_of_record_file, "systems_of_record_loopback": True}
    with serving(migrated_url, tmp_path, carries_out=(), clock_us=lambda: NOW_US, **chosen) as server:
        open_shop(server.stub(Accounting), server.stub(Gl))
        yield server


@pytest.fixture
def accounting(shop: Served) -> Accounting:
    """A stub to that server."""
    return shop.stub(Accounting)
