"""What the tests of billing runs share."""

from __future__ import annotations

import pytest

from server.database.transaction import Database
from tests.billing.runs.night import Night
from tests.billing.shop import open_shop


@pytest.fixture
def night(database: Database) -> Night:
    """A cycle with a window and accounts, on SQLite and on PostgreSQL."""
    night = Night(open_shop(database))
    night.window()
    night.accounts()
    return night
