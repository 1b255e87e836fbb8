"""Servers as processes: how they start, share, and leave."""

from __future__ import annotations

import os
import signal
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from sqlalchemy import Connection, text

from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc as gl_grpc
from countinghouse.gl_extraction.v1 import reference_pb2
from countinghouse.operations.v1 import operations_pb2 as watch_pb2
from countinghouse.operations.v1 import operations_pb2_grpc as watch_pb2_grpc
from server.database.transaction import Database
from tests.operations import tally
from tests.support import postgres
from tests.support.process import free_address, is_alive, run, serve
from tests.support.server import refusal, refusal_of
from tests.support.waiting import wait_for
from tests.wire.locking import ledgers_locked

ANY = "127.0.0.1:0"  # a free port: the ready line tells which
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def _health(channel: grpc.Channel) -> int:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    return int(stub.Check(health_pb2.HealthCheckRequest(), timeout=40, wait_for_ready=True).status)


def _ledger(channel: grpc.Channel, code: str) -> reference_pb2.Ledger:
    gl = gl_grpc.GLExtractionServiceStub(channel)
    request = reference_pb2.CreateLedgerRequest(ledger=reference_pb2.Ledger(code=code))
    return gl.CreateLedger(request, timeout=20, wait_for_ready=True)


@pytest.mark.slow
@pytest.mark.rule("PLT-40", "PLT-13")
def test_without_configuration_it_serves_on_a_file_of_its_own(tmp_path: Path) -> None:
    """One command in an empty folder; what is stored is there after a restart."""
    began = time.monotonic()
    with serve(tmp_path, "--listen", ANY) as server:
        with grpc.insecure_channel(server.ready()) as channel:
            assert time.monotonic() - began < 10
            assert _health(channel) == SERVING
            _ledger(channel, "L1")
        assert "open to every caller on this machine" in server.said()
        assert server.end() == 0
    assert (tmp_path / "countinghouse-data" / "countinghouse.db").exists()
    with serve(tmp_path, "--listen", ANY) as again, grpc.insecure_channel(again.ready()) as channel:
        gl = gl_grpc.GLExtractionServiceStub(channel)
        assert [each.code for each in gl.ListLedgers(reference_pb2.ListLedgersRequest()).ledgers] == ["L1"]


@pytest.mark.rule("PLT-40")
def test_on_postgresql_it_migrates_at_start(postgresql_url: str, tmp_path: Path) -> None:
    """An empty database is all that it needs."""
    with serve(tmp_path, database_url=postgresql_url, listen=ANY) as server:
        with grpc.insecure_channel(server.ready()) as channel:
            _ledger(channel, "L1")
        assert server.end(signal.SIGINT) == 0


