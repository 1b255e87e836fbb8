"""The schema comes about by migrations, the same on both databases."""

import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from domain.kernel import sequences
from domain.schema import metadata
from server.database.engine import open_engine
from server.database.migrate import migrate, pending, revisions
from server.database.transaction import Database


@pytest.mark.rule("PLT-40")
def test_migrating_leaves_nothing_pending(database_url: str) -> None:
    """An empty database lacks every revision; once migrated it lacks none, and migrating again does nothing."""
    assert pending(database_url) == revisions()
    assert migrate(database_url) == revisions()
    assert pending(database_url) == []
    assert migrate(database_url) == []


@pytest.mark.rule("PLT-40")
def test_the_migrated_schema_is_the_schema_of_the_tables(database_url: str) -> None:
    """Nothing is left for a migration to add, drop or change."""
    migrate(database_url)
    engine = open_engine(database_url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


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


def test_a_database_of_a_newer_release_is_left_as_it_is(database: Database) -> None:
    """The previous release's program runs on the next one's schema while servers are replaced."""
    database.write(lambda tx: tx.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    assert migrate(database.url) == []


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
