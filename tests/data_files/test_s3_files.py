"""Files in a bucket: each whole or not at all, read back when written, and never waited for without end."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from domain.data_files.errors import FileDamaged, StorageFull, StorageUnavailable
from domain.data_files.storage import checked_pieces
from server.outbound import s3
from server.outbound.s3 import PART_BYTES, PIECE_BYTES, RANGE_BYTES, Place, S3Files
from tests.data_files.test_sets import FILE
from tests.support.logs import heard
from tests.support.relay import Relay, relaying
from tests.support.s3 import Store, storing

pytestmark = pytest.mark.xdist_group("s3")  # for the store is started once

BLOCK = random.Random(7).randbytes(PIECE_BYTES)
LARGE = 2 * PART_BYTES + 3 * PIECE_BYTES + 17
SIZES = (0, 1, PIECE_BYTES, RANGE_BYTES, RANGE_BYTES + 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, LARGE)


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with storing() as running:
        yield running


@pytest.fixture
def files(store: Store) -> S3Files:
    for key in store.objects():
        store.client().delete_object(Bucket=store.bucket, Key=key)
    return S3Files(Place(store.bucket, "books/gl", store.endpoint_url))


@pytest.fixture
def relay(store: Store) -> Iterator[Relay]:
    with relaying(store.host, store.port) as running:
        yield running


@pytest.fixture
def far_files(files: S3Files, store: Store, relay: Relay) -> S3Files:
    """The same bucket, behind a connection that breaks."""
    return S3Files(Place(store.bucket, "books/gl", f"http://127.0.0.1:{relay.port}"))


def pieces_of(size: int) -> Iterator[bytes]:
    while size > 0:
        yield BLOCK[:size]
        size -= len(BLOCK)


@pytest.mark.rule("PLT-30", "PLT-31")
@pytest.mark.parametrize("size", SIZES)
def test_what_is_written_is_told_with_size_and_hash(files: S3Files, store: Store, size: int) -> None:
    """In one piece or in parts; it lies under the prefix, and reads back in pieces of at most 256 KiB."""
    content = b"".join(pieces_of(size))
    written = files.write("op1/a.json", pieces_of(size))
    assert (written.size_bytes, written.sha256) == (size, hashlib.sha256(content).hexdigest())
    pieces = list(files.read("op1/a.json"))
    assert b"".join(pieces) == content
    assert max(map(len, pieces), default=0) <= PIECE_BYTES
    assert files.size("op1/a.json") == size
    assert (store.objects(), store.unfinished()) == (["books/gl/op1/a.json"], [])


@pytest.mark.rule("PLT-31")
@pytest.mark.parametrize("offset", [0, 1, RANGE_BYTES - 1, RANGE_BYTES, PART_BYTES + 1, LARGE - 1, LARGE])
def test_reading_goes_on_at_any_offset(files: S3Files, offset: int) -> None:
    """The bytes from there on, and only those, once the whole is found to be what was written."""
    content = b"".join(pieces_of(LARGE))
    written = files.write("op1/a.json", pieces_of(LARGE))
    file = replace(FILE, size_bytes=written.size_bytes, sha256=written.sha256)
    assert b"".join(checked_pieces(files, file, offset)) == content[offset:]


@pytest.mark.rule("PLT-31")
def test_an_object_that_was_changed_cut_or_taken_away_is_damaged(files: S3Files, store: Store) -> None:
    """Found before its last piece is given."""
    written = files.write("op1/a.json", pieces_of(LARGE))
    file = replace(FILE, size_bytes=written.size_bytes, sha256=written.sha256)
    content = b"".join(pieces_of(LARGE))
    for damaged in (b"!" + content[1:], content[:-1]):
        store.put("books/gl/op1/a.json", damaged)
        given: list[bytes] = []
        with pytest.raises(FileDamaged):
            given.extend(checked_pieces(files, file, 0))
        assert sum(map(len, given)) < LARGE
    store.client().delete_object(Bucket=store.bucket, Key="books/gl/op1/a.json")
    with pytest.raises(FileDamaged):
        next(checked_pieces(files, file, 0))


@pytest.mark.rule("PLT-30", "GLX-22")
def test_a_part_is_sent_before_the_next_is_made(files: S3Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """However large a file is, a part of it is held, and a piece."""
    sent, made, held = 0, 0, 0
    call = S3Files._call

    def counted(self: S3Files, method: str, **given: object) -> dict[str, object]:
        nonlocal sent
        body = given.get("Body", b"")
        assert isinstance(body, bytes)
        sent += len(body)
        return call(self, method, **given)

    def noted() -> Iterator[bytes]:
        nonlocal made, held
        for piece in pieces_of(5 * PART_BYTES):
            made += len(piece)
            held = max(held, made - sent)
            yield piece

    monkeypatch.setattr(S3Files, "_call", counted)
    files.write("op1/a.json", noted())
    assert sent == made == 5 * PART_BYTES
    assert held <= 2 * PART_BYTES + PIECE_BYTES  # the first part waits to see whether it is the only one


@pytest.mark.rule("PLT-30")
@pytest.mark.parametrize("before", [1, 3 * PART_BYTES])
def test_nothing_stays_of_a_file_whose_bytes_could_not_be_made(files: S3Files, store: Store, before: int) -> None:
    """An error of who makes them goes through as it is; the old file stands, and no upload is left open."""
    files.write("op1/a.json", [b"old"])

    def broken() -> Iterator[bytes]:
        yield from pieces_of(before)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        files.write("op1/a.json", broken())
    assert b"".join(files.read("op1/a.json")) == b"old"
    assert store.unfinished() == []


@pytest.mark.rule("PLT-30")
def test_what_came_back_other_than_it_was_sent_is_not_kept(
    files: S3Files, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that mangles a byte is found out at once; the work is done again later."""
    call = S3Files._call

    def mangled(self: S3Files, method: str, **given: object) -> dict[str, object]:
        return call(self, method, **(given | {"Body": b"mangled"} if "Body" in given else given))

    monkeypatch.setattr(S3Files, "_call", mangled)
    with pytest.raises(StorageUnavailable):
        files.write("op1/a.json", [b"content"])
    assert store.objects() == []