@pytest.mark.rule("PLT-43", "PLT-21", "PLT-41")
def test_on_sigterm_it_tells_watchers_and_finishes_what_runs(
    database: Database, migrated_url: str, tmp_path: Path
) -> None:
    """Watchers are told to come back, health says "not serving", a running call is answered, the exit status is 0."""
    tally.prepare(database)
    name = f"operations/{tally.start(database, numbers=1, size=1)}"
    with (
        serve(tmp_path / "server", "--no-jobs", database_url=migrated_url, listen=ANY) as server,
        grpc.insecure_channel(server.ready()) as channel,
        ThreadPoolExecutor(1) as caller,
    ):
        health: Any = health_pb2_grpc.HealthStub(channel)
        states = iter(health.Watch(health_pb2.HealthCheckRequest()))
        assert next(states).status == SERVING
        watching = watch_pb2_grpc.OperationsServiceStub(channel)
        watch = iter(watching.WatchOperation(watch_pb2.WatchOperationRequest(name=name)))
        next(watch)
        with ledgers_locked(database) as release:
            created = caller.submit(_ledger, channel, "L1")
            time.sleep(0.5)  # it waits for the lock by now
            server.process.send_signal(signal.SIGTERM)
            told = refusal(lambda: next(watch))
            assert (told.code, told.reason) == (grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING")
            assert told.detail(error_details_pb2.RetryInfo).retry_delay.seconds
            assert next(states).status == NOT_SERVING
            with pytest.raises(grpc.RpcError) as over:
                next(states)
            assert refusal_of(over.value).reason == "SERVER_DRAINING"
            assert server.process.poll() is None
            release.set()
            assert created.result().code == "L1"
        assert server.process.wait(20) == 0


@pytest.mark.rule("PLT-43")
def test_what_does_not_finish_within_the_grace_time_is_cut_off(
    database: Database, migrated_url: str, tmp_path: Path
) -> None:
    """The server leaves in time, with 0, however long a statement may take otherwise; nothing is half done.

    The caller is told to call again, and the log has the status that the caller was told.
    """
    few = {"shutdown_grace_s": 0.5, "statement_timeout_s": 60}
    with (
        serve(tmp_path / "server", "--no-jobs", database_url=migrated_url, listen=ANY, **few) as server,
        grpc.insecure_channel(server.ready()) as channel,
        ThreadPoolExecutor(1) as caller,
    ):
        with ledgers_locked(database):
            created = caller.submit(_ledger, channel, "L1")
            time.sleep(0.5)
            began = time.monotonic()
            assert server.end() == 0
            assert time.monotonic() - began < 5
        told = refusal_of(created.exception())
        assert (told.code, told.reason) == (grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING")
        assert told.detail(error_details_pb2.RetryInfo).retry_delay.seconds
        assert [line["status"] for line in server.log() if line["event"] == "call"] == ["UNAVAILABLE"]
        assert not database.read(lambda tx: tx.execute(text("SELECT code FROM ledger")).all())


@pytest.mark.slow
@pytest.mark.rule("PLT-41", "PLT-40")
@pytest.mark.parametrize("workers", [1, 2])
def test_it_is_not_ready_while_the_schema_is_migrated(postgresql_url: str, tmp_path: Path, workers: int) -> None:
    """Health answers "not serving" and other calls are told to try again, until another's migration is over."""
    from server.database import migrate

    database = Database(postgresql_url)
    address, release = free_address(), threading.Event()

    def hold(tx: Connection) -> None:
        tx.execute(text(f"SELECT pg_advisory_xact_lock({migrate._LOCK})"))
        assert release.wait(60)

    with ThreadPoolExecutor(1) as holder:
        held = holder.submit(database.write, hold)
        try:
            with (
                serve(tmp_path / "server", database_url=postgresql_url, listen=address, workers=workers) as server,
                grpc.insecure_channel(address) as channel,
            ):
                assert _health(channel) == NOT_SERVING
                early = refusal(lambda: _ledger(channel, "L1"))
                assert (early.code, early.reason) == (grpc.StatusCode.UNAVAILABLE, "SERVER_STARTING")
                release.set()
                server.ready()
                assert _health(channel) == SERVING
        finally:
            release.set()
            held.result()
            database.dispose()


@pytest.mark.rule("PLT-22")
def test_a_worker_process_that_dies_is_started_again(tmp_path: Path) -> None:
    """Killed, it comes back; and when the server itself is killed, it does not outlive it."""
    with serve(tmp_path, "--listen", ANY) as server:
        server.ready()
        wait_for(lambda: server.children("work"))
        (first,) = server.children("work")
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: server.children("work") not in ([], [first]))
        (second,) = server.children("work")
        assert server.end(signal.SIGKILL) == -signal.SIGKILL
        wait_for(lambda: not is_alive(second))


@pytest.mark.slow
@pytest.mark.rule("PLT-23")
def test_several_rpc_processes_share_a_port(migrated_postgresql_url: str, tmp_path: Path) -> None:
    """Calls reach more than one of them; one that dies is replaced; the port is nobody else's."""
    address = free_address()
    with serve(tmp_path / "one", "--workers", "2", database_url=migrated_postgresql_url, listen=address) as server:
        server.ready()
        first = server.children("rpc")
        assert len(first) == 2
        for number in range(20):
            with grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
                _ledger(channel, f"L{number}")
        other = run(tmp_path, "serve", "--no-jobs", listen=address)
        assert (other.returncode, other.stderr.splitlines()[-1].partition(":")[0]) == (1, "cannot listen on 127.0.0.1")
        os.kill(first[0], signal.SIGKILL)
        wait_for(lambda: len(server.children("rpc")) == 2 and first[0] not in server.children("rpc"))
        with grpc.insecure_channel(address) as channel:
            _ledger(channel, "again")
        assert server.end() == 0


@pytest.mark.slow
@pytest.mark.rule("PLT-42")
@pytest.mark.parametrize("workers", [1, 2])
def test_calls_are_counted_for_prometheus(migrated_postgresql_url: str, tmp_path: Path, workers: int) -> None:
    """The figures of all RPC processes stand on one port."""
    few: dict[str, Any] = {"listen": free_address(), "metrics_listen": free_address(), "workers": workers}
    with serve(tmp_path / "one", "--no-jobs", database_url=migrated_postgresql_url, **few) as server:
        address = server.ready()
        for number in range(6):
            with grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
                _ledger(channel, f"L{number}")

        def counted() -> bool:
            with urllib.request.urlopen(f"http://{few['metrics_listen']}/metrics") as answer:
                lines = answer.read().decode().splitlines()
            calls = [line for line in lines if line.startswith("grpc_server_handled_total") and "CreateLedger" in line]
            return [line.split()[-1] for line in calls] == ["6.0"]

        wait_for(counted)
        assert server.end() == 0


@pytest.mark.rule("PLT-40")
def test_a_second_server_on_the_same_port_says_so(tmp_path: Path) -> None:
    """It does not silently share the port."""
    address = free_address()
    with serve(tmp_path / "one", "--no-jobs", listen=address) as server:
        server.ready()
        second = run(tmp_path, "serve", "--no-jobs", listen=address)
        assert second.returncode == 1
        assert second.stderr.splitlines()[-1] == (
            f"cannot listen on {address}: it is in use, or not an address of this machine"
        )


@pytest.mark.rule("PLT-44")
def test_a_database_that_cannot_be_meant_is_refused_at_start(
    postgres_cluster: postgres.Cluster, tmp_path: Path
) -> None:
    """One that does not exist is a mistake; one that does not answer is waited for, for a while."""
    wrong = run(tmp_path, "serve", database_url=postgres_cluster.url("nosuch"), listen=ANY)
    assert wrong.returncode == 2
    assert 'database "nosuch" does not exist' in wrong.stderr.splitlines()[-1]
    nowhere = f"postgresql://somebody:secret@{free_address()}/x"
    silent = run(tmp_path, "serve", database_url=nowhere, listen=ANY, start_timeout_s=1)
    assert silent.returncode == 1
    assert silent.stderr.splitlines()[-1].startswith("the database does not answer: ")
    assert "secret" not in silent.stderr


@pytest.mark.rule("PLT-44")
@pytest.mark.parametrize("option", ["sslmod=require", "sslmode=requir"])
def test_an_option_of_the_url_that_there_is_not_is_refused_at_once(tmp_path: Path, option: str) -> None:
    """Waiting would not mend it."""
    wrong = run(tmp_path, "migrate", database_url=f"postgresql://ada:secret@{free_address()}/x?{option}")
    assert wrong.returncode == 2
    (line,) = wrong.stderr.splitlines()
    assert line.startswith("COUNTINGHOUSE_DATABASE_URL: invalid ")
    assert "secret" not in line


@pytest.mark.rule("PLT-44")
def test_several_processes_say_once_what_one_would_say(postgres_cluster: postgres.Cluster, tmp_path: Path) -> None:
    """A mistake ends the server before it has started any of them."""
    wrong = run(tmp_path, "serve", "--workers", "3", database_url=postgres_cluster.url("nosuch"), listen=free_address())
    assert wrong.returncode == 2
    (line,) = wrong.stderr.splitlines()
    assert 'database "nosuch" does not exist' in line


@pytest.mark.rule("PLT-43")
@pytest.mark.parametrize("workers", [1, 2])
def test_it_can_be_stopped_while_it_waits_for_the_database(tmp_path: Path, workers: int) -> None:
    """Within a moment, not within the time to start."""
    nowhere = f"postgresql://ada@{free_address()}/x"
    with serve(tmp_path, database_url=nowhere, listen=free_address(), workers=workers) as server:
        wait_for(lambda: any(line["event"] == "waiting for the database" for line in server.log()))
        began = time.monotonic()
        assert server.end() == 0
        assert time.monotonic() - began < 8


@pytest.mark.rule("PLT-43")
def test_a_second_signal_ends_it_at_once(database: Database, migrated_url: str, tmp_path: Path) -> None:
    """Whoever is at the keyboard need not wait for the grace time; its worker leaves too."""
    with (
        serve(tmp_path / "server", database_url=migrated_url, listen=ANY, shutdown_grace_s=60) as server,
        grpc.insecure_channel(server.ready()) as channel,
        ThreadPoolExecutor(1) as caller,
    ):
        wait_for(lambda: server.children("work"))
        (worker,) = server.children("work")
        with ledgers_locked(database):
            created = caller.submit(_ledger, channel, "L1")
            time.sleep(0.5)  # it waits for the lock by now
            server.process.send_signal(signal.SIGINT)
            time.sleep(0.5)
            assert server.process.poll() is None
            assert server.end(signal.SIGINT) == -signal.SIGINT
        assert isinstance(created.exception(), grpc.RpcError)
        wait_for(lambda: not is_alive(worker))


@pytest.mark.rule("PLT-40")
def test_migrate_brings_the_schema_up_to_date_once(database_url: str, tmp_path: Path) -> None:
    """The second time there is nothing to do."""
    first = run(tmp_path, "migrate", database_url=database_url)
    assert (first.returncode, first.stdout.startswith("applied 0001")) == (0, True)
    second = run(tmp_path, "migrate", database_url=database_url)
    assert (second.returncode, second.stdout) == (0, "the schema is up to date\n")
