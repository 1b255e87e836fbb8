"""Backups: taken while servers write, restored elsewhere, and compared."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.duration_pb2 import Duration
from sqlalchemy import text

from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details
from countinghouse.gl_extraction.v1 import extraction_pb2 as pb
from countinghouse.gl_extraction.v1 import reference_pb2
from server import backup
from server.backup import CannotBackUp
from server.backup.books import books
from server.database.transaction import Database
from server.settings import Settings
from tests.support import process
from tests.support.postgres import Cluster
from tests.support.server import Served, serving
from tests.support.waiting import wait_for
from tests.wire.gl_extraction import samples
from tests.wire.gl_extraction.samples import Gl, day, messages, row

QUICK: dict[str, Any] = {"elements_per_message": 20, "messages_per_file": 2, "ingest_chunk_rows": 200}


@pytest.fixture(params=["sqlite", "postgresql"])
def places(request: pytest.FixtureRequest, postgres_cluster: Cluster, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """URLs of a migrated database and of one that is empty, of the same kind."""
    here = str(request.getfixturevalue(f"migrated_{request.param}_url"))
    if request.param == "sqlite":
        yield here, f"sqlite:///{tmp_path / 'elsewhere' / 'countinghouse.db'}"
        return
    with postgres_cluster.database() as name:
        yield here, postgres_cluster.url(name)


@pytest.fixture
def programs(postgres_cluster: Cluster) -> Path:
    """The folder of PostgreSQL's programs."""
    return postgres_cluster.folder / "bin"


def _settings(url: str, folder: Path) -> Settings:
    return Settings.model_validate({"database_url": url, "data_files_folder": folder})


def _quiet(_: str) -> None:
    """Tells nobody."""


def _ingest(gl: Gl, numbers: range) -> None:
    rows = (row(number, external_id=f"n{number}", bulking_group=f"B{number % 200}") for number in numbers)
    gl.IngestAccountingDetails(messages(rows), timeout=60)


@contextmanager
def _written_to(served: Served) -> Iterator[None]:
    """Somebody who makes details and ledgers all the while."""
    over = threading.Event()

    def write() -> None:
        with grpc.insecure_channel(served.target) as channel:
            gl, number = Gl(channel), 1_000_000
            while not over.is_set():
                _ingest(gl, range(number, number + 200))
                gl.CreateLedger(reference_pb2.CreateLedgerRequest(ledger=reference_pb2.Ledger(code=f"L{number}")))
                number += 200

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


def _start(gl: Gl, request_id: str, to: str = "9998-12-31") -> operations_pb2.Operation:
    asked = pb.GenerateAccountingMessageRequest(created_date_to=day(to), request_id=request_id)
    answer: operations_pb2.Operation = gl.GenerateAccountingMessage(asked, timeout=20)
    return answer


def _wait(served: Served, name: str) -> operations_pb2.Operation:
    request = operations_pb2.WaitOperationRequest(name=name, timeout=Duration(seconds=40))
    answer: operations_pb2.Operation = served.stub(operations_pb2_grpc.OperationsStub).WaitOperation(request)
    assert answer.WhichOneof("result") == "response", answer
    return answer


