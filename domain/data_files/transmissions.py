"""A set's files on their way to destinations: recorded for the outbox, the manifest of a run last (PLT-32).

A transmission is a delivery of a file (its subject and key) to a destination (its target). Whoever sees the manifest of
a run at a destination finds there all that it names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from sqlalchemy import Connection

from domain.data_files import store
from domain.data_files.errors import DestinationNotFound, SetHasNoDestination
from domain.data_files.model import DataFile, DataFileSet, set_name
from domain.deliveries import service as deliveries
from domain.deliveries.model import Delivery, Kind, NewDelivery, State
from domain.kernel import events
from domain.kernel.call import Call
from domain.kernel.clock import now_us
from domain.operations import service as operations
from domain.operations.errors import OperationNotFound

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Route:
    """Which sets go to a destination: patterns of their codes, `*` for any characters."""

    destination: str
    sets: tuple[str, ...] = ("*",)

    def takes(self, code: str) -> bool:
        """Whether a set goes there."""
        return any(fnmatchcase(code, pattern) for pattern in self.sets)


Routes = Sequence[Route]


@dataclass(frozen=True, slots=True)
class Begun:
    """How many transmissions were begun, and how many were under way before."""

    begun: int
    under_way: int


def target_of(destination: str) -> str:
    """The destination as the target of deliveries."""
    return f"transmissionDestinations/{destination}"


def send_run(tx: Connection, routes: Routes, shown: DataFileSet, operation_id: str) -> None:
    """Have a run's files sent wherever its set goes, in the transaction that shows them.

    Cost: a statement for 500 files, one for each file and destination.
    """
    for target in (target_of(route.destination) for route in routes if route.takes(shown.code)):
        for page in _pages(tx, operation_id):
            files = [file for file in page if not file.manifest]
            deliveries.enqueue(tx, [_new(file, target, shown.scope_id) for file in files])
        _let_manifest_follow(tx, operation_id, target, shown.scope_id)


def send_set(
    tx: Connection,
    call: Call,
    routes: Routes,
    data_file_set: DataFileSet,
    *,
    destination: str = "",
    operation_id: str = "",
    again: bool = False,
) -> Begun:
    """Have the visible files of a set, or of one run in it, sent: what was never sent or given up, or with `again` all.

    Raises: DestinationNotFound; SetHasNoDestination. Cost: a few statements for each file and destination.
    """
    begun = under_way = 0
    for target in _targets(routes, data_file_set, destination):
        for run in store.runs_of_set(tx, data_file_set.code, operation_id):
            for page in _pages(tx, run):
                counts = [
                    _begin(tx, call, file, target, data_file_set.scope_id, again=again)
                    for file in page
                    if not file.manifest
                ]
                begun += counts.count(True)
                under_way += counts.count(False)
            begun += _let_manifest_follow(tx, run, target, data_file_set.scope_id, again=again)
    payload = {"destination": destination, "operation_id": operation_id, "again": again, "begun": begun}
    events.append(tx, call, data_file_set.name, "data_file_set.transmission_asked", payload)
    return Begun(begun, under_way)


def find_file(tx: Connection, delivery: Delivery) -> DataFile | None:
    """The file that is to be sent; None when it is not to be seen any more."""
    return store.find_visible(tx, delivery.payload["set_code"], delivery.payload["file_name"])


def is_complete_but_for_manifest(tx: Connection, manifest: DataFile, target: str) -> bool:
    """Whether every other file of the manifest's run has arrived at the target."""
    return not store.is_under_way(tx, manifest.operation_id, target)


def record(tx: Connection, delivery: Delivery) -> None:
    """What follows from an attempt: the manifest, once all else has arrived; and what has ended is told of the set.

    The manifest's row is locked meanwhile, so that of two files that arrive at once the later one has it sent.
    """
    if delivery.state is State.PENDING:
        return
    file = find_file(tx, delivery)
    if file is None:
        return
    if delivery.state is State.DELIVERED and not file.manifest:
        _let_manifest_follow(tx, file.operation_id, delivery.target, delivery.scope_id, again=True)
    elif delivery.state is State.DELIVERED:
        _tell(tx, delivery, file, "data_file_set.transmitted")
    else:
        _tell(tx, delivery, file, "data_file_set.transmission_given_up")


