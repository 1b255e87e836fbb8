"""What the tests on the wire share: a server with the tally job, which any test can start and look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.database.transaction import Database
from tests.operations import tally
from tests.support.server import Served, serving


@pytest.fixture
def tallying(database: Database, migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    """A server that can tally numbers, with its worker, on either database."""
    tally.prepare(database)
    with serving(migrated_url, tmp_path, carries_out=tally.JOBS) as served:
        yield served
