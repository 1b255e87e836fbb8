"""One runner for every transaction: whole or not at all, bounded, run again when it collides, its errors in words."""

import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import psycopg2
import pytest
from sqlalchemy import Connection, event, text

from domain.kernel.errors import NotFound
from domain.kernel.script import Script
from domain.kernel.tables import sequence
from server.database.failures import (
    DatabaseBusy,
    DatabaseDamaged,
    DatabaseFault,
    DatabaseFull,
    DatabaseMoved,
    DatabaseReadOnly,
    DatabaseTooSlow,
    DatabaseUnavailable,
    OutcomeUnknown,
    verdict,
)
from server.database.limits import Limits
from server.database.migrate import migrate
from server.database.transaction import Database
from tests.support.postgres import Cluster

SLOW = {
    "postgresql": "SELECT pg_sleep(30)",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1e9) SELECT max(i) FROM n",
}


def put(tx: Connection, name: str, value: int = 1) -> None:
    tx.execute(sequence.insert().values(name=name, next_value=value))


def value_of(database: Database, name: str) -> int | None:
    query = text("SELECT next_value FROM sequence WHERE name = :name")
    return database.read(lambda tx: tx.execute(query, {"name": name}).scalar_one_or_none())


@pytest.mark.parametrize("error", [NotFound("thing", "things/1"), ValueError("ours"), KeyboardInterrupt()])
def test_what_raises_leaves_nothing(database: Database, error: BaseException) -> None:
    """Whatever the use case raises comes out as it is, after a rollback, and the next transaction works."""

    def fail(tx: Connection) -> None:
        put(tx, "half")
        raise error

    with pytest.raises(type(error)):
        database.write(fail)
    assert value_of(database, "half") is None
    database.write(lambda tx: put(tx, "whole"))
    assert value_of(database, "whole") == 1


def test_a_read_cannot_write(database: Database) -> None:
    """A use case that writes where it should only read is a bug, and shows on both databases."""
    with pytest.raises(DatabaseFault):
        database.read(lambda tx: put(tx, "sneaky"))
    assert value_of(database, "sneaky") is None


def test_a_read_sees_one_snapshot(database: Database) -> None:
    """What others commit meanwhile does not show before the next read."""

    def look_twice(tx: Connection) -> tuple[int, int]:
        count = text("SELECT count(*) FROM sequence")
        first: int = tx.execute(count).scalar_one()
        other = threading.Thread(target=lambda: database.write(lambda tx: put(tx, "meanwhile")))
        other.start()
        other.join()
        return first, tx.execute(count).scalar_one()

    first, second = database.read(look_twice)
    assert first == second
    assert value_of(database, "meanwhile") == 1


