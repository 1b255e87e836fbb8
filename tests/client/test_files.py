"""Downloads are resumed where they were cut, and become files only once they are proven."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from countinghouse.client import errors
from countinghouse.client.partial_file import PartialFile
from countinghouse.operations.v1 import data_files_pb2
from tests.client.driver import Drive
from tests.client.server import refuse, serve

NAME = "dataFileSets/GL-1/files/message-1.json"
CONTENT = bytes(range(256)) * 400
PIECE = 10_000


class Store:
    """One stored file; `cuts` are the offsets at which a stream breaks, each once."""

    def __init__(self, *, content: bytes = CONTENT, sha256: str = "", cuts: tuple[int, ...] = ()) -> None:
        self.content = content
        self.facts = data_files_pb2.DataFile(
            name=NAME, size_bytes=len(CONTENT), sha256=sha256 or hashlib.sha256(CONTENT).hexdigest()
        )
        self.cuts = list(cuts)
        self.offsets: list[int] = []
        self.shift = 0

    def methods(self) -> dict[str, Any]:
        return {"GetDataFile": lambda _request, _context: self.facts, "DownloadDataFile": self.download}

    def download(
        self, request: data_files_pb2.DownloadDataFileRequest, context: grpc.ServicerContext
    ) -> Iterator[data_files_pb2.DownloadDataFileResponse]:
        self.offsets.append(request.offset)
        yield data_files_pb2.DownloadDataFileResponse(data_file=self.facts, offset=request.offset)
        for offset in range(request.offset, len(self.content), PIECE):
            if self.cuts and offset >= self.cuts[0]:
                self.cuts.pop(0)
                refuse(context, grpc.StatusCode.UNAVAILABLE, "cut")
            piece = self.content[offset : offset + PIECE]
            yield data_files_pb2.DownloadDataFileResponse(offset=offset + self.shift, content=piece)


def fetch(drive: Drive, store: Store, path: Path, **options: Any) -> Any:
    with serve(**store.methods()) as address:
        return drive(address, lambda client: client.files.download(NAME, path, **options))


@pytest.mark.rule("PLT-31")
def test_a_cut_download_goes_on_at_its_offset(drive: Drive, tmp_path: Path) -> None:
    """Two lost connections: no byte is fetched twice, and the file is whole."""
    store, seen = Store(cuts=(30_000, 60_000)), []
    facts = fetch(drive, store, tmp_path / "message.json", on_bytes=lambda done, of: seen.append((done, of)))
    assert (tmp_path / "message.json").read_bytes() == CONTENT
    assert store.offsets == [0, 30_000, 60_000]
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert facts == store.facts
    assert [path.name for path in tmp_path.iterdir()] == ["message.json"]


@pytest.mark.rule("PLT-31")
def test_an_interrupted_download_is_taken_up_by_the_next(drive: Drive, tmp_path: Path) -> None:
    """A program that was stopped in the middle goes on from the bytes that it has."""
    store = Store(cuts=(50_000, *[0] * 50))
    with pytest.raises(errors.Unavailable):
        fetch(drive, store, tmp_path / "message.json", patience_s=0.2)
    assert not (tmp_path / "message.json").exists()
    store.cuts, store.offsets = [], []
    fetch(drive, store, tmp_path / "message.json")
    assert store.offsets == [50_000]
    assert (tmp_path / "message.json").read_bytes() == CONTENT


@pytest.mark.rule("PLT-31")
@pytest.mark.parametrize(
    ("store", "reason"),
    [
        (Store(sha256="0" * 64), "DOWNLOAD_SHA256_MISMATCH"),
        (Store(content=CONTENT[:-1] + b"!"), "DOWNLOAD_SHA256_MISMATCH"),
        (Store(content=CONTENT + b"more"), "DOWNLOAD_SIZE_WRONG"),
    ],
    ids=["other hash", "other byte", "longer"],
)
def test_a_download_that_is_not_what_was_written_is_refused(
    drive: Drive, tmp_path: Path, store: Store, reason: str
) -> None:
    """The file that stood there stays, and nothing is left of the bytes."""
    target = tmp_path / "message.json"
    target.write_text("as it was")
    with pytest.raises(errors.DataLoss) as caught:
        fetch(drive, store, target)
    assert caught.value.reason == reason
    assert target.read_text() == "as it was"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.rule("PLT-31")
def test_bytes_out_of_their_place_are_refused(drive: Drive, tmp_path: Path) -> None:
    """A piece that does not follow the one before is not glued on."""
    store = Store()
    store.shift = 1
    with pytest.raises(errors.DataLoss) as caught:
        fetch(drive, store, tmp_path / "message.json")
    assert caught.value.reason == "DOWNLOAD_OFFSET_WRONG"


def test_an_empty_file_is_a_file(drive: Drive, tmp_path: Path) -> None:
    """Nothing to fetch still makes the file."""
    store = Store()
    store.facts.size_bytes, store.facts.sha256 = 0, hashlib.sha256(b"").hexdigest()
    fetch(drive, store, tmp_path / "empty")
    assert (tmp_path / "empty").read_bytes() == b""


def test_two_downloads_of_one_file_to_one_place_do_not_mix(drive: Drive, tmp_path: Path) -> None:
    """The second is refused while the first is writing."""
    store = Store()
    with PartialFile(store.facts, tmp_path / "message.json"), pytest.raises(BlockingIOError):
        fetch(drive, store, tmp_path / "message.json")