def of_files(tx: Connection, files: Iterable[DataFile]) -> Mapping[str, Sequence[Delivery]]:
    """The transmissions of files by the files' names, each in the order of destinations. Cost: one statement."""
    names = [file.name for file in files]
    found: dict[str, list[Delivery]] = {}
    for delivery in deliveries.about(tx, Kind.TRANSMISSION, names) if names else ():
        found.setdefault(delivery.subject, []).append(delivery)
    return found


def _targets(routes: Routes, data_file_set: DataFileSet, destination: str) -> list[str]:
    if destination:
        if destination not in {route.destination for route in routes}:
            raise DestinationNotFound(destination)
        return [target_of(destination)]
    targets = [target_of(route.destination) for route in routes if route.takes(data_file_set.code)]
    if not targets:
        raise SetHasNoDestination(data_file_set.code)
    return targets


def _pages(tx: Connection, operation_id: str) -> Iterator[list[DataFile]]:
    after = 0
    while page := store.page_of_run(tx, operation_id, after_position=after, limit=_PAGE):
        yield page
        after = page[-1].position


def _new(file: DataFile, target: str, scope_id: int) -> NewDelivery:
    payload = {"set_code": file.set_code, "file_name": file.file_name}
    return NewDelivery(
        kind=Kind.TRANSMISSION,
        target=target,
        key=file.name,
        subject=file.name,
        event_type="data_file.transmission",
        payload=payload,
        scope_id=scope_id,
    )


def _begin(tx: Connection, call: Call, file: DataFile, target: str, scope_id: int, *, again: bool) -> bool | None:
    """Have a file sent: True when that is begun, False when it is under way, None when it has arrived."""
    found = deliveries.find_of(tx, file.name, target)
    if found is None:
        deliveries.enqueue(tx, [_new(file, target, scope_id)])
        return True
    if found.state is State.PENDING:
        return False
    if found.state is State.DELIVERED and not again:
        return None
    deliveries.redeliver(tx, call, found.delivery_id)
    return True


def _let_manifest_follow(tx: Connection, operation_id: str, target: str, scope_id: int, *, again: bool = False) -> int:
    """Have a run's manifest sent if all else has arrived; with `again` also when it was sent before. Gives how many."""
    manifest = store.manifest_of(tx, operation_id, lock=True)
    if manifest is None or store.is_under_way(tx, operation_id, target):
        return 0
    found = deliveries.find_of(tx, manifest.name, target)
    if found is None:
        deliveries.enqueue(tx, [_new(manifest, target, scope_id)])
        return 1
    if found.state is State.GIVEN_UP or (found.state is State.DELIVERED and again):
        deliveries.begin_again(tx, found.delivery_id)
        return 1
    return 0


def _tell(tx: Connection, delivery: Delivery, file: DataFile, kind: str) -> None:
    at_us = now_us(tx)
    call = _started_by(tx, file.operation_id, at_us)
    payload = {"file": file.file_name, "target": delivery.target, "attempts": delivery.attempts}
    payload |= {"reason": delivery.reason} if delivery.reason else {}
    events.append(tx, call, set_name(file.set_code), kind, payload, scope_id=delivery.scope_id)


def _started_by(tx: Connection, operation_id: str, at_us: int) -> Call:
    """The call that started the run, for the audit trail; nobody's once its record is deleted."""
    try:
        run = operations.get(tx, operation_id)
    except OperationNotFound:
        return Call(caller="", method="", request_id="", now_us=at_us, operation_id=operation_id)
    return Call(run.caller, run.method, run.request_id, at_us, operation_id)