def test_two_that_collide_on_a_key_end_as_if_one_had_come_after_the_other(database: Database) -> None:
    """Both find nothing and insert; one is first, and the other runs again and finds what the first left."""
    both_looked, looked, found = threading.Barrier(2), set[int](), []

    def find_or_put(tx: Connection) -> int | None:
        query = text("SELECT next_value FROM sequence WHERE name = 'shared'")
        present: int | None = tx.execute(query).scalar_one_or_none()
        if database.dialect == "postgresql" and threading.get_ident() not in looked:
            looked.add(threading.get_ident())
            both_looked.wait(5)
        if present is None:
            put(tx, "shared")
        return present

    threads = [threading.Thread(target=lambda: found.append(database.write(find_or_put))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found, key=str) == [1, None]


def test_a_deadlock_is_run_again(migrated_postgresql_url: str) -> None:
    """Two lock two rows in opposite order: PostgreSQL ends one of them, which runs again; both are done once."""
    database = Database(migrated_postgresql_url)
    for name in ("a", "b"):
        database.write(lambda tx, name=name: put(tx, name, 0))  # type: ignore[misc]
    met, runs = threading.Barrier(2), []

    def add(first: str, second: str) -> Callable[[Connection], None]:
        def both(tx: Connection) -> None:
            runs.append(first)
            statement = text("UPDATE sequence SET next_value = next_value + 1 WHERE name = :name")
            tx.execute(statement, {"name": first})
            if len(runs) <= 2:
                met.wait(5)
            tx.execute(statement, {"name": second})

        return both

    threads = [
        threading.Thread(target=database.write, args=(add("a", "b"),)),
        threading.Thread(target=database.write, args=(add("b", "a"),)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs) > 2
    assert (value_of(database, "a"), value_of(database, "b")) == (2, 2)
    database.dispose()


@pytest.mark.parametrize("kind", ["read", "write"])
def test_what_takes_too_long_is_ended(database: Database, kind: str) -> None:
    """The time that the caller gives bounds the statement; nothing is changed, and the database serves on."""
    begun = time.monotonic()
    with pytest.raises(DatabaseTooSlow):
        getattr(database, kind)(lambda tx: tx.execute(text(SLOW[database.dialect])), timeout_s=0.3)
    assert 0.2 < time.monotonic() - begun < 3
    database.write(lambda tx: put(tx, "after"), timeout_s=5)
    with pytest.raises(DatabaseTooSlow):
        database.read(lambda tx: tx.execute(text("SELECT 1")), timeout_s=0)


@pytest.mark.parametrize("kind", ["read", "write"])
def test_what_runs_can_be_ended_from_outside(database: Database, kind: str) -> None:
    """At the end of a program's grace time nothing is left running, and nothing is half done."""
    running = threading.Event()

    def work(tx: Connection) -> None:
        if kind == "write":
            put(tx, "half")
        running.set()
        tx.execute(text(SLOW[database.dialect]))

    with ThreadPoolExecutor(1) as thread:
        ended = thread.submit(getattr(database, kind), work)
        assert running.wait(5)
        time.sleep(0.1)
        begun = time.monotonic()
        database.interrupt()
        assert isinstance(ended.exception(5), DatabaseTooSlow)
        assert time.monotonic() - begun < 2
    assert value_of(database, "half") is None


def test_the_own_limit_holds_where_the_caller_gives_none_or_a_longer_one(migrated_url: str) -> None:
    """No statement runs for ever."""
    database = Database(migrated_url, Limits(statement_s=0.3))
    for timeout_s in (None, 60):
        begun = time.monotonic()
        with pytest.raises(DatabaseTooSlow):
            database.read(lambda tx: tx.execute(text(SLOW[database.dialect])), timeout_s=timeout_s)
        assert time.monotonic() - begun < 3
    database.dispose()


def test_waiting_for_a_connection_is_bounded(migrated_url: str) -> None:
    """Every connection is in use: the next one is told so in time."""
    database = Database(migrated_url, Limits(connections=1, connect_s=0.2))
    with database.connection():
        begun = time.monotonic()
        with pytest.raises(DatabaseBusy):
            database.write(lambda tx: tx.execute(text("SELECT 1")))
        assert time.monotonic() - begun < 2
    assert value_of(database, "none") is None
    database.dispose()


def test_waiting_for_a_row_is_bounded(migrated_postgresql_url: str) -> None:
    """Another holds the row's lock: the writer is told so in time."""
    database = Database(migrated_postgresql_url, Limits(lock_s=0.3))
    database.write(lambda tx: put(tx, "contended"))
    lock = text("SELECT 1 FROM sequence WHERE name = 'contended' FOR UPDATE")

    def wait_too(tx: Connection) -> None:
        tx.execute(lock)
        begun = time.monotonic()
        with pytest.raises(DatabaseBusy):
            database.write(lambda tx: tx.execute(lock))
        assert time.monotonic() - begun < 2

    database.write(wait_too)
    database.dispose()


def test_waiting_for_a_program_that_writes_past_the_lock_is_bounded(migrated_sqlite_url: str) -> None:
    """Somebody has the file open in another program, in a write transaction: the writer is told so in time."""
    database = Database(migrated_sqlite_url, Limits(lock_s=0.3))
    outsider = sqlite3.connect(migrated_sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    outsider.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    with pytest.raises(DatabaseBusy):
        database.write(lambda tx: put(tx, "late"))
    assert time.monotonic() - begun < 3
    outsider.execute("ROLLBACK")
    outsider.close()
    database.write(lambda tx: put(tx, "late"))
    database.dispose()


@pytest.mark.rule("PLT-07")
def test_a_driver_error_tells_no_value_and_no_statement(database: Database) -> None:
    """A bug of ours is named by its code and the key; what is in the row or the statement goes no further."""

    def put_twice(tx: Connection) -> None:
        for _ in range(2):
            put(tx, "secret 12.34 USD")

    with pytest.raises(DatabaseFault) as fault:
        database.write(put_twice)
    assert "sequence" in str(fault.value)
    with pytest.raises(DatabaseFault) as nonsense:
        database.write(lambda tx: tx.execute(text("SELECT secret FROM nowhere")))
    for error in (fault.value, nonsense.value):
        assert "secret" not in str(error)
        assert error.__cause__ is None
        assert error.__suppress_context__


@pytest.mark.rule("PLT-07")
def test_an_error_of_the_driver_itself_is_understood_too(database: Database) -> None:
    """Where a statement goes past SQLAlchemy, its errors still come out in words."""

    def bare(tx: Connection) -> None:
        cursor = tx.connection.cursor()
        try:
            cursor.execute("SELECT secret FROM nowhere")
        finally:
            cursor.close()

    with pytest.raises(DatabaseFault) as fault:
        database.write(bare)
    assert "secret" not in str(fault.value)


def test_temporary_tables_last_as_long_as_the_connection_is_held(database: Database) -> None:
    """What a snapshot gathers in one, the write finds; the next user of the connection finds none."""

    def gather(tx: Connection) -> None:
        tx.execute(text("CREATE TEMPORARY TABLE gathered (name TEXT)"))
        tx.execute(text("INSERT INTO gathered SELECT 'gathered'"))

    for _ in range(2):
        with database.connection() as connection:
            database.snapshot_on(connection, gather, timeout_s=5)
            copy = text("UPDATE sequence SET name = name WHERE name IN (SELECT name FROM gathered)")
            database.write_on(connection, lambda tx: tx.execute(copy), timeout_s=5)  # noqa: B023
    with pytest.raises(DatabaseFault):
        database.read(lambda tx: tx.execute(text("SELECT * FROM gathered")))


def test_letting_go_of_a_connection_waits_for_no_writer(migrated_sqlite_url: str) -> None:
    """On SQLite its temporary tables are dropped without the write lock, which would be taken out of turn."""
    database = Database(migrated_sqlite_url)
    with database.connection() as connection:
        database.write_on(connection, lambda tx: put(tx, "first"), timeout_s=5)
        writing = database.connection()
        other = writing.__enter__()
        with other.execution_options(countinghouse_writes=True).begin():
            connection_begun = time.monotonic()
            database._drop_temporary(connection)
            assert time.monotonic() - connection_begun < 1
        writing.__exit__(None, None, None)
    database.dispose()


def test_sqlite_is_set_up_for_money(migrated_sqlite_url: str) -> None:
    """Write-ahead log, a flush at every commit, foreign keys."""
    database = Database(migrated_sqlite_url)

    def pragma(name: str) -> object:
        return database.read(lambda tx: tx.execute(text(f"PRAGMA {name}")).scalar_one())

    assert (pragma("journal_mode"), pragma("synchronous"), pragma("foreign_keys")) == ("wal", 2, 1)
    database.dispose()


def test_postgresql_is_told_every_limit(migrated_postgresql_url: str) -> None:
    """No lock, no statement and no idle transaction lasts for ever, in any session."""
    database = Database(migrated_postgresql_url, Limits(lock_s=7, statement_s=11, idle_s=13))

    def shown(name: str) -> object:
        return database.read(lambda tx: tx.execute(text(f"SHOW {name}")).scalar_one())

    names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    assert [shown(name) for name in names] == ["7s", "11s", "13s"]
    database.dispose()


def test_a_full_disk_changes_nothing(migrated_sqlite_url: str) -> None:
    """The file may not grow any more: the write is refused in words, and what was there stays."""
    database = Database(migrated_sqlite_url, Limits(connections=1))
    database.write(lambda tx: tx.execute(text("PRAGMA max_page_count = 1")))

    def write_much(tx: Connection) -> None:
        for number in range(10_000):
            put(tx, f"{number:050}")

    with pytest.raises(DatabaseFull):
        database.write(write_much)
    assert value_of(database, f"{0:050}") is None
    database.dispose()


def test_a_file_that_is_no_database_is_told_apart(tmp_path: Path) -> None:
    """It is damaged, not unavailable: trying again will not help."""
    path = tmp_path / "damaged.db"
    path.write_bytes(b"this is no database, but a letter to somebody." * 100)
    database = Database(str(path))
    with pytest.raises(DatabaseDamaged):
        database.read(lambda tx: tx.execute(text("SELECT 1 FROM sqlite_master")))
    database.dispose()


def _cut_off(url: str, pid: int) -> None:
    admin = psycopg2.connect(url.replace("+psycopg2", ""))
    with admin, admin.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", (pid,))
    admin.close()


@pytest.mark.parametrize("past_sqlalchemy", [False, True])
def test_a_connection_that_breaks_before_the_commit_is_run_again(
    migrated_postgresql_url: str, *, past_sqlalchemy: bool
) -> None:
    """Nothing was changed, so it is safe; the caller does not notice, nor does who comes next to the pool."""
    database = Database(migrated_postgresql_url, Limits(connections=1))
    runs = []

    def work(tx: Connection) -> None:
        put(tx, "once")
        runs.append(1)
        if len(runs) == 1:
            _cut_off(migrated_postgresql_url, tx.execute(text("SELECT pg_backend_pid()")).scalar_one())
            Script(tx).ask("SELECT 1") if past_sqlalchemy else tx.execute(text("SELECT 1"))

    database.write(work)
    assert len(runs) == 2
    assert value_of(database, "once") == 1
    database.dispose()


def test_a_connection_that_breaks_during_the_commit_is_not_run_again(migrated_postgresql_url: str) -> None:
    """Nobody knows whether it was done: the caller is told so, and nothing is done twice."""
    database = Database(migrated_postgresql_url)
    pids: list[int] = []
    event.listen(database._engine, "commit", lambda _connection: _cut_off(migrated_postgresql_url, pids[0]))

    def work(tx: Connection) -> None:
        put(tx, "unknown")
        pids.append(tx.execute(text("SELECT pg_backend_pid()")).scalar_one())

    with pytest.raises(OutcomeUnknown):
        database.write(work)
    assert len(pids) == 1
    database.dispose()


def test_a_script_that_takes_too_long_is_ended_as_any_statement(database: Database) -> None:
    """The driver is used past SQLAlchemy, not past the limits; what was done before is taken back."""

    def work(tx: Connection) -> None:
        put(tx, "taken back")
        Script(tx).ask(SLOW[database.dialect])

    begun = time.monotonic()
    with pytest.raises(DatabaseTooSlow):
        database.write(work, timeout_s=0.3)
    assert time.monotonic() - begun < 5
    assert value_of(database, "taken back") is None


@pytest.mark.slow
def test_a_database_that_goes_away_and_comes_back(own_cluster: Cluster) -> None:
    """Meanwhile callers are told so, soon; afterwards everything works as before, without a restart."""
    with own_cluster.database() as name:
        url = own_cluster.url(name)
        migrate(url)
        database = Database(url)
        database.write(lambda tx: put(tx, "before"))
        modes: tuple[Literal["fast", "immediate"], ...] = ("fast", "immediate")
        for mode in modes:
            own_cluster.stop(mode)
            for call in (database.read, database.write):
                begun = time.monotonic()
                with pytest.raises(DatabaseUnavailable) as gone:
                    call(lambda tx: tx.execute(text("SELECT 1")))
                assert time.monotonic() - begun < 12
                assert gone.value.message == "The database cannot be reached just now; try again."
            own_cluster.start()
            assert value_of(database, "before") == 1
            database.write(lambda tx, mode=mode: put(tx, mode))  # type: ignore[misc]
        database.dispose()


@pytest.mark.slow
def test_a_standby_can_be_read_and_takes_no_changes(own_cluster: Cluster) -> None:
    """After a failover the old server, or a URL that names the wrong one: nobody is told of a bug."""
    with own_cluster.database() as name:
        url = own_cluster.url(name)
        migrate(url)
        database = Database(url)
        database.write(lambda tx: put(tx, "before"))
        own_cluster.stop()
        signal = own_cluster.folder / "data" / "standby.signal"
        signal.touch()
        own_cluster.start()
        assert value_of(database, "before") == 1
        with pytest.raises(DatabaseReadOnly):
            database.write(lambda tx: put(tx, "after"))
        assert migrate(url) == []
        own_cluster.stop()
        signal.unlink()
        own_cluster.start()
        database.write(lambda tx: put(tx, "after"))
        database.dispose()


def test_a_file_that_cannot_be_written_is_told_from_a_bug(migrated_sqlite_url: str) -> None:
    """SQLite has one error for both: whoever was not to write has a bug, whoever was to has a read-only file."""
    path = migrated_sqlite_url.removeprefix("sqlite:///")
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    with pytest.raises(sqlite3.OperationalError) as refused:
        connection.execute("UPDATE sequence SET next_value = 2")
    connection.close()
    assert isinstance(verdict(refused.value, writing=True).error(), DatabaseReadOnly)
    assert isinstance(verdict(refused.value, writing=False).error(), DatabaseFault)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_was_taken_away_takes_no_more_changes(migrated_sqlite_url: str, *, replaced: bool) -> None:
    """What is written to a deleted file would be gone with the process, and an empty one must not take its place."""
    database = Database(migrated_sqlite_url, Limits(connections=2))
    with database.connection():  # two connections know the file
        database.write(lambda tx: put(tx, "before"))
    path = Path(migrated_sqlite_url.removeprefix("sqlite:///"))
    kept = path.rename(path.with_suffix(".kept"))
    if replaced:
        path.touch()
    for call in (database.write, database.read, database.write, database.read):
        with pytest.raises(DatabaseMoved):
            call(lambda tx: tx.execute(text("SELECT 1")))
    assert path.exists() == replaced
    assert not replaced or not path.stat().st_size
    kept.rename(path)
    database.write(lambda tx: put(tx, "after"))
    assert value_of(database, "before") == 1
    database.dispose()
