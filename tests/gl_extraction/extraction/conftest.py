"""What the tests of extraction share."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.database.transaction import Database
from tests.gl_extraction.extraction.desk import Desk


@pytest.fixture
def desk(books: Database, tmp_path: Path) -> Desk:
    """A desk on open books, on SQLite and on PostgreSQL."""
    return Desk(books, tmp_path / "files")
