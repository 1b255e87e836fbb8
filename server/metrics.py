"""The figures of `observe` for Prometheus, on a port of their own (PLT-42).

Several RPC processes write theirs to files in one folder; the process that started them adds them up and serves them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from prometheus_client import REGISTRY, CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

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
def served_of_several(address: str) -> Iterator[dict[str, str]]:
    """Serve the figures of other processes; gives the variables to start them with. Raises: CannotStart."""
    if not address:
        yield {}
        return
    with TemporaryDirectory(prefix="countinghouse-metrics-") as folder:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]
        with served(address, registry):
            yield {FOLDER_VARIABLE: folder}
