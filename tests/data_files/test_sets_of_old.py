"""Sets that the release before filled, whose manifests were not chained."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from sqlalchemy import Connection, text

from domain.data_files import service
from domain.data_files.model import ChainEnd
from server.database.engine import WRITES, open_engine
from server.database.migrate import migrate
from server.database.transaction import Database
from tests.database.test_expand import FIRST, _brought_to

SETS = "INSERT INTO data_file_set (code, created_us, updated_us) VALUES (:code, 1, 1)"
FILES = (
    "INSERT INTO data_file (set_code, file_name, operation_id, position, path, media_type, size_bytes, sha256,"
    " record_count, manifest, created_us, visible_us)"
    " VALUES (:code, :name, :name, 1, :name, 'application/json', 1, :sha256, 1, :manifest, 1, :visible_us)"
)


def filled(connection: Connection) -> None:
    """A set of two runs, of which the later is not the later by name; one without a manifest; a run not yet shown."""
    for code in ("S1", "S2"):
        connection.execute(text(SETS), {"code": code})
    rows: list[dict[str, Any]] = [
        {"code": "S1", "name": "b", "manifest": 1, "visible_us": 5},
        {"code": "S1", "name": "a", "manifest": 1, "visible_us": 7},
        {"code": "S1", "name": "messages", "manifest": 0, "visible_us": 9},
        {"code": "S1", "name": "unseen", "manifest": 1, "visible_us": 0},
        {"code": "S2", "name": "other", "manifest": 0, "visible_us": 5},
    ]
    for row in rows:
        connection.execute(text(FILES), row | {"sha256": hash_of(row["name"])})


def hash_of(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


@pytest.mark.rule("PLT-40", "GLX-18")
def test_a_set_of_the_release_before_goes_on_with_its_last_manifest(database_url: str) -> None:
    """The next manifest of it will carry that one's hash; a set without a manifest begins its chain."""
    _brought_to(database_url, FIRST)
    engine = open_engine(database_url)
    with engine.connect().execution_options(**{WRITES: True}) as connection:
        filled(connection)
        connection.commit()
    engine.dispose()
    migrate(database_url)
    database = Database(database_url)
    try:
        assert database.read(lambda tx: service.chain_of(tx, "S1")) == ChainEnd(2, hash_of("a"))
        assert database.read(lambda tx: service.chain_of(tx, "S2")) == ChainEnd()
    finally:
        database.dispose()
