"""What the tests of batches share."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.database.transaction import Database
from tests.accounting.batches.filing import Filing
from tests.accounting.shop import open_shop


@pytest.fixture
def filing(database: Database, tmp_path: Path) -> Filing:
    """A place to write batch files at, on SQLite and on PostgreSQL."""
    return Filing(open_shop(database), tmp_path / "files")
