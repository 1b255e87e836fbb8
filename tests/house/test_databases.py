"""The databases that the tests run on are as unforgiving as they are meant to be."""

from pathlib import Path

import pytest
from psycopg2 import OperationalError
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from server.database.transaction import Database
from tests.support.postgres import Cluster
from tests.support.server import FILES
from tests.support.worlds import Worlds


def _value(engine: Engine, statement: str) -> object:
    with engine.connect() as connection:
        return connection.execute(text(statement)).scalar_one()


def test_the_cluster_orders_text_unlike_c(postgresql_url: str) -> None:
    """A key that lacks COLLATE "C" comes out in another order, so that the omission shows."""
    engine = create_engine(postgresql_url)
    words = "(VALUES ('b'), ('B'), ('a'), ('A_'), ('AA')) AS word(w)"
    assert _value(engine, f"SELECT string_agg(w, ' ' ORDER BY w) FROM {words}") == "a A_ AA b B"
    assert _value(engine, f"SELECT string_agg(w, ' ' ORDER BY w COLLATE \"C\") FROM {words}") == "AA A_ B a b"
    engine.dispose()


def test_the_cluster_is_as_in_production_and_not_in_utc(postgresql_url: str) -> None:
    """Nothing is answered before its commit, the time zone is not the product's, and the role is an ordinary one."""
    engine = create_engine(postgresql_url)
    assert _value(engine, "SHOW synchronous_commit") == "on"
    assert _value(engine, "SHOW timezone") == "Pacific/Auckland"
    assert _value(engine, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    engine.dispose()


def test_each_test_has_a_database_of_its_own(database_url: str, tmp_path: Path) -> None:
    """A test finds no tables of another; on SQLite the file lies in the test's own folder."""
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE only_here (id INTEGER PRIMARY KEY)"))
    assert _value(engine, "SELECT count(*) FROM only_here") == 0
    assert database_url.startswith("postgresql") or (tmp_path / "countinghouse.db").exists()
    engine.dispose()


def _make_world(url: str, folder: Path) -> list[str]:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE world AS SELECT 'made' AS word"))
    engine.dispose()
    (folder / FILES).mkdir()
    (folder / FILES / "made").touch()
    return ["made"]


@pytest.mark.parametrize("number", range(3))
def test_each_test_has_a_world_of_its_own(migrated_url: str, tmp_path: Path, worlds: Worlds, number: int) -> None:
    """The one for whom it is made and those who get a copy find the same, and nothing of what others did to theirs."""
    known = worlds.give(migrated_url, tmp_path, _make_world)
    engine = create_engine(migrated_url)
    assert _value(engine, "SELECT count(*) FROM world") == 1
    assert known == [_value(engine, "SELECT word FROM world")] == [path.name for path in (tmp_path / FILES).iterdir()]
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO world VALUES ('only here')"))
    (tmp_path / FILES / "only here").touch()
    known.append("only here")
    engine.dispose()


def test_a_world_is_put_under_nobody(migrated_url: str, tmp_path: Path, worlds: Worlds) -> None:
    """Who has the database open would go on with what is gone: that is no world to begin with."""
    database = Database(migrated_url)
    database.write(lambda tx: tx.execute(text("CREATE TABLE open_still AS SELECT 1 AS id")))
    with pytest.raises((AssertionError, OperationalError)):
        worlds.give(migrated_url, tmp_path, _make_nothing)
    database.dispose()


def _make_nothing(_url: str, _folder: Path) -> None:
    """An empty world."""


def test_a_cluster_of_ones_own_survives_a_power_cut(own_cluster: Cluster) -> None:
    """A test may take PostgreSQL away and bring it back with everything that was committed."""
    engine = create_engine(own_cluster.url("postgres", user="postgres"))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE kept AS SELECT 1 AS id"))
    own_cluster.stop("immediate")
    with pytest.raises(DBAPIError):  # psycopg2 calls a lost server now OperationalError, now plain DatabaseError
        _value(engine, "SELECT count(*) FROM kept")
    own_cluster.start()
    assert _value(engine, "SHOW fsync") == "on"
    assert _value(engine, "SELECT count(*) FROM kept") == 1
    engine.dispose()


def test_a_crash_test_is_repeated(pytestconfig: pytest.Config, crash_run: int) -> None:
    """`--crash-runs N` runs it N times, numbered from 0: its number is its seed."""
    assert 0 <= crash_run < pytestconfig.getoption("--crash-runs")
