"""`countinghouse doctor`: what it finds, and that it gives nothing away."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Insert, insert, text, update

from domain.deliveries.model import Kind, NewDelivery
from domain.deliveries.service import enqueue
from domain.deliveries.tables import delivery
from domain.kernel import duties
from domain.notifications.tables import notification_endpoint
from domain.operations import runner
from domain.operations.tables import operation, worker
from server.database.transaction import Database
from server.doctor import examine, machine, worst
from server.doctor.model import Finding, Level
from server.settings import Settings
from server.work.retention import DAY_US, DUTY
from tests.operations import tally
from tests.support import process
from tests.support.database import postgresql_template
from tests.support.postgres import Cluster
from tests.support.server import Served, serving
from tests.support.waiting import wait_for

EARLIER_US = 3_600_000_000


def _settings(url: str, folder: Path, **chosen: object) -> Settings:
    return Settings.model_validate({"database_url": url, "data_files_folder": folder / "files", **chosen})


def _findings(url: str, folder: Path, *, thorough: bool = False, **chosen: object) -> list[tuple[str, Finding]]:
    return list(examine(lambda: _settings(url, folder, **chosen), thorough=thorough))


def _of(findings: list[tuple[str, Finding]], check: str) -> list[tuple[Level, str]]:
    return [(finding.level, finding.said) for name, finding in findings if name == check]


def _levels(findings: list[tuple[str, Finding]], check: str) -> list[Level]:
    return [level for level, _ in _of(findings, check)]


@pytest.mark.rule("PLT-44")
def test_every_mistake_in_the_settings_is_a_line_with_what_to_do(tmp_path: Path) -> None:
    """Five mistakes are five lines; nothing else is looked at, and the exit status tells."""
    wrong = {"workers": "many", "lease_s": 0, "log_level": "loud", "listen": "everywhere", "operations_days": 1}
    told = process.run(tmp_path, "doctor", **wrong)
    lines = told.stdout.splitlines()
    assert told.returncode == 1
    assert len(lines) == 5
    assert all(line.startswith("fail  configuration  COUNTINGHOUSE_") for line in lines)
    assert all(line.endswith("; countinghouse config lists every setting") for line in lines)


@pytest.fixture(params=["sqlite", "postgresql"])
def durable(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """A server on a database that flushes its commits."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = request.getfixturevalue("migrated_sqlite_url")
        else:
            cluster: Cluster = request.getfixturevalue("own_cluster")
            url = cluster.url(stack.enter_context(cluster.database(postgresql_template(cluster))))
        yield stack.enter_context(serving(url, tmp_path))


@pytest.mark.slow
@pytest.mark.rule("PLT-44", "PLT-42")
def test_an_installation_that_is_well_has_nothing_to_mend(durable: Served, tmp_path: Path) -> None:
    """On both databases, with a worker: the exit status is 0, and the JSON says what the lines say."""
    url, folder = durable.settings.url, str(durable.settings.data_files_folder)
    wait_for(lambda: not _warned(url, tmp_path, "workers"), what="the worker's lease")
    told = process.run(tmp_path, "doctor", "--json", "--thorough", database_url=url, data_files_folder=folder)
    assert told.returncode == 0, told.stdout
    document = json.loads(told.stdout)
    assert document["level"] == "warn"
    warned = [each for each in document["findings"] if each["level"] != "ok"]
    of_the_machine = {"callers", "disk", "durability"}  # open on loopback; what this machine and its clusters are like
    assert {each["check"] for each in warned} <= of_the_machine
    assert all(each["advice"] for each in warned)
    names = {each["check"] for each in document["findings"]}
    assert {"configuration", "database", "durability", "clock", "schema", "tables", "retention", "outbox"} <= names


def _warned(url: str, folder: Path, check: str) -> bool:
    return Level.OK not in _levels(_findings(url, folder), check)


@pytest.mark.rule("PLT-40")
def test_a_database_that_is_not_there_or_not_migrated_is_told_of(database_url: str, tmp_path: Path) -> None:
    """Nothing is made by looking: not even an SQLite file."""
    found = _findings(database_url, tmp_path)
    assert worst(found) is Level.FAIL
    if database_url.startswith("sqlite"):
        assert _of(found, "database")[0][1].startswith("there is none yet at ")
        assert not Path(database_url.removeprefix("sqlite:///")).exists()
    else:
        assert _of(found, "schema")[0][1].startswith("the schema lacks 0001")
    assert not _of(found, "outbox")


