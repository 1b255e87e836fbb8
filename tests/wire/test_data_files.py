"""Data file sets and files by a real client: listed, locked, downloaded in pieces."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from countinghouse.operations.v1 import data_files_pb2 as pb
from countinghouse.operations.v1 import data_files_pb2_grpc as files_grpc
from domain.data_files.store import add_file
from server.database.transaction import Database
from server.outbound.files import LocalFiles
from tests.data_files import test_sets as sets
from tests.support.server import Served, refusal, serving

Files = files_grpc.DataFilesServiceStub
CONTENT = bytes(range(256)) * 3_000  # 750 KiB: three pieces
NAME = "dataFileSets/S1/files/a.json"


@pytest.fixture
def served(database: Database, migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    """A server with one set of one file."""
    written = LocalFiles(tmp_path / "files").write("op1/a.json", [CONTENT])
    file = replace(sets.FILE, size_bytes=written.size_bytes, sha256=written.sha256)
    database.write(lambda tx: add_file(tx, file))
    database.write(lambda tx: sets.shown(tx, "op1"))
    with serving(migrated_url, tmp_path, carries_out=(), jobs=False) as server:
        yield server


@pytest.fixture
def files(served: Served) -> Files:
    return served.stub(Files)


def download(files: Files, name: str = NAME, offset: int = 0) -> list[pb.DownloadDataFileResponse]:
    return list(files.DownloadDataFile(pb.DownloadDataFileRequest(name=name, offset=offset), timeout=20))


@pytest.mark.rule("PLT-30")
def test_a_set_and_its_file_are_told(files: Files) -> None:
    """With size, hash, records and totals; the totals are money."""
    (found,) = files.ListDataFileSets(pb.ListDataFileSetsRequest()).data_file_sets
    assert found == files.GetDataFileSet(pb.GetDataFileSetRequest(name="dataFileSets/S1"))
    assert (found.code, found.file_count, found.size_bytes) == ("S1", 1, len(CONTENT))
    (file,) = files.ListDataFiles(pb.ListDataFilesRequest(parent="dataFileSets/S1")).data_files
    assert file == files.GetDataFile(pb.GetDataFileRequest(name=NAME))
    assert (file.sha256, file.record_count) == (hashlib.sha256(CONTENT).hexdigest(), 2)
    assert file.operation == "operations/op1"
    (total,) = file.control_totals
    assert (total.debit.currency_code, total.debit.nanos, total.credit.nanos) == ("USD", 50_000_000, 70_000_000)


@pytest.mark.rule("PLT-31")
def test_a_download_comes_in_pieces_that_say_where_they_begin(files: Files) -> None:
    """The first carries the file's facts, each at most 256 KiB."""
    pieces = download(files)
    assert [piece.HasField("data_file") for piece in pieces] == [True, False, False]
    assert pieces[0].data_file.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert max(len(piece.content) for piece in pieces) <= 256 * 1024
    position = 0
    for piece in pieces:
        assert piece.offset == position
        position += len(piece.content)
    assert b"".join(piece.content for piece in pieces) == CONTENT


@pytest.mark.rule("PLT-31")
@pytest.mark.parametrize("offset", [1, 262_144, 300_000, len(CONTENT)])
def test_a_cut_download_goes_on_at_its_offset(files: Files, offset: int) -> None:
    """Facts come first again; at the very end there is nothing left but them."""
    pieces = download(files, offset=offset)
    assert pieces[0].HasField("data_file")
    assert pieces[0].offset == offset
    assert b"".join(piece.content for piece in pieces) == CONTENT[offset:]


@pytest.mark.rule("PLT-31", "PLT-07")
def test_what_cannot_be_downloaded_is_refused(files: Files) -> None:
    """An offset behind the end, a file or set that is not there."""
    refused = refusal(lambda: download(files, offset=len(CONTENT) + 1))
    assert (refused.code, refused.reason) == (grpc.StatusCode.OUT_OF_RANGE, "OFFSET_PAST_END")
    for name in ("dataFileSets/S1/files/b.json", "dataFileSets/S2/files/a.json"):
        refused = refusal(lambda name=name: download(files, name))  # type: ignore[misc]
        assert refused.code == grpc.StatusCode.NOT_FOUND
    refused = refusal(lambda: download(files, "dataFileSets/S1/files/../a.json"))
    assert refused.code == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.rule("PLT-31", "PLT-07")