@pytest.mark.rule("PLT-40", "PLT-22", "PLT-06", "PLT-08")
def test_a_backup_under_load_is_one_instant_and_goes_on_elsewhere(
    places: tuple[str, str], programs: Path, tmp_path: Path
) -> None:
    """An extraction that ran goes on where it stood, and each effect is there once.

    Requests answered before the backup are answered again, page tokens go on, and no number is given twice.
    """
    here, elsewhere = places
    with serving(here, tmp_path / "here", **QUICK) as served:
        gl = served.stub(Gl)
        samples.open_books(gl)
        _ingest(gl, range(3_000))
        first = _wait(served, _start(gl, "first").name)
        _ingest(gl, range(3_000, 6_000))
        page = gl.ListAccountingDetails(details.ListAccountingDetailsRequest(page_size=10))
        with _written_to(served):
            running = _start(gl, "second")
            wait_for(lambda: _begun(served, running.name))
            found = backup.back_up(served.settings, tmp_path / "backup", programs=programs, say=_quiet)
        _wait(served, running.name)
    assert not found
    assert not backup.verify_backup(tmp_path / "backup", say=_quiet)
    there = _settings(elsewhere, tmp_path / "there" / "files")
    assert not backup.restore(there, tmp_path / "backup", programs=programs, say=_quiet)
    assert not backup.verify_installation(there, say=_quiet)
    with serving(elsewhere, tmp_path / "there", **QUICK) as restored:
        gl = restored.stub(Gl)
        assert _start(gl, "first").name == first.name
        assert _wait(restored, _start(gl, "second").name).name == running.name
        following = details.ListAccountingDetailsRequest(page_size=10, page_token=page.next_page_token)
        assert gl.ListAccountingDetails(following).accounting_details
        _ingest(gl, range(6_000, 6_100))
        _wait(restored, _start(gl, "third").name)
        batches = gl.ListExtractionBatches(pb.ListExtractionBatchesRequest()).extraction_batches
        assert len(batches) == 3
        assert not backup.verify_installation(restored.settings, say=_quiet)
        counts = Database(elsewhere)
        twice = "SELECT count(*) FROM (SELECT detail_id FROM extraction_stamp GROUP BY detail_id HAVING count(*) > 1) t"
        pending = "SELECT count(*) FROM accounting_detail_pending"
        assert counts.read(lambda tx: [tx.execute(text(query)).scalar_one() for query in (twice, pending)]) == [0, 0]
        counts.dispose()


def _begun(served: Served, name: str) -> bool:
    request = operations_pb2.GetOperationRequest(name=name)
    operation = served.stub(operations_pb2_grpc.OperationsStub).GetOperation(request)
    metadata = pb.GenerateAccountingMessageMetadata()
    assert operation.metadata.Unpack(metadata)
    return operation.done or any(stage.items_done for stage in metadata.progress.stages)


@pytest.mark.rule("PLT-40")
def test_what_is_restored_comes_to_what_was_backed_up(places: tuple[str, str], programs: Path, tmp_path: Path) -> None:
    """Table by table, currency by currency, and byte by byte of the files; a book that differs is told by its place."""
    here, elsewhere = places
    with serving(here, tmp_path / "here", **QUICK) as served:
        samples.open_books(served.stub(Gl))
        _ingest(served.stub(Gl), range(500))
        _wait(served, _start(served.stub(Gl), "first").name)
        settings = served.settings
    backup.back_up(settings, tmp_path / "backup", programs=programs, say=_quiet)
    there = _settings(elsewhere, tmp_path / "there" / "files")
    backup.restore(there, tmp_path / "backup", programs=programs, say=_quiet)
    one, other = Database(here), Database(elsewhere)
    assert one.read(books) == other.read(books)
    assert _bytes(settings.data_files_folder) == _bytes(there.data_files_folder)
    other.write(lambda tx: tx.execute(text("UPDATE sequence SET next_value = 1 WHERE name = 'message_id'")))
    (wrong,) = backup.verify_installation(there, say=_quiet)
    assert wrong.startswith("sequence message_id: stands at 1, and ")
    one.dispose()
    other.dispose()


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.rule("PLT-30")
def test_a_backup_that_is_damaged_is_not_restored(places: tuple[str, str], programs: Path, tmp_path: Path) -> None:
    """Neither from a database that has changed nor from one without the last word; nothing is left behind."""
    here, elsewhere = places
    settings, folder = _settings(here, tmp_path / "files"), tmp_path / "backup"
    backup.back_up(settings, folder, programs=programs, say=_quiet)
    there = _settings(elsewhere, tmp_path / "there")
    file = next(path for path in folder.iterdir() if path.name.startswith("countinghouse."))
    sound = file.read_bytes()
    file.write_bytes(sound[:-100] + b"damaged" + sound[-93:])
    assert any("is not what was written" in line for line in backup.verify_backup(folder, say=_quiet))
    with pytest.raises(CannotBackUp, match="is not what was written: nothing was restored"):
        backup.restore(there, folder, programs=programs, say=_quiet)
    file.write_bytes(sound)
    (folder / "backup.json").rename(folder / "other.json")
    with pytest.raises(CannotBackUp, match="holds no whole backup"):
        backup.restore(there, folder, programs=programs, say=_quiet)
    (folder / "other.json").rename(folder / "backup.json")
    assert not backup.restore(there, folder, programs=programs, say=_quiet)


