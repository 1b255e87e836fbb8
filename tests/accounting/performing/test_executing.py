"""Workflow points become operations."""

from __future__ import annotations

import pytest

from domain.accounting.performing.states import OperationState
from server.database.transaction import Database
from tests.accounting.shop import open_shop


@pytest.mark.rule("ACC-05")
def test_a_workflow_point_runs_its_rules(database: Database) -> None:
    """Provisional credit by service: pending until it is executed."""
    shop = open_shop(database)
    (made,) = shop.execute("served", "CREDIT", 15_000)
    assert made.state is OperationState.PENDING
    (done,) = shop.settle([made])
    assert done.state is OperationState.EXECUTED