@pytest.mark.rule("PLT-30", "PLT-22")
def test_uploads_of_dead_writers_are_tidied_away(files: S3Files, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the folder, however many; no others, and no object."""
    call = S3Files._call

    def listing_few(self: S3Files, method: str, **given: object) -> dict[str, object]:
        return call(self, method, **given | ({"MaxUploads": 2} if method == "list_multipart_uploads" else {}))

    monkeypatch.setattr(S3Files, "_call", listing_few)
    files.write("op1/a.json", [b"x"])
    for n in range(5):
        store.client().create_multipart_upload(Bucket=store.bucket, Key=f"books/gl/op1/{n}.json")
    store.client().create_multipart_upload(Bucket=store.bucket, Key="books/gl/op11/b.json")
    files.tidy("op1")
    files.tidy("op2")
    assert store.unfinished() == ["books/gl/op11/b.json"]
    files.tidy("op11")
    assert store.objects() == ["books/gl/op1/a.json"]


@pytest.mark.rule("PLT-30", "PLT-07")
def test_a_store_that_is_away_is_told_without_its_name(files: S3Files, store: Store) -> None:
    """Nobody listens, the bucket is gone: unavailable, in seconds, and nothing of ours in the sentence."""
    files.write("op1/a.json", [b"x"])
    nowhere = S3Files(Place("no-such-bucket", "", store.endpoint_url))
    for refused in (lambda: nowhere.write("a", [b"x"]), lambda: nowhere.size("a"), lambda: list(files.read("op1/b"))):
        with pytest.raises(StorageUnavailable):
            refused()
    store.stop()
    with heard(s3) as logs, ExitStack() as until_then:
        until_then.callback(store.start)
        for away in (
            lambda: files.write("op1/b.json", [b"x"]),
            lambda: files.size("op1/a.json"),
            lambda: files.tidy("a"),
        ):
            began = time.monotonic()
            with pytest.raises(StorageUnavailable) as told:
                away()
            assert time.monotonic() - began < 10
            assert str(told.value) == "The place of the data files cannot be written or read just now."
    assert b"".join(files.read("op1/a.json")) == b"x", "and it works again once the store is back"
    assert {told["code"] for told in logs} == {"EndpointConnectionError"}


@pytest.mark.rule("PLT-30", "PLT-07")
def test_a_full_store_is_told_as_full(files: S3Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other than one that is away: somebody must make room."""
    from botocore.exceptions import ClientError  # type: ignore[import-untyped]

    class Full:
        def call_s3(self, method: str, **_: object) -> None:
            raise OSError(5, "no") from ClientError({"Error": {"Code": "QuotaExceeded"}}, method)

    monkeypatch.setattr(S3Files, "_filesystem", lambda _: Full())
    with pytest.raises(StorageFull):
        files.write("op1/a.json", [b"x"])


@pytest.mark.rule("PLT-30")
def test_a_connection_that_is_cut_is_taken_up_again(far_files: S3Files, relay: Relay) -> None:
    """In the middle of a part, and in the middle of a range."""
    relay.break_after(PART_BYTES + PART_BYTES // 2)
    written = far_files.write("op1/a.json", pieces_of(LARGE))
    assert relay.broken.is_set()
    assert written.size_bytes == LARGE
    reading = far_files.read("op1/a.json")
    got = [next(reading)]
    relay._end_all()
    got += reading
    assert hashlib.sha256(b"".join(got)).hexdigest() == written.sha256


@pytest.mark.rule("PLT-30")
def test_a_store_that_says_nothing_is_not_waited_for_without_end(
    far_files: S3Files, relay: Relay, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes the bytes and never answers: the call ends, and what was begun is given up once it can be."""
    monkeypatch.setattr(s3, "_CALL_S", 2.0)
    relay.break_after(PART_BYTES + PIECE_BYTES, "hold")
    began = time.monotonic()
    with pytest.raises(StorageUnavailable):
        far_files.write("op1/a.json", pieces_of(LARGE))
    assert time.monotonic() - began < 15
    assert relay.broken.is_set()
    relay.let_go()
    monkeypatch.undo()
    far_files.tidy("op1")
    assert (store.objects(), store.unfinished()) == ([], [])


@pytest.mark.rule("PLT-30")
def test_a_forked_process_opens_its_own_way_to_the_store(files: S3Files, store: Store) -> None:
    """The thread of its parent is not there: it neither waits for it nor breaks it."""
    program = f"""
import os, sys, warnings
warnings.simplefilter("ignore")
from server.outbound.s3 import Place, S3Files
files = S3Files(Place({store.bucket!r}, "books/gl", {store.endpoint_url!r}))
files.write("op1/parent", [b"1"])
child = os.fork()
if child == 0:
    files.write("op1/child", [b"22"])
    os._exit(0)
_, status = os.waitpid(child, 0)
files.write("op1/after", [b"333"])
sys.exit(os.waitstatus_to_exitcode(status))
"""
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert [files.size(f"op1/{name}") for name in ("parent", "child", "after")] == [1, 2, 3]


@pytest.mark.parametrize("path", ["../a", "/etc/a", "op1/../../a", "", "."])
def test_a_path_never_leaves_the_prefix(files: S3Files, path: str) -> None:
    """Paths are ours; one that leads out is a bug that stops the work."""
    with pytest.raises(AssertionError):
        files.write(path, [b"x"])
