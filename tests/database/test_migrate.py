"""The schema comes about by migrations, the same on both databases."""

import re
import threading
from pathlib import Path

import pytest
import structlog
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, text

from domain.kernel import sequences
from domain.schema import metadata
from server.database import migrate as migration
from server.database.engine import open_engine
from server.database.limits import Limits
from server.database.migrate import CannotMigrate, migrate, pending, revisions
from server.database.transaction import Database
from server.telemetry import observe

POSTGRESQL_CATALOG = (
    """SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, l.collname,
        pg_get_expr(d.adbin, d.adrelid) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
        LEFT JOIN pg_collation l ON l.oid = a.attcollation
        LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (c.oid, a.attnum)
        WHERE a.attnum > 0 AND c.relnamespace = CAST(:schema AS regnamespace) AND c.relname <> 'alembic_version'""",
    """SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = CAST(:schema AS regnamespace) AND conrelid::regclass::text <> 'alembic_version'""",
    "SELECT indexdef FROM pg_indexes WHERE schemaname = :schema AND tablename <> 'alembic_version'",
    """SELECT relname, reloptions FROM pg_class
        WHERE relkind = 'r' AND relnamespace = CAST(:schema AS regnamespace) AND relname <> 'alembic_version'""",
)


@pytest.mark.rule("PLT-40")
def test_migrating_leaves_nothing_pending(database_url: str) -> None:
    """An empty database lacks every revision; once migrated it lacks none, and migrating again does nothing."""
    assert pending(database_url) == revisions()
    assert migrate(database_url) == revisions()
    assert pending(database_url) == []
    assert migrate(database_url) == []


@pytest.mark.rule("PLT-40")
def test_the_migrated_schema_is_the_schema_of_the_tables(database_url: str, tmp_path: Path) -> None:
    """Every column, key, index and option is as the tables say: whoever changes them writes a migration."""
    migrate(database_url)
    migrated = open_engine(database_url)
    described = _described(migrated)
    with migrated.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        if connection.dialect.name == "postgresql":
            connection.execute(text("CREATE SCHEMA made"))
            connection.execute(text("SET LOCAL search_path TO made"))
            metadata.create_all(connection)
            assert _described_on(connection, "made") == described
    migrated.dispose()
    if database_url.startswith("sqlite"):
        made = open_engine(str(tmp_path / "made.db"), create=True)
        metadata.create_all(made)
        assert _described(made) == described
        made.dispose()


def _described(engine: Engine) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return _described_on(connection, "public")


def _described_on(connection: Connection, schema: str) -> list[tuple[object, ...]]:
    """The schema in the database's own words, line by line."""
    if connection.dialect.name == "sqlite":
        query = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name <> 'alembic_version'"
        statements = connection.execute(text(query)).scalars().all()
        return sorted(tuple(sorted(filter(None, map(str.strip, re.split("[,\n]", one))))) for one in statements)
    found: list[tuple[object, ...]] = []
    for query in POSTGRESQL_CATALOG:
        rows = connection.execute(text(query), {"schema": schema})
        found += [tuple(str(cell).replace(f"{schema}.", "") for cell in row) for row in rows]
    return sorted(found, key=str)


@pytest.mark.rule("PLT-40")
def test_servers_that_start_together_migrate_once(database_url: str) -> None:
    """One of them applies the revisions under a lock, the others wait and find nothing to do."""
    applied: list[list[str]] = []
    threads = [threading.Thread(target=lambda: applied.append(migrate(database_url))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(applied) == [[], [], [], revisions()]


def test_a_database_of_a_newer_release_is_left_as_it_is(
    database: Database, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The previous release's program runs on the next one's schema while servers are replaced, and says so."""
    observe.configure("warning")
    monkeypatch.setattr(migration, "log", structlog.get_logger())  # one that has not been used at another level
    database.write(lambda tx: tx.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    assert migrate(database.url) == []
    (line,) = capfd.readouterr().err.splitlines()
    assert "the schema is newer than this program" in line
    assert '"schema":"9999"' in line


@pytest.mark.rule("PLT-44")
def test_a_database_of_another_program_is_refused(database: Database) -> None:
    """Its tables would be taken for ours, and every call fail."""
    database.write(lambda tx: tx.execute(text("UPDATE alembic_version SET version_num = 'ae1027a6acf4'")))
    for call in (migrate, pending):
        with pytest.raises(CannotMigrate, match="belongs to another program"):
            call(database.url)


@pytest.mark.rule("PLT-44")
def test_a_database_that_may_not_be_changed_says_why(postgresql_url: str) -> None:
    """PostgreSQL lets none but its owner make tables, unless it is told to: one line, and no trace."""
    owner = open_engine(postgresql_url)
    with owner.begin() as connection:
        connection.execute(text("CREATE SCHEMA closed"))
        connection.execute(text("REVOKE CREATE ON SCHEMA closed FROM CURRENT_USER"))
    owner.dispose()
    with pytest.raises(CannotMigrate, match="permission denied for schema closed") as refused:
        migrate(f"{postgresql_url}&options=-csearch_path%3Dclosed")
    assert refused.value.__suppress_context__


@pytest.mark.rule("PLT-40")
def test_what_the_url_asks_for_stands_beside_our_own_limits(postgresql_url: str) -> None:
    """Options in the URL, such as the schema to use, are kept; the limits hold all the same."""
    database = Database(f"{postgresql_url}&options=-csearch_path%3Dbooks&application_name=mine", Limits(lock_s=7))

    def shown(name: str) -> object:
        return database.read(lambda tx: tx.execute(text(f"SHOW {name}")).scalar_one())

    assert [shown(name) for name in ("search_path", "application_name", "lock_timeout")] == ["books", "mine", "7s"]
    database.dispose()


def test_the_sequences_are_there(database: Database) -> None:
    """Numbers are given from the first call on: 1 is the first message, and growing numbers grow."""
    assert database.write(lambda tx: sequences.take(tx, "message_id", 3)) == range(1, 4)
    for name in sequences.GROWING:
        first = database.write(lambda tx, name=name: sequences.reserve(tx, name, 1))  # type: ignore[misc]
        second = database.write(lambda tx, name=name: sequences.reserve(tx, name, 1_500))  # type: ignore[misc]
        assert first[-1].stop <= second[0].start
        assert sum(map(len, second)) >= 1_500


def test_each_database_has_a_secret_of_its_own_for_page_tokens(database_url: str) -> None:
    """32 random bytes, made when the schema is made."""
    migrate(database_url)
    engine = open_engine(database_url)
    with engine.connect() as connection:
        key = connection.execute(text("SELECT value FROM secret WHERE name = 'page_tokens'")).scalar_one()
    engine.dispose()
    assert len(bytes(key)) == 32
    assert len(set(bytes(key))) > 8