@pytest.mark.parametrize("damage", ["byte", "cut", "gone"])
def test_a_damaged_file_is_data_loss(files: Files, tmp_path: Path, damage: str) -> None:
    """Nobody gets a whole file that is not what was written; no path of ours is told."""
    place = tmp_path / "files" / "op1" / "a.json"
    if damage == "gone":
        place.unlink()
    else:
        place.write_bytes(b"!" + CONTENT[1:] if damage == "byte" else CONTENT[:-1])
    got: list[bytes] = []

    def receive() -> None:
        got.extend(piece.content for piece in files.DownloadDataFile(pb.DownloadDataFileRequest(name=NAME), timeout=20))

    refused = refusal(receive)
    assert (refused.code, refused.reason) == (grpc.StatusCode.DATA_LOSS, "DATA_FILE_DAMAGED")
    assert str(tmp_path) not in refused.message
    assert sum(map(len, got)) < len(CONTENT)


@pytest.mark.rule("PLT-31")
def test_receivers_that_go_away_leave_nothing_behind(files: Files) -> None:
    """Many begin and leave; the next one is served as ever."""
    for _ in range(40):
        call = files.DownloadDataFile(pb.DownloadDataFileRequest(name=NAME), timeout=20)
        next(call)
        call.cancel()
    assert b"".join(piece.content for piece in download(files)) == CONTENT


@pytest.mark.rule("PLT-31")
def test_receivers_that_do_not_read_keep_nobody_waiting(files: Files) -> None:
    """More of them than the server has threads."""
    idle = [files.DownloadDataFile(pb.DownloadDataFileRequest(name=NAME), timeout=60) for _ in range(30)]
    for call in idle:
        next(call)
    assert b"".join(piece.content for piece in download(files)) == CONTENT
    for call in idle:
        assert sum(len(piece.content) for piece in call) > 0


@pytest.mark.rule("PLT-10", "PLT-30", "PLT-06")
def test_a_set_is_locked_and_unlocked_by_its_etag(files: Files) -> None:
    """A stale etag is ABORTED; a repeated request id changes nothing."""
    name = "dataFileSets/S1"
    locked = files.LockDataFileSet(pb.LockDataFileSetRequest(name=name, request_id="r1"))
    assert locked.locked
    refused = refusal(lambda: files.UnlockDataFileSet(pb.UnlockDataFileSetRequest(name=name, etag="1")))
    assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "ETAG_STALE")
    unlocked = files.UnlockDataFileSet(pb.UnlockDataFileSetRequest(name=name, etag=locked.etag))
    assert not unlocked.locked
    assert files.LockDataFileSet(pb.LockDataFileSetRequest(name=name, request_id="r1")) == locked
    assert files.GetDataFileSet(pb.GetDataFileSetRequest(name=name)) == unlocked
    refused = refusal(lambda: files.LockDataFileSet(pb.LockDataFileSetRequest(name="dataFileSets/S9")))
    assert refused.code == grpc.StatusCode.NOT_FOUND


@pytest.mark.rule("PLT-08")
def test_page_tokens_hold_for_their_list_alone(files: Files, database: Database) -> None:
    """Pages follow on each other; a token of one set's files is refused for another's."""
    for n in range(3):
        sets.run(database, f"run{n}", f"f{n}", now_us=10_000_000 + n)
    sets.run(database, "other", "x", code="S2")
    first = files.ListDataFiles(pb.ListDataFilesRequest(parent="dataFileSets/S1", page_size=3))
    token = first.next_page_token
    rest = files.ListDataFiles(pb.ListDataFilesRequest(parent="dataFileSets/S1", page_size=3, page_token=token))
    names = [file.name.rpartition("/")[2] for file in (*first.data_files, *rest.data_files)]
    assert names == ["a.json", "f0", "f1", "f2"]
    assert rest.next_page_token == ""
    refused = refusal(
        lambda: files.ListDataFiles(pb.ListDataFilesRequest(parent="dataFileSets/S2", page_size=3, page_token=token))
    )
    assert refused.reason == "PAGE_TOKEN_INVALID"
    page = files.ListDataFileSets(pb.ListDataFileSetsRequest(page_size=1))
    following = pb.ListDataFileSetsRequest(page_size=1, page_token=page.next_page_token)
    assert [s.code for p in (page, files.ListDataFileSets(following)) for s in p.data_file_sets] == ["S2", "S1"]
