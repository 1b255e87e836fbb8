"""Sends files to their destinations: under a temporary name, then under their own; nothing is put over (PLT-32)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from domain.data_files import transmissions
from domain.data_files.errors import FileDamaged
from domain.data_files.model import DataFile
from domain.data_files.storage import FileStore, checked_pieces
from domain.deliveries.errors import LOST
from domain.deliveries.model import DELIVERED, Delivery, Kind, Outcome, failed
from server.database.transaction import Database
from server.outbound.destinations import Destination
from server.outbound.folder import put_in_folder
from server.outbound.parcel import BrokenOff, Parcel, Rejected
from server.outbound.recording import Recorder

UNKNOWN = "TRANSMISSION_DESTINATION_UNKNOWN"
OUTSTANDING = "TRANSMISSION_FILES_OUTSTANDING"
GONE = "TRANSMISSION_FILE_GONE"
TOO_SLOW = "TRANSMISSION_TOO_SLOW"


@dataclass(frozen=True, slots=True)
class Transmission:
    """The handler of transmissions. An attempt takes `timeout_s` at most, and breaks off when the process stops.

    `recorder` is told of outcomes, too, by those who sent the files.
    """

    files: FileStore
    destinations: Mapping[str, Destination]
    timeout_s: float
    recorder: Recorder
    kind: Kind = Kind.TRANSMISSION

    def send(self, database: Database, delivery: Delivery, stopping: threading.Event) -> Outcome | None:
        """As `Handler.send`."""
        destination = self.destinations.get(delivery.target)
        if destination is None:
            return failed(UNKNOWN, "this server's settings have no such destination")
        file, complete = database.read(lambda tx: _facts(tx, delivery))
        if file is None:
            return failed(GONE, "the file is not there any more", final=True)
        if not complete:
            return failed(OUTSTANDING, "it follows once all other files of its run have arrived", final=True)
        return self._sent(destination, file, delivery.epoch, stopping)

    def lost(self, delivery: Delivery) -> Outcome:
        """As `Handler.lost`."""
        del delivery
        return LOST

    def record(self, tx: Connection, pairs: Sequence[tuple[Delivery, Outcome]]) -> None:
        """As `Handler.record`: the manifest of a run follows its last file."""
        for delivery, _ in pairs:
            transmissions.record(tx, delivery)
        self.recorder.record(tx, pairs)

    def rest(self) -> None:
        """As `Handler.rest`: nothing is kept."""

    def _sent(self, destination: Destination, file: DataFile, epoch: int, stopping: threading.Event) -> Outcome | None:
        put = _put_by_sftp if destination.host else put_in_folder
        try:
            with closing(checked_pieces(self.files, file, 0)) as pieces:
                go_on = partial(_go_on, stopping, time.monotonic() + self.timeout_s)
                way = _limited(pieces, go_on)
                put(destination, Parcel(file.file_name, file.size_bytes, file.sha256, epoch, way, go_on))
        except BrokenOff:
            return None
        except Rejected as error:
            return failed(error.reason, error.message, final=error.final)
        except FileDamaged as error:
            return failed(error.reason, error.message, final=True)
        return DELIVERED


def routes_of(destinations: Sequence[Destination]) -> tuple[transmissions.Route, ...]:
    """Which sets go where."""
    return tuple(transmissions.Route(each.name, each.sets) for each in destinations)


def _facts(tx: Connection, delivery: Delivery) -> tuple[DataFile | None, bool]:
    """The file, and whether it may go now."""
    file = transmissions.find_file(tx, delivery)
    if file is None or not file.manifest:
        return file, True
    return file, transmissions.is_complete_but_for_manifest(tx, file, delivery.target)


def _limited(pieces: Iterator[bytes], go_on: Callable[[], None]) -> Iterator[bytes]:
    for piece in pieces:
        go_on()
        yield piece


def _go_on(stopping: threading.Event, ends: float) -> None:
    """Nothing, as long as the process goes on and time is left. Raises: BrokenOff; Rejected."""
    if stopping.is_set():
        raise BrokenOff
    if time.monotonic() > ends:
        raise Rejected(TOO_SLOW, "it took too long to send")


def _put_by_sftp(destination: Destination, parcel: Parcel) -> None:
    from server.outbound.sftp import put_by_sftp  # noqa: PLC0415 - paramiko is an extra

    put_by_sftp(destination, parcel)
