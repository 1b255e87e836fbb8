"""Two servers on one database, restarted one after the other while clients call, watch and ingest."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from countinghouse.client import Client, connect
from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details
from countinghouse.gl_extraction.v1 import extraction_pb2 as pb
from countinghouse.gl_extraction.v1 import reference_pb2
from server import backup
from server.database.transaction import Database
from server.settings import Settings
from tests.support.process import Serving, free_address, serve
from tests.support.waiting import wait_for
from tests.wire.gl_extraction import samples
from tests.wire.gl_extraction.samples import Gl, day, row

ROWS = 300  # of one bulk call
SMALL: dict[str, Any] = {"elements_per_message": 20, "messages_per_file": 5, "lease_s": 5, "ingest_chunk_rows": 100}


@dataclass
class Clients:
    """Clients that go on calling until they are told to stop; what they did, and what they were refused."""

    target: str
    over: threading.Event = field(default_factory=threading.Event)
    failures: list[Exception] = field(default_factory=list)
    rows: int = 0
    ledgers: int = 0
    lists: int = 0
    batches: list[int] = field(default_factory=list)

    @contextmanager
    def calling(self) -> Iterator[None]:
        """One thread a kind of client."""
        works = (self._ingest, self._configure, self._read, self._extract)
        threads = [threading.Thread(target=self._kept, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.over.set()
            for thread in threads:
                thread.join(60)
                assert not thread.is_alive()

    def _kept(self, work: Callable[[Client], None]) -> None:
        try:
            with connect(self.target) as client:
                while not self.over.is_set():
                    work(client)
        except Exception as error:  # noqa: BLE001 - it is what the test is about
            self.failures.append(error)

    def _ingest(self, client: Client) -> None:
        sent = (row(number, bulking_group=f"B{number % 97}") for number in range(self.rows, self.rows + ROWS))
        taken = client.gl.ingest(sent)
        assert not taken.refused_count
        self.rows += ROWS

    def _configure(self, client: Client) -> None:
        ledger = reference_pb2.Ledger(code=f"L{self.ledgers}")
        client.gl.create_ledger(reference_pb2.CreateLedgerRequest(ledger=ledger))
        self.ledgers += 1

    def _read(self, client: Client) -> None:
        seen = [each.name for each in client.gl.list_details(details.ListAccountingDetailsRequest(), limit=300)]
        assert len(seen) == len(set(seen))
        self.lists += 1

    def _extract(self, client: Client) -> None:
        request = pb.GenerateAccountingMessageRequest(created_date_to=day("9998-12-31"))
        operation = client.gl.generate_accounting_message(request)
        sequences = [snapshot.sequence for snapshot in operation.watch()]
        assert sequences == sorted(set(sequences))
        self.batches.append(operation.wait().detail_count)


@contextmanager
def _two_servers(url: str, folder: Path) -> Iterator[Callable[[int], Serving]]:
    """Two servers; gives what starts the n-th again, on its address, once it has left."""
    addresses, life = (free_address(), free_address()), count()
    chosen = {"database_url": url, "data_files_folder": folder / "files", **SMALL}
    with ExitStack() as stack:

        def start(number: int) -> Serving:
            place = folder / f"server-{number}-{next(life)}"
            server = stack.enter_context(serve(place, listen=addresses[number], **chosen))
            server.ready()
            return server

        yield start


@pytest.mark.slow
@pytest.mark.rule("PLT-43", "PLT-23", "PLT-21", "PLT-06")
@pytest.mark.timeout(240)
def test_two_servers_are_restarted_in_turn_and_no_client_notices(migrated_postgresql_url: str, tmp_path: Path) -> None:
    """No call fails that the client's own retries do not cure; nothing is lost, and nothing is there twice."""
    with _two_servers(migrated_postgresql_url, tmp_path) as start:
        servers = [start(0), start(1)]
        addresses = [server.ready() for server in servers]
        with connect(addresses[0]) as client:
            samples.open_books(Gl(client.channel))
        clients = Clients(f"ipv4:{','.join(addresses)}")
        with clients.calling():
            for number in (0, 1):
                _let_some_calls_be_answered(clients)
                assert servers[number].end(signal.SIGTERM) == 0
                _let_some_calls_be_answered(clients)
                servers[number] = start(number)
            _let_some_calls_be_answered(clients)
        assert clients.failures == []
        with connect(clients.target) as client:
            clients._extract(client)
        assert [server.end() for server in servers] == [0, 0]
    _compare(migrated_postgresql_url, tmp_path, clients)


def _let_some_calls_be_answered(clients: Clients) -> None:
    """Wait until each kind of client has had answers."""
    before = (clients.rows, clients.ledgers, clients.lists, len(clients.batches))

    def answered() -> bool:
        now = (clients.rows, clients.ledgers, clients.lists, len(clients.batches))
        return bool(clients.failures) or all(one < other for one, other in zip(before, now, strict=True))

    wait_for(answered, 60, "answers to every kind of client")
    assert clients.failures == []
    time.sleep(0.2)  # not always at the same moment of their work


def _compare(url: str, folder: Path, clients: Clients) -> None:
    """Every row, ledger and extraction that was answered is there, once."""
    database = Database(url)

    def count_of(query: str) -> int:
        return int(database.read(lambda tx: tx.execute(text(query)).scalar_one()))

    assert count_of("SELECT count(*) FROM accounting_detail") == clients.rows
    assert count_of("SELECT count(*) FROM ledger") == clients.ledgers + 1
    assert count_of("SELECT count(*) FROM extraction_stamp") == sum(clients.batches) == clients.rows
    assert count_of("SELECT count(*) FROM (SELECT DISTINCT bucket, detail_id FROM extraction_stamp) t") == clients.rows
    assert count_of("SELECT count(*) FROM extraction_batch WHERE state <> 'COMPLETED'") == 0
    assert count_of("SELECT count(*) FROM extraction_batch") == len(clients.batches)
    database.dispose()
    settings = Settings.model_validate({"database_url": url, "data_files_folder": folder / "files"})
    assert backup.verify_installation(settings, say=lambda _: None) == []
