"""What the tests of batches share."""

from __future__ import annotations

import pytest

from server.database.transaction import Database
from tests.invoicing.batches.house import House


@pytest.fixture
def house(database: Database) -> House:
    """A house with a minimum usage of 10.00, on either database."""
    return House(database, minimum_usage={"EUR": 1_000})
