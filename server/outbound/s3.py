"""Data files in a bucket of S3, or of any store that speaks as it does (PLT-30): each whole or not at all.

An object appears when its upload is completed, and no sooner; it is then read back and must hash to what was sent.
Everything goes through fsspec's own thread of events, which does not outlive a fork: a process opens its own.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import structlog

from domain.data_files.errors import StorageFull, StorageUnavailable
from domain.data_files.storage import Written

if TYPE_CHECKING:
    from s3fs import S3FileSystem  # type: ignore[import-untyped]

PIECE_BYTES = 256 * 1024
PART_BYTES = 8 * 1024 * 1024  # of an upload; S3 takes 10,000 of at least 5 MiB
RANGE_BYTES = 4 * 1024 * 1024  # of a read

_CALL_S = 60.0  # one call to the store, its repetitions included
_CONNECT_S, _SILENCE_S = 5, 20
_ATTEMPTS = 3
_CONNECTIONS = 32
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMSGSIZE})
_FULL_CODES = frozenset({"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"})

log = structlog.get_logger("files")


@dataclass(frozen=True, slots=True)
class Place:
    """Where objects lie: the bucket, what their keys begin with, and who is asked; no endpoint means Amazon."""

    bucket: str
    prefix: str = ""
    endpoint_url: str = ""

    def key(self, path: str) -> str:
        """The key of a file, or of what all files in a folder begin with."""
        parts = path.rstrip("/").split("/")
        assert all(part not in {"", ".", ".."} and "\\" not in part for part in parts), path
        return f"{self.prefix}/{path}" if self.prefix else path


class S3Files:
    """A `FileStore` in a bucket; who may write there is said by the environment or the files of Amazon's own tools."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._opening = threading.Lock()
        self._opened: tuple[int, S3FileSystem] | None = None

    def write(self, path: str, pieces: Iterable[bytes]) -> Written:
        """As `FileStore.write`. Cost: the content goes there in parts of 8 MiB, and comes back once to be checked."""
        key, digest, size = self._place.key(path), sha256(), 0

        def measured() -> Iterator[bytes]:
            nonlocal size
            for piece in pieces:
                digest.update(piece)
                size += len(piece)
                yield piece

        self._upload(key, _in_parts(measured()))
        written = Written(size, digest.hexdigest())
        if self._read_back(path) != written:
            log.error("a file came back other than it was sent")
            self._call("delete_object", Key=key)
            raise StorageUnavailable
        return written

    def size(self, path: str) -> int | None:
        """As `FileStore.size`."""
        found = self._found("head_object", Key=self._place.key(path))
        if found is not None:
            return int(found["ContentLength"])
        self._call("head_bucket")  # the same answer is given for a bucket that is not there: then nothing is known
        return None

    def read(self, path: str) -> Iterator[bytes]:
        """As `FileStore.read`; ranges of 4 MiB are fetched one after the other, each again where it broke off."""
        size = self.size(path)
        if size is None:
            raise StorageUnavailable
        name = f"{self._place.bucket}/{self._place.key(path)}"
        for start in range(0, size, RANGE_BYTES):
            end = min(start + RANGE_BYTES, size)
            with _told():
                content = memoryview(self._filesystem().cat_file(name, start=start, end=end, timeout=_CALL_S))
            for at in range(0, len(content), PIECE_BYTES):
                yield bytes(content[at : at + PIECE_BYTES])
            if len(content) != end - start:
                return  # it was replaced by a shorter one: who checks the whole will see it

    def tidy(self, folder: str) -> None:
        """As `FileStore.tidy`: uploads that were begun and never completed are given up."""
        prefix = f"{self._place.key(folder)}/"
        marks: dict[str, str] = {}
        while True:
            listed = self._call("list_multipart_uploads", Prefix=prefix, **marks)
            for upload in listed.get("Uploads", []):
                self._found("abort_multipart_upload", Key=upload["Key"], UploadId=upload["UploadId"])
            if not listed.get("IsTruncated"):
                return
            marks = {"KeyMarker": listed["NextKeyMarker"], "UploadIdMarker": listed["NextUploadIdMarker"]}

    def _upload(self, key: str, parts: Iterator[bytes]) -> None:
        first = next(parts, b"")
        if len(first) < PART_BYTES:
            self._call("put_object", Key=key, Body=first)
            return
        upload_id = self._call("create_multipart_upload", Key=key)["UploadId"]
        try:
            done = []
            for number, part in enumerate(_chained(first, parts), start=1):
                answer = self._call("upload_part", Key=key, UploadId=upload_id, PartNumber=number, Body=part)
                done.append({"PartNumber": number, "ETag": answer["ETag"]})
            self._call("complete_multipart_upload", Key=key, UploadId=upload_id, MultipartUpload={"Parts": done})
        except BaseException:
            # What cannot be given up now is given up by `tidy`; the failure that brought us here is the one to tell.
            with suppress(StorageUnavailable, StorageFull):
                self._call("abort_multipart_upload", Key=key, UploadId=upload_id)
            raise

    def _read_back(self, path: str) -> Written:
        digest, size = sha256(), 0
        for piece in self.read(path):
            digest.update(piece)
            size += len(piece)
        return Written(size, digest.hexdigest())

    def _call(self, method: str, **given: object) -> dict[str, Any]:
        answer = self._found(method, **given)
        if answer is None:
            raise StorageUnavailable
        return answer

    def _found(self, method: str, **given: object) -> dict[str, Any] | None:
        """The store's answer; None when there is no such object or upload."""
        with _told():
            try:
                answer: dict[str, Any] = self._filesystem().call_s3(
                    method, Bucket=self._place.bucket, timeout=_CALL_S, **given
                )
            except FileNotFoundError as error:
                if _code(error) == "NoSuchBucket":
                    raise
                return None
        return answer

    def _filesystem(self) -> S3FileSystem:
        """The way to the store; one for each process, however many threads use it."""
        with self._opening:
            if self._opened is None or self._opened[0] != os.getpid():
                self._opened = os.getpid(), _open(self._place)
            return self._opened[1]


