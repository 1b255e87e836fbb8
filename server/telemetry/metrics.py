"""The figures of `figures` for Prometheus, on a port of their own (PLT-42).

The process that serves them shows its own and those of the processes that it has started, which write theirs to files
in one folder. A worker that nobody has started serves its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from prometheus_client import REGISTRY, CollectorRegistry, Metric, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from server.opening import CannotStart

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Tells prometheus_client, when it is imported, where the figures of a process are to be kept."""


@contextmanager
def served(address: str, registry: CollectorRegistry = REGISTRY) -> Iterator[None]:
    """Serve figures at `address` (host:port) for a while; not at all when it is empty. Raises: CannotStart."""
    if not address:
        yield
        return
    host, _, port = address.rpartition(":")
    try:
        server, thread = start_http_server(int(port), host.strip("[]"), registry)
    except OSError as error:
        raise CannotStart(f"cannot serve metrics on {address}: {error.strerror}") from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def served_with_children(address: str, own: CollectorRegistry | None = REGISTRY) -> Iterator[dict[str, str]]:
    """Serve our own figures with those of processes that are started with the variables given. Raises: CannotStart.

    With `own` None, only theirs.
    """
    if not address:
        yield {}
        return
    with TemporaryDirectory(prefix="countinghouse-metrics-") as folder:
        registry = CollectorRegistry()
        registry.register(_Together(Path(folder), own))
        with served(address, registry):
            yield {FOLDER_VARIABLE: folder}


class _Together(Collector):
    """The figures of other processes, added to our own."""

    def __init__(self, folder: Path, own: CollectorRegistry | None) -> None:
        self._folder = folder
        self._own = own

    def collect(self) -> Iterator[Metric]:
        """All figures, each name once."""
        _forget_dead(self._folder)
        found = {metric.name: metric for metric in self._own.collect()} if self._own else {}
        others = MultiProcessCollector(CollectorRegistry(), path=str(self._folder))  # type: ignore[no-untyped-call]
        for metric in others.collect():  # type: ignore[no-untyped-call]
            if metric.name in found:
                found[metric.name].samples += metric.samples
            else:
                found[metric.name] = metric
        yield from found.values()

    def describe(self) -> Iterator[Metric]:
        """Nothing beforehand: what there is depends on the processes."""
        return iter(())


def _forget_dead(folder: Path) -> None:
    """Drop the gauges of processes that are gone; what they counted stays."""
    for pid in {int(path.stem.rpartition("_")[2]) for path in folder.glob("gauge_live*_*.db")}:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
