"""Files in a folder: each whole or not at all, and handed out only as they were written."""

from __future__ import annotations

import errno
import hashlib
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.data_files.errors import FileDamaged, StorageFull, StorageUnavailable
from domain.data_files.model import DataFile
from domain.data_files.storage import checked_pieces
from server.outbound.files import PIECE_BYTES, LocalFiles
from tests.data_files.test_sets import FILE

CONTENT = bytes(range(256)) * 4_096  # 1 MiB
PIECES = [CONTENT[:100], b"", CONTENT[100:]]


@pytest.fixture
def files(tmp_path: Path) -> LocalFiles:
    return LocalFiles(tmp_path / "files")


def recorded(files: LocalFiles, content: bytes) -> DataFile:
    """A written file as the record knows it."""
    written = files.write("op1/a.json", [content])
    return DataFile(
        **{
            **{name: getattr(FILE, name) for name in FILE.__slots__},
            "size_bytes": written.size_bytes,
            "sha256": written.sha256,
        }
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.rule("PLT-30")
def test_what_is_written_is_told_with_size_and_hash(files: LocalFiles, tmp_path: Path) -> None:
    """And it reads back in pieces of at most 256 KiB."""
    written = files.write("op1/a.json", PIECES)
    assert (written.size_bytes, written.sha256) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    pieces = list(files.read("op1/a.json"))
    assert b"".join(pieces) == CONTENT
    assert max(map(len, pieces)) == PIECE_BYTES
    assert files.size("op1/a.json") == len(CONTENT)
    assert names(tmp_path) == ["a.json"]


@pytest.mark.rule("PLT-30", "PLT-22")
def test_a_file_is_safe_before_it_has_its_name(files: LocalFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes are synced, then the name is given, then the folder is synced: a power cut leaves all or nothing."""
    done: list[str] = []
    sync, rename = os.fsync, Path.replace

    def noted_sync(descriptor: int) -> None:
        done.append("folder" if Path(f"/proc/self/fd/{descriptor}").is_dir() else "file")
        sync(descriptor)

    def noted_rename(self: Path, target: Path) -> Path:
        done.append("name")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "replace", noted_rename)
    files.write("op1/a.json", PIECES)
    assert done[-3:] == ["file", "name", "folder"]
    assert done[:-3] == ["folder", "folder"], "the new folders' own names"


@pytest.mark.rule("PLT-30")
def test_writing_again_replaces_the_file_at_once(files: LocalFiles) -> None:
    """Whoever reads meanwhile reads the old file to its end."""
    files.write("op1/a.json", [CONTENT])
    reading = files.read("op1/a.json")
    first = next(reading)
    files.write("op1/a.json", [b"new"])
    assert b"".join([first, *reading]) == CONTENT
    assert b"".join(files.read("op1/a.json")) == b"new"


@pytest.mark.rule("PLT-30")
def test_nothing_stays_of_a_file_whose_bytes_could_not_be_made(files: LocalFiles, tmp_path: Path) -> None:
    """An error of who makes them goes through as it is; the old file stands."""
    files.write("op1/a.json", [b"old"])

    def broken() -> Iterator[bytes]:
        yield CONTENT
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        files.write("op1/a.json", broken())
    assert names(tmp_path) == ["a.json"]
    assert b"".join(files.read("op1/a.json")) == b"old"


@pytest.mark.rule("PLT-30", "PLT-07")
@pytest.mark.parametrize(("number", "refusal"), [(errno.ENOSPC, StorageFull), (errno.EACCES, StorageUnavailable)])
def test_a_failing_disk_is_told_without_a_path(
    files: LocalFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, refusal: type[Exception]
) -> None:
    """Full or not to be written: a clear refusal, no half file."""

    def failing(_: int) -> None:
        raise OSError(number, os.strerror(number), str(tmp_path))

    monkeypatch.setattr(os, "fsync", failing)
    (tmp_path / "files" / "op1").mkdir(parents=True)
    with pytest.raises(refusal) as refused:
        files.write("op1/a.json", PIECES)
    assert str(tmp_path) not in str(refused.value)
    assert names(tmp_path) == []


@pytest.mark.rule("PLT-30")
def test_a_file_larger_than_the_system_allows_leaves_nothing(tmp_path: Path) -> None:
    """A real limit of the operating system, met in the middle of a real write."""
    program = f"""
import resource, signal
from pathlib import Path
from domain.data_files.errors import StorageFull
from server.outbound.files import LocalFiles
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
try:
    LocalFiles(Path({str(tmp_path)!r})).write("op1/a.json", (bytes(10_000) for _ in range(50)))
except StorageFull as refused:
    print(refused.reason)
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "DATA_FILES_STORAGE_FULL"
    assert names(tmp_path) == []
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 100_000


@pytest.mark.rule("PLT-30")
def test_leftovers_of_dead_writers_are_tidied_away(files: LocalFiles, tmp_path: Path) -> None:
    """And nothing else; a folder that is not there is tidy."""
    files.write("op1/a.json", [b"x"])
    (tmp_path / "files" / "op1" / ".b.json.77.part").write_bytes(b"half")
    (tmp_path / "files" / "op1" / "note.part").write_bytes(b"not ours")
    files.tidy("op1")
    files.tidy("op2")
    assert names(tmp_path) == ["a.json", "note.part"]


@pytest.mark.parametrize("path", ["../a", "/etc/a", "op1/../../a", "", "."])
def test_a_path_never_leaves_the_folder(files: LocalFiles, path: str) -> None:
    """Paths are ours; one that leads out is a bug that stops the work."""
    with pytest.raises(AssertionError):
        files.write(path, [b"x"])


@pytest.mark.rule("PLT-31")
@pytest.mark.parametrize(
    "offset", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, len(CONTENT) - 1, len(CONTENT)]
)
def test_reading_goes_on_at_any_offset(files: LocalFiles, offset: int) -> None:
    """The bytes from there on, and only those."""
    pieces = list(checked_pieces(files, recorded(files, CONTENT), offset))
    assert b"".join(pieces) == CONTENT[offset:]
    assert all(0 < len(piece) <= PIECE_BYTES for piece in pieces)


@pytest.mark.rule("PLT-31")
def test_an_empty_file_has_no_pieces(files: LocalFiles) -> None:
    """It is checked all the same."""
    assert list(checked_pieces(files, recorded(files, b""), 0)) == []


@pytest.mark.rule("PLT-31")
@pytest.mark.parametrize("offset", [0, 700_000])
def test_a_changed_byte_is_found_before_the_last_piece_is_given(files: LocalFiles, tmp_path: Path, offset: int) -> None:
    """Also when it lies before the offset: nobody gets a whole file that is not what was written."""
    file = recorded(files, CONTENT)
    place = tmp_path / "files" / "op1" / "a.json"
    place.write_bytes(CONTENT[:5] + b"!" + CONTENT[6:])
    given: list[bytes] = []
    with pytest.raises(FileDamaged):
        given.extend(checked_pieces(files, file, offset))
    assert sum(map(len, given)) < len(CONTENT) - offset


@pytest.mark.rule("PLT-31")
def test_a_file_that_is_gone_or_cut_is_damaged(files: LocalFiles, tmp_path: Path) -> None:
    """Found by its size, before a byte is given."""
    file = recorded(files, CONTENT)
    place = tmp_path / "files" / "op1" / "a.json"
    place.write_bytes(CONTENT[:-1])
    with pytest.raises(FileDamaged):
        next(checked_pieces(files, file, 0))
    place.unlink()
    with pytest.raises(FileDamaged):
        next(checked_pieces(files, file, 0))
