"""A real server for the tests: a port of its own, every interceptor, a worker, on the test's own database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from domain.operations.model import Job
from server.call import now_us
from server.embedded import embedded
from server.main import Server
from server.settings import Settings
from server.telemetry import observe

S = TypeVar("S")

FILES = "files"
"""The folder of data files, in that of a test server."""

QUIET: dict[str, Any] = {
    "log_level": "error",
    "watch_poll_ms": 20,
    "shutdown_grace_s": 5,
    "lease_s": 5,
    "idempotency_days": 3_653,
    "operations_days": 3_653,
}
"""Settings of test servers: little said, little waited for, nothing forgotten that was written at a clock put back."""


@dataclass(frozen=True, slots=True)
class Served:
    """A server that is ready, and a channel to it."""

    target: str
    channel: grpc.Channel
    settings: Settings
    server: Server

    def stub(self, kind: Callable[[grpc.Channel], S]) -> S:
        """A stub on the channel."""
        return kind(self.channel)


@contextmanager
def serving(
    url: str,
    folder: Path,
    *,
    carries_out: Sequence[Job] | None = None,
    clock_us: Callable[[], int] = now_us,
    **chosen: object,
) -> Iterator[Served]:
    """A server on the migrated database at `url`, with files in `folder`; `chosen` are settings."""
    values: dict[str, Any] = {
        "database_url": url,
        "data_files_folder": folder / FILES,
        "listen": "127.0.0.1:0",
        **QUIET,
        **chosen,
    }
    settings = Settings(**values)
    observe.configure(settings.log_level)
    with (
        embedded(settings, carries_out, clock_us=clock_us) as server,
        grpc.insecure_channel(server.target) as channel,
    ):
        yield Served(server.target, channel, settings, server)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The status of a refused call, with its details."""

    code: grpc.StatusCode
    message: str
    info: error_details_pb2.ErrorInfo
    details: tuple[Any, ...]

    @property
    def reason(self) -> str:
        return self.info.reason

    @property
    def metadata(self) -> dict[str, str]:
        return dict(self.info.metadata)

    @property
    def violations(self) -> list[tuple[str, str]]:
        """Field and reason of each violation."""
        found = (detail for detail in self.details if isinstance(detail, error_details_pb2.BadRequest))
        return [(violation.field, violation.reason) for bad in found for violation in bad.field_violations]

    def detail(self, kind: type[S]) -> S:
        """The one detail of a kind."""
        (found,) = (detail for detail in self.details if isinstance(detail, kind))
        return found


def refusal(call: Callable[[], object]) -> Refusal:
    """Make a call that must be refused; gives how."""
    try:
        call()
    except grpc.RpcError as error:
        return refusal_of(error)
    raise AssertionError("the call was not refused")


def refusal_of(error: Any) -> Refusal:
    """The refusal in an error; its text must be the same in the status and in its details (PLT-07)."""
    status = rpc_status.from_call(error)
    assert status is not None, f"{error.code()} {error.details()} has no details"
    assert (status.code, status.message) == (error.code().value[0], error.details())
    details = tuple(_unpacked(status))
    (info,) = (detail for detail in details if isinstance(detail, error_details_pb2.ErrorInfo))
    assert info.domain == "countinghouse"
    assert info.reason
    return Refusal(error.code(), status.message, info, details)


_KINDS: tuple[type[Any], ...] = (
    error_details_pb2.ErrorInfo,
    error_details_pb2.BadRequest,
    error_details_pb2.PreconditionFailure,
    error_details_pb2.ResourceInfo,
    error_details_pb2.RetryInfo,
)


def _unpacked(status: status_pb2.Status) -> Iterator[Any]:
    for packed in status.details:
        kind = next(kind for kind in _KINDS if packed.Is(kind.DESCRIPTOR))
        detail = kind()
        packed.Unpack(detail)
        yield detail