@pytest.mark.rule("PLT-42")
def test_a_database_that_does_not_answer_gives_no_password_away(tmp_path: Path) -> None:
    """The URL's password stands nowhere in what is printed."""
    url = f"postgresql://ada:secret@{process.free_address()}/x"
    told = process.run(tmp_path, "doctor", database_url=url)
    assert told.returncode == 1
    assert "fail  database" in told.stdout
    assert "secret" not in told.stdout + told.stderr


@pytest.mark.rule("PLT-22", "PLT-24")
def test_work_that_does_not_get_on_is_told_of(database: Database, migrated_url: str, tmp_path: Path) -> None:
    """Nobody at work, a worker that died, operations that do not move or are paused or failed: by id alone."""
    tally.prepare(database)
    stuck = tally.start(database, numbers=1, size=1, description="salary of ann")
    failed = tally.start(database, numbers=1, size=1)
    paused = tally.start(database, numbers=1, size=1)
    dead = database.write(lambda tx: runner.register(tx, host="elsewhere", pid=1, lease_us=1))
    long_ago = database.clock_us() - EARLIER_US
    database.write(
        lambda tx: [
            tx.execute(update(worker).where(worker.c.worker_id == dead).values(lease_until_us=long_ago)),
            tx.execute(update(operation).where(operation.c.operation_id == stuck).values(updated_us=long_ago)),
            tx.execute(
                update(operation).where(operation.c.operation_id == failed).values(state="FAILED", ended_us=long_ago)
            ),
            tx.execute(
                update(operation).where(operation.c.operation_id == paused).values(state="PAUSED", updated_us=long_ago)
            ),
        ]
    )
    found = _findings(migrated_url, tmp_path)
    assert _of(found, "workers") == [
        (Level.FAIL, "0 at work, 2 operations under way"),
        (Level.WARN, "1 died without handing over"),
    ]
    said = _of(found, "operations")
    assert [level for level, _ in said] == [Level.WARN] * 3
    assert [stuck in said[0][1], paused in said[1][1], failed in said[2][1]] == [True] * 3
    assert paused not in said[0][1]
    assert "ann" not in str(found)


@pytest.mark.rule("PLT-25")
def test_what_waits_too_long_to_go_outside_is_told_of(database: Database, migrated_url: str, tmp_path: Path) -> None:
    """An outbox that is young is well; an old one, and what was given up, are told of with the age."""
    new = [NewDelivery(Kind.WEBHOOK, "notificationEndpoints/one", key, "operations/1") for key in ("a", "b")]
    first, second = database.write(lambda tx: enqueue(tx, new))
    assert _of(_findings(migrated_url, tmp_path), "outbox") == [(Level.OK, "2 wait")]
    long_ago = database.clock_us() - EARLIER_US
    d = delivery.c
    database.write(
        lambda tx: [
            tx.execute(update(delivery).where(d.delivery_id == first).values(since_us=long_ago)),
            tx.execute(update(delivery).where(d.delivery_id == second).values(state="GIVEN_UP", ended_us=long_ago)),
        ]
    )
    assert _of(_findings(migrated_url, tmp_path), "outbox") == [
        (Level.WARN, "1 wait, the oldest for 60 minutes"),
        (Level.WARN, "given up: 1"),
    ]


@pytest.mark.rule("PLT-06")
def test_what_retention_would_free_is_told(database: Database, migrated_url: str, tmp_path: Path) -> None:
    """How much is too old, when forgetting was done last, and for what it failed."""
    statement = "INSERT INTO idempotency VALUES ('ann', 'm', 'r', :blob, :blob, 1)"
    database.write(lambda tx: tx.execute(text(statement), {"blob": b"x"}))
    ((level, said),) = _of(_findings(migrated_url, tmp_path), "retention")
    assert (level, said) == (Level.WARN, "nothing was ever forgotten; would free 1 of idempotency")

    def done(outcome: dict[str, Any]) -> None:
        assert database.write(lambda tx: duties.take(tx, DUTY, "me", every_us=-DAY_US, lease_us=DAY_US))
        assert database.write(lambda tx: duties.finish(tx, DUTY, "me", outcome))

    done({"forgotten": {"idempotency": 7}, "failed": []})
    ((level, said),) = _of(_findings(migrated_url, tmp_path), "retention")
    assert (level, said) == (Level.OK, "last done 0 seconds ago, 7 rows; would free 1 of idempotency")
    done({"forgotten": {}, "failed": ["audit"]})
    ((level, said),) = _of(_findings(migrated_url, tmp_path), "retention")
    assert level is Level.WARN
    assert said.endswith("failed for audit")