@pytest.mark.rule("PLT-30")
def test_a_data_file_that_is_damaged_is_told_of_and_costs_nothing_else(
    places: tuple[str, str], programs: Path, tmp_path: Path
) -> None:
    """When it is backed up, when the backup is looked at, and when it is restored; all other files are there."""
    here, elsewhere = places
    with serving(here, tmp_path / "here", **QUICK) as served:
        samples.open_books(served.stub(Gl))
        _ingest(served.stub(Gl), range(500))
        _wait(served, _start(served.stub(Gl), "first").name)
        settings = served.settings
    damaged, missing, *others = sorted(settings.data_files_folder.rglob("*.json"))
    damaged.write_bytes(damaged.read_bytes().replace(b"1", b"2"))
    missing.unlink()
    ends = sorted(
        f"{path.name}: {why}" for path, why in ((damaged, "is not what was written"), (missing, "is missing"))
    )
    found = backup.back_up(settings, tmp_path / "backup", programs=programs, say=_quiet)
    assert sorted(line.rpartition("/")[2] for line in found) == ends
    assert len(backup.verify_backup(tmp_path / "backup", say=_quiet)) == 2
    assert len(backup.verify_installation(settings, say=_quiet)) == 2
    there = _settings(elsewhere, tmp_path / "there")
    assert len(backup.restore(there, tmp_path / "backup", programs=programs, say=_quiet)) == 2
    assert len(list((tmp_path / "there").rglob("*.json"))) == len(others) > 0


@pytest.mark.rule("PLT-40")
def test_nothing_that_is_there_is_overwritten(places: tuple[str, str], programs: Path, tmp_path: Path) -> None:
    """Neither a database that holds something, nor a folder that is not empty, nor a database of the other kind."""
    here, _ = places
    settings, folder = _settings(here, tmp_path / "files"), tmp_path / "backup"
    backup.back_up(settings, folder, programs=programs, say=_quiet)
    with pytest.raises(CannotBackUp, match="is not empty"):
        backup.back_up(settings, folder, programs=programs, say=_quiet)
    with pytest.raises(CannotBackUp, match=r"there is a database already|holds tables already"):
        backup.restore(settings, folder, programs=programs, say=_quiet)
    other = "sqlite:///x.db" if here.startswith("postgresql") else "postgresql://nobody@127.0.0.1:1/x"
    with pytest.raises(CannotBackUp, match="the backup is of "):
        backup.restore(_settings(other, tmp_path / "files"), folder, programs=programs, say=_quiet)


@pytest.mark.rule("PLT-40", "PLT-44")
def test_by_the_command_line(places: tuple[str, str], programs: Path, tmp_path: Path) -> None:
    """What a person types; what cannot be done is one line, and says what would help."""
    here, elsewhere = places
    folder = str(tmp_path / "files")
    made = process.run(
        tmp_path, "backup", "copy", "--programs", str(programs), database_url=here, data_files_folder=folder
    )
    assert (made.returncode, made.stdout.splitlines()[-1]) == (0, "backed up into copy"), made.stderr
    assert process.run(tmp_path, "verify", "copy").stdout.splitlines()[-1] == "nothing is wrong"
    back = process.run(
        tmp_path, "restore", "copy", "--programs", str(programs), database_url=elsewhere, data_files_folder=folder
    )
    assert back.returncode == 0, back.stderr
    again = process.run(tmp_path, "backup", "copy", database_url=here, data_files_folder=folder)
    assert (again.returncode, again.stderr.splitlines()[-1]) == (1, "copy is not empty: name a new folder")
    if here.startswith("postgresql"):
        without = process.run(tmp_path, "backup", "other", "--programs", str(tmp_path), database_url=here)
        assert without.returncode == 1
        assert without.stderr.splitlines()[-1].startswith("pg_dump is not there: install PostgreSQL's client programs")
