"""What the tests of billing on the wire share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from countinghouse.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from server.database.transaction import Database
from tests.billing.segments.utility import head_office, open_account
from tests.billing.segments.utility import site as home
from tests.billing.shop import NOW_US, ZONE, open_shop
from tests.support.server import Served, serving
from tests.wire.billing.office import Office
from tests.wire.billing.registry import Registry
from tests.wire.billing.tariffs import Tariffs


@pytest.fixture
def utility(database: Database, migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    """A server with a small utility configured, which carries nothing out, on either database."""
    open_shop(database)
    with serving(migrated_url, tmp_path, carries_out=(), jobs=False, clock_us=lambda: NOW_US) as server:
        yield server


@pytest.fixture
def office(utility: Served) -> Office:
    """Accounts on that server."""
    return Office(utility.stub(BillingServiceStub))


@pytest.fixture
def tariffs(utility: Served) -> Tariffs:
    """Rates and service agreement types on that server."""
    return Tariffs(utility.stub(BillingServiceStub))


@pytest.fixture
def registry(utility: Served) -> Registry:
    """What that server is configured with."""
    return Registry(utility.stub(BillingServiceStub))


@pytest.fixture
def nightly(database: Database, migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    """A server that carries out runs, with accounts A and B, and C that nobody has read, on either database."""
    open_shop(database)
    database.write(lambda tx: head_office(tx, "400", "350", "250", account_id="A"))
    for account_id, kwh in (("B", "100"), ("C", None)):
        database.write(lambda tx, a=account_id: open_account(tx, a))  # type: ignore[misc]
        database.write(lambda tx, a=account_id, k=kwh: home(tx, "S1", k, account_id=a))  # type: ignore[misc]
    with serving(migrated_url, tmp_path, clock_us=lambda: NOW_US, business_time_zone=ZONE) as server:
        yield server
