"""Data files: lists, locks, and downloads that are proven."""

import time
from collections.abc import Callable
from contextlib import closing
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from countinghouse.client.cursor import CUT, LEG_S
from countinghouse.client.errors import CountinghouseError, DataLoss, Unavailable
from countinghouse.client.partial_file import PartialFile
from countinghouse.client.patience import OnRetry, Patience
from countinghouse.client.sync.calls import Caller
from countinghouse.client.sync.listing import Listing
from countinghouse.client.verification import ROUNDS_MAX, Verification, Verified
from countinghouse.operations.v1 import data_files_pb2, data_files_pb2_grpc

if TYPE_CHECKING:
    import grpc


class DataFiles:
    """The DataFilesService."""

    def __init__(self, caller: Caller, channel: "grpc.Channel") -> None:
        stub = data_files_pb2_grpc.DataFilesServiceStub(channel)
        self.list_sets = Listing(caller.unary(stub.ListDataFileSets), lambda page: page.data_file_sets)
        self.get_set = caller.unary(stub.GetDataFileSet)
        self.lock_set = caller.unary(stub.LockDataFileSet)
        self.unlock_set = caller.unary(stub.UnlockDataFileSet)
        self.list_files = Listing(caller.unary(stub.ListDataFiles), lambda page: page.data_files)
        self.get_file = caller.unary(stub.GetDataFile)
        self.transmit = caller.unary(stub.TransmitDataFiles)
        self.stream_file = caller.stream(stub.DownloadDataFile)

    def download(
        self,
        name: str,
        path: str | PathLike[str],
        *,
        patience_s: float = 60.0,
        on_bytes: Callable[[int, int], None] | None = None,
        on_retry: OnRetry | None = None,
    ) -> data_files_pb2.DataFile:
        """Fetch `dataFileSets/{code}/files/{file}` to `path`; returns the file's facts.

        The bytes go to a temporary name beside `path`, are taken up again where a connection or an earlier download
        was cut, and become `path` only once their SHA-256 is that of the file (PLT-31). `on_bytes` is told the bytes
        that are there and the bytes that there are.

        Raises:
            NotFound: There is no such file.
            DataLoss: What came is not what was written; `path` is as it was before.
            Unavailable: The connection did not come back within `patience_s` seconds.
            BlockingIOError: Another process is fetching the same file to the same path.
        """
        facts = self.get_file(data_files_pb2.GetDataFileRequest(name=name))
        patience = Patience(patience_s, on_retry=on_retry)
        with PartialFile(facts, Path(path)) as partial:
            while not partial.complete:
                try:
                    with closing(self.stream_file(partial.request(), timeout_s=LEG_S)) as pieces:
                        for piece in pieces:
                            if partial.take(piece):
                                patience.progressed()
                            if on_bytes is not None:
                                on_bytes(partial.offset, facts.size_bytes)
                    cut: CountinghouseError = Unavailable(f"the stream of {name} ended before the file did")
                except CUT as error:
                    cut = error
                if not partial.complete:
                    time.sleep(patience.delay_s(cut))
            partial.finish()
        return facts

    def verify(self, name: str, *, on_file: Callable[[str], None] | None = None) -> Verified:
        """Fetch every file of the set `dataFileSets/{code}`, and see whether it is what was written (GLX-18, PLT-31).

        The manifests must be chained without a gap, and each file must be the one that its manifest names. `on_file`
        is told the name of each file before it is fetched.

        Raises:
            NotFound: There is no such set.
            Unavailable: The connection was lost for long, or the set keeps gaining files.
        """
        verification = self._listed(name)
        with TemporaryDirectory(prefix="countinghouse-") as folder:
            path = Path(folder) / "file"
            for file in verification.files:
                if on_file is not None:
                    on_file(file.name)
                try:
                    self.download(file.name, path)
                except DataLoss:
                    verification.damaged(file)
                else:
                    verification.take(file, path)
        return verification.judge()

    def _listed(self, name: str) -> Verification:
        """The set and its files at one moment."""
        request = data_files_pb2.ListDataFilesRequest(parent=name, page_size=1_000)
        for _ in range(ROUNDS_MAX):
            before = self.get_set(data_files_pb2.GetDataFileSetRequest(name=name))
            files = list(self.list_files(request))
            after = self.get_set(data_files_pb2.GetDataFileSetRequest(name=name))
            if after.file_count == before.file_count:
                return Verification(after, files)
        raise Unavailable(f"{name} keeps gaining files; verify it again later")
