"""What the tests of the room share."""

from __future__ import annotations

import pytest

from server.database.transaction import Database
from tests.gl_extraction import samples


@pytest.fixture
def books(database: Database) -> Database:
    """A database with a ledger, three open months and a group account, on SQLite and on PostgreSQL."""
    database.write(samples.open_books)
    return database
