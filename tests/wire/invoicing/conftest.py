"""What the tests of invoicing on the wire share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.database.transaction import Database
from tests.invoicing.batches.house import House
from tests.support.server import Served, serving
from tests.support.worlds import Worlds
from tests.wire.invoicing.batching import Batching
from tests.wire.invoicing.desk import Desk, desk_at

NOW_US = 1_775_811_600_000_000
"""2026-04-10, 9:00 in London and 11:00 in Berlin."""


@pytest.fixture
def books(migrated_url: str, tmp_path: Path, worlds: Worlds) -> Iterator[Served]:
    """A server with a ledger and its distribution codes, on either database; its clock stands."""
    worlds.give(migrated_url, tmp_path, make_books)
    with serving(migrated_url, tmp_path, jobs=False, clock_us=lambda: NOW_US) as server:
        yield server


@pytest.fixture
def desk(books: Served) -> Iterator[Desk]:
    """The client on that server."""
    with desk_at(books) as desk:
        yield desk


@pytest.fixture
def batching(database: Database, migrated_url: str, tmp_path: Path) -> Iterator[Batching]:
    """A server that carries everything out, with a cycle whose minimum usage is 10.00, on either database."""
    house = House(database, minimum_usage={"EUR": 1_000})
    with serving(migrated_url, tmp_path, clock_us=lambda: house.now_us) as served:
        yield Batching(served, house)


def make_books(url: str, folder: Path) -> None:
    with serving(url, folder, jobs=False) as server, desk_at(server) as desk:
        desk.keep_books()
