"""What the tests of GL extraction on the wire share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.database.transaction import Database
from tests.support.server import Served, serving
from tests.wire.gl_extraction import samples
from tests.wire.gl_extraction.samples import Gl

NOW_US = 1_780_000_000_000_000  # 2026-05-28 20:26:40 UTC: the next day in Tokyo already


@pytest.fixture
def served(database: Database, migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    """A server in Tokyo's business day, with small chunks and open books, on either database."""
    chosen = {"jobs": False, "ingest_chunk_rows": 50, "business_time_zone": "Asia/Tokyo"}
    with serving(migrated_url, tmp_path, carries_out=(), clock_us=lambda: NOW_US, **chosen) as server:
        samples.open_books(server.stub(Gl))
        yield server


@pytest.fixture
def books(served: Served) -> Gl:
    """A stub to that server."""
    return served.stub(Gl)