@pytest.mark.rule("PLT-22")
def test_a_postgresql_that_may_lose_what_was_answered_fails(migrated_postgresql_url: str, tmp_path: Path) -> None:
    """Durability that was switched off, and pools that PostgreSQL has no room for."""
    loose = f"{migrated_postgresql_url}&options=-csynchronous_commit%3Doff"
    found = _findings(loose, tmp_path, connections=256)
    assert (Level.FAIL, "synchronous_commit is off") in _of(found, "durability")
    assert _levels(found, "connections") == [Level.FAIL]
    assert _levels(_findings(migrated_postgresql_url, tmp_path), "connections") == [Level.OK]


@pytest.mark.rule("PLT-22")
def test_a_damaged_sqlite_file_is_found_by_looking_through_it(migrated_sqlite_url: str, tmp_path: Path) -> None:
    """A page in its middle was overwritten."""
    path = Path(migrated_sqlite_url.removeprefix("sqlite:///"))
    assert _levels(_findings(migrated_sqlite_url, tmp_path, thorough=True), "durability") == [Level.OK, Level.OK]
    with path.open("r+b") as file:
        file.seek(4_096 * (path.stat().st_size // 8_192))
        file.write(b"\xff" * 4_096)
    found = _findings(migrated_sqlite_url, tmp_path, thorough=True)
    assert Level.FAIL in _levels(found, "durability")


@pytest.mark.rule("PLT-13", "PLT-42")
def test_secrets_that_everybody_can_read_and_full_disks_are_told_of(
    migrated_sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the permissions of the file, and by the room that is left."""
    tokens = tmp_path / "tokens.toml"
    tokens.write_text('[[tokens]]\ncaller="ann"\ntoken="the-token-of-ann"\npermissions=["*"]\n')
    tokens.chmod(0o644)
    found = _findings(migrated_sqlite_url, tmp_path, token_file=tokens)
    assert _levels(found, "secrets") == [Level.WARN]
    assert "the-token-of-ann" not in str(found)
    tokens.chmod(0o600)
    assert _levels(_findings(migrated_sqlite_url, tmp_path, token_file=tokens), "secrets") == [Level.OK]
    monkeypatch.setattr(machine, "_ROOM_LEAST", 1 << 60)
    assert _levels(_findings(migrated_sqlite_url, tmp_path), "disk") == [Level.FAIL, Level.FAIL]


@pytest.mark.rule("PLT-04")
def test_a_clock_that_is_wrong_is_told_of(
    database: Database, migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against the database's: a few seconds are a warning, more than a lease is a failure."""
    now = time.time
    for wrong_s, level in ((0, Level.OK), (-5, Level.WARN), (3_600, Level.FAIL)):
        monkeypatch.setattr(time, "time", lambda wrong_s=wrong_s: now() + wrong_s)
        assert _levels(_findings(migrated_url, tmp_path), "clock") == [level]


@pytest.mark.rule("PLT-25", "PLT-32")
def test_those_whom_we_send_to_are_tried(database: Database, migrated_url: str, tmp_path: Path) -> None:
    """A host that takes no connection, a folder that is not there; of a URL nothing but the host is told."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        for name, port in (("a", listening.getsockname()[1]), ("b", int(process.free_address().rpartition(":")[2]))):
            row = {"endpoint_id": name, "url": f"http://127.0.0.1:{port}/hidden-part", "key_id": "k"}
            new = insert(notification_endpoint).values(**row, event_types="[]", created_us=1, updated_us=1)
            database.write(partial(_execute, new))
        found = _findings(migrated_url, tmp_path)
    assert _levels(found, "endpoints") == [Level.OK, Level.WARN]
    assert "hidden-part" not in str(found)
    (tmp_path / "inbox").mkdir()
    destinations = tmp_path / "destinations.toml"
    entries = (f'[[destinations]]\nname = "{name}"\nurl = "file://{tmp_path / name}"\n' for name in ("inbox", "gone"))
    destinations.write_text("".join(entries))
    assert _levels(_findings(migrated_url, tmp_path, transmission_file=destinations), "destinations") == [
        Level.OK,
        Level.WARN,
    ]


def _execute(statement: Insert, tx: Connection) -> None:
    tx.execute(statement)