def _open(place: Place) -> S3FileSystem:
    from s3fs import S3FileSystem  # noqa: PLC0415 - an extra

    filesystem = S3FileSystem(
        endpoint_url=place.endpoint_url or None,
        skip_instance_cache=True,
        use_listings_cache=False,
        config_kwargs={
            "connect_timeout": _CONNECT_S,
            "read_timeout": _SILENCE_S,
            "max_pool_connections": _CONNECTIONS,
            "retries": {"mode": "standard", "total_max_attempts": _ATTEMPTS},
            # The checksums of newer releases are unknown to many stores; what is written is read back instead.
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
            # A bucket is a name before the host at Amazon, and a folder of the host nearly everywhere else.
            "s3": {"addressing_style": "path" if place.endpoint_url else "auto"},
        },
    )
    filesystem.retries = 2  # of a range that broke off; each of them has its attempts
    return filesystem


@contextmanager
def _told() -> Iterator[None]:
    """Tell what fails as a refusal that has no name of ours in it; what it was stands in the log by its code."""
    from aiohttp import ClientError as HttpError  # noqa: PLC0415 - an extra
    from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]  # noqa: PLC0415

    try:
        yield
    except (OSError, TimeoutError, HttpError, BotoCoreError, ClientError) as error:
        code = _code(error)
        log.warning("the store of files refuses", code=code)
        full = code in _FULL_CODES or getattr(error, "errno", None) in _FULL
        raise (StorageFull if full else StorageUnavailable) from error


def _code(error: BaseException) -> str:
    """S3's code of a refusal, else the kind of the failure."""
    answer = getattr(error, "response", None) or getattr(error.__cause__, "response", None) or {}
    return str(answer.get("Error", {}).get("Code") or type(error).__name__)


def _in_parts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes in parts of one size, the last one maybe smaller."""
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= PART_BYTES:
            yield bytes(held[:PART_BYTES])
            del held[:PART_BYTES]
    if held:
        yield bytes(held)


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
