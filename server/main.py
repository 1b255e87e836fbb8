"""The composition root: settings in, server out."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from google.longrunning import operations_pb2 as longrunning_pb2
from google.longrunning import operations_pb2_grpc as longrunning_grpc
from google.protobuf.descriptor import ServiceDescriptor

from countinghouse.accounting.v1 import accounting_service_pb2
from countinghouse.accounting.v1 import accounting_service_pb2_grpc as accounting_grpc
from countinghouse.billing.v1 import billing_service_pb2
from countinghouse.billing.v1 import billing_service_pb2_grpc as billing_grpc
from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2
from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc as gl_extraction_grpc
from countinghouse.invoicing.v1 import invoice_batch_service_pb2
from countinghouse.invoicing.v1 import invoice_batch_service_pb2_grpc as invoicing_grpc
from countinghouse.operations.v1 import (
    approvals_pb2,
    audit_pb2,
    data_files_pb2,
    notifications_pb2,
    operations_pb2,
    schedules_pb2,
)
from countinghouse.operations.v1 import approvals_pb2_grpc as approvals_grpc
from countinghouse.operations.v1 import audit_pb2_grpc as audit_grpc
from countinghouse.operations.v1 import data_files_pb2_grpc as data_files_grpc
from countinghouse.operations.v1 import notifications_pb2_grpc as notifications_grpc
from countinghouse.operations.v1 import operations_pb2_grpc as operations_grpc
from countinghouse.operations.v1 import schedules_pb2_grpc as schedules_grpc
from domain.kernel import secrets
from domain.kernel.paging import PageTokens
from domain.kernel.time import BusinessZone
from domain.operations.model import Job
from server import auth
from server.auth import tls
from server.auth.signed_tokens import TOKEN_BYTES_MAX
from server.call import REPORTS, Calls, Running, now_us
from server.database.transaction import Database
from server.gate.errors import TooManyCalls
from server.gate.guards import guards
from server.gate.interceptors import Door, Gate, Limits, Seats, gated
from server.notify import Notifier
from server.opening import CannotStart, cutting, opened_database
from server.outbound.stores import file_store
from server.outbound.transmission import routes_of
from server.plugins import Plugins
from server.servicers.accounting import AccountingServicer
from server.servicers.billing import BillingServicer
from server.servicers.gl_extraction import GLExtractionServicer
from server.servicers.invoicing import InvoiceBatchServicer
from server.servicers.operations import (
    ApprovalsServicer,
    AuditServicer,
    DataFilesServicer,
    LongRunningServicer,
    NotificationsServicer,
    OperationsServicer,
    SchedulesServicer,
)
from server.servicers.standard import NOT_SERVING, SERVING, add_standard, standard_services
from server.settings import Settings
from server.telemetry import figures, observe
from server.watcher import Watcher
from server.work.scheduler import schedulable
from server.work.sending import master_key, reach

SPARE_CONNECTIONS = 2 + REPORTS
"""Database connections beside those of calls: for first looks of watches, for their poller, and for reports."""

_TELL_HEALTH_S = 0.05  # so that health watches get their last message before they are ended
_TELL_CALLS_S = 1.0  # for the status of calls that did not end in time; gRPC itself ends what is left then
_SENT_BYTES_MAX = 64 << 20

log = structlog.get_logger("server")


SERVED: tuple[ServiceDescriptor, ...] = (
    longrunning_pb2.DESCRIPTOR.services_by_name["Operations"],
    operations_pb2.DESCRIPTOR.services_by_name["OperationsService"],
    approvals_pb2.DESCRIPTOR.services_by_name["ApprovalsService"],
    audit_pb2.DESCRIPTOR.services_by_name["AuditService"],
    data_files_pb2.DESCRIPTOR.services_by_name["DataFilesService"],
    schedules_pb2.DESCRIPTOR.services_by_name["SchedulesService"],
    notifications_pb2.DESCRIPTOR.services_by_name["NotificationsService"],
    gl_extraction_service_pb2.DESCRIPTOR.services_by_name["GLExtractionService"],
    accounting_service_pb2.DESCRIPTOR.services_by_name["AccountingService"],
    billing_service_pb2.DESCRIPTOR.services_by_name["BillingService"],
    invoice_batch_service_pb2.DESCRIPTOR.services_by_name["InvoiceBatchService"],
)
"""Our services."""


def permissions() -> dict[str, str]:
    """The permission of every method that is served. Raises: LookupError for one without."""
    return auth.permissions_of([*SERVED, *standard_services()])


class Server:
    """One RPC server in this process, on the event loop that runs; it knows the jobs, and carries out none.

    It bills with what is `offered`, which it closes when it stops.
    """

    def __init__(
        self, settings: Settings, jobs: Sequence[Job], offered: Plugins, *, clock_us: Callable[[], int] = now_us
    ) -> None:
        self._settings = settings
        self._jobs = jobs
        self._running: Running = {}
        self._door = Door()
        self._watcher = Watcher(poll_s=settings.watch_poll_ms / 1_000)
        self._calls = Calls(
            threads=settings.connections,
            waiting_max=settings.waiting_max,
            wait_s=settings.wait_ms / 1_000,
            watches_max=settings.watches_max,
            statement_timeout_s=settings.statement_timeout_s,
            running=self._running,
            clock_us=clock_us,
            announce=self.announce,
            guards=guards(
                settings, SERVED, permissions(), scheduled=[kind.method for kind in schedulable(settings).kinds]
            ),
        )
        needed = permissions()
        self._authority = auth.authority(settings, needed.values(), clock_us=clock_us)
        self._credentials = tls.credentials(settings)
        self._plugins = offered
        self._gate = Gate(
            authority=self._authority,
            permissions=needed,
            limits=_limits(settings),
            running=self._running,
            door=self._door,
            admits=self._calls.admits,
            clock_us=clock_us,
        )
        self._grpc = gated(self._gate, _options(settings))
        self._add_services()
        self._health = add_standard(self._grpc, SERVED)
        self._database: Database | None = None
        self._notifier: Notifier | None = None
        self._others: list[Callable[[], None]] = []
        self._stopping = threading.Event()
        self.target = ""

    def _add_services(self) -> None:
        """Everything of ours that is served: one line a service."""
        calls, watcher, heartbeat_s = self._calls, self._watcher, self._settings.watch_heartbeat_s
        to = self._grpc
        longrunning_grpc.add_OperationsServicer_to_server(LongRunningServicer(calls, watcher, self._jobs), to)
        operations_grpc.add_OperationsServiceServicer_to_server(
            OperationsServicer(calls, watcher, self._jobs, heartbeat_s=heartbeat_s), to
        )
        approvals_grpc.add_ApprovalsServiceServicer_to_server(ApprovalsServicer(calls), to)
        audit_grpc.add_AuditServiceServicer_to_server(AuditServicer(calls), to)
        schedules_grpc.add_SchedulesServiceServicer_to_server(
            SchedulesServicer(calls, schedulable(self._settings), permissions()), to
        )
        notifications_grpc.add_NotificationsServiceServicer_to_server(
            NotificationsServicer(calls, master_key(self._settings), reach(self._settings)), to
        )
        gl_extraction_grpc.add_GLExtractionServiceServicer_to_server(
            GLExtractionServicer(
                calls,
                zone=BusinessZone(self._settings.business_time_zone),
                rows_per_chunk=self._settings.rows_per_chunk,
                limits=cutting(self._settings),
            ),
            to,
        )
        known = frozenset(each.name for each in self._settings.systems_of_record)
        accounting_grpc.add_AccountingServiceServicer_to_server(
            AccountingServicer(calls, watcher, heartbeat_s=heartbeat_s, systems_of_record=known), to
        )
        zone = BusinessZone(self._settings.business_time_zone)
        billing_grpc.add_BillingServiceServicer_to_server(
            BillingServicer(
                calls,
                watcher,
                heartbeat_s=heartbeat_s,
                zone=zone,
                algorithms=self._plugins.algorithms,
                ask=self._plugins.hooks.ask,
            ),
            to,
        )
        invoicing_grpc.add_InvoiceBatchServiceServicer_to_server(
            InvoiceBatchServicer(
                calls,
                watcher,
                heartbeat_s=heartbeat_s,
                zone=zone,
                hookpoints=self._plugins.hookpoints,
                algorithms=self._plugins.algorithms,
                ask=self._plugins.hooks.ask,
            ),
            to,
        )
        data_files_grpc.add_DataFilesServiceServicer_to_server(
            DataFilesServicer(calls, file_store(self._settings), routes_of(self._settings.destinations)), to
        )

    async def start(self) -> None:
        """Listen, and answer health checks with "not serving"; other calls are refused until `open` is done.

        Raises: CannotStart when the address cannot be listened on.
        """
        listen = self._settings.listen
        try:
            if self._credentials is None:
                port = self._grpc.add_insecure_port(listen)
            else:
                port = self._grpc.add_secure_port(listen, self._credentials)
        except RuntimeError:
            raise CannotStart(f"cannot listen on {listen}: it is in use, or not an address of this machine") from None
        self.target = listen if listen.startswith("unix:") else f"{listen.rpartition(':')[0]}:{port}"
        await self._grpc.start()

    async def open(self) -> None:
        """Bring the database to this version's schema, and let calls in.

        Raises: CannotStart; BadSettings.
        """
        settings = self._settings
        connections = settings.connections + SPARE_CONNECTIONS
        database = await asyncio.to_thread(opened_database, settings, connections, stopping=self._stopping)
        key = await asyncio.to_thread(database.read, lambda tx: secrets.read(tx, secrets.PAGE_TOKENS))
        self._database = database
        if settings.metrics_listen:
            figures.watch_pool(database, "rpc")
        self._notifier = Notifier.for_database(database.url)
        self._calls.open(database, PageTokens(key))
        self._watcher.open(database)
        await self._authority.open()
        self._door.open()
        await self._health.become(SERVING)

    def announce(self, operation_id: str) -> None:
        """Tell watchers, here and in other processes, that an operation changed; from any thread."""
        self._watcher.changed(operation_id)
        if self._notifier is not None:
            self._notifier.tell(operation_id)
        for tell in self._others:
            tell()

    def also_tell(self, wake: Callable[[], None]) -> None:
        """Wake somebody in this process, too, whenever an operation changed."""
        self._others.append(wake)

    async def stop(self) -> None:
        """Take no more calls, tell watchers to come back, let what runs finish within the grace time (PLT-43)."""
        self._stopping.set()
        ends = asyncio.get_running_loop().time() + self._settings.shutdown_grace_s
        await self._health.become(NOT_SERVING)
        self._door.close()
        self._watcher.drain()
        if self._health.watched:
            await asyncio.sleep(_TELL_HEALTH_S)
        self._gate.drain()
        await self._end_calls(ends)
        self._plugins.close()
        await self._watcher.close()
        await self._authority.close()
        await self._end_transactions(ends)
        if self._notifier is not None:
            await asyncio.to_thread(self._notifier.close)
        if self._database is not None:
            self._database.dispose()
        observe.flush()

    async def _end_calls(self, ends: float) -> None:
        """Let calls come to their end until then, an instant of the loop's clock; tell those that do not."""
        left_s = max(0.0, ends - asyncio.get_running_loop().time())
        ending = asyncio.create_task(self._grpc.stop(left_s + _TELL_CALLS_S))
        await asyncio.wait({ending}, timeout=left_s)
        if not ending.done():
            self._gate.cut_off()
        await ending

    async def _end_transactions(self, ends: float) -> None:
        """Let what runs come to its end until then, an instant of the loop's clock; after it, end it."""
        closing = asyncio.create_task(asyncio.to_thread(self._calls.close))
        await asyncio.wait({closing}, timeout=max(0.0, ends - asyncio.get_running_loop().time()))
        if self._database is not None and not closing.done():
            log.warning("grace time over, ending what runs")
            await asyncio.to_thread(self._database.interrupt)
        await closing


def _limits(settings: Settings) -> Limits:
    return Limits(
        call_timeout_s=settings.call_timeout_s,
        report_timeout_s=settings.report_timeout_s,
        stream_timeout_s=settings.stream_timeout_s,
        calls=Seats(total=None, per_caller=settings.calls_per_caller_max, refusal=TooManyCalls),
        watches=Seats(total=settings.watches_max, per_caller=settings.watches_per_caller_max),
        uploads=Seats(total=settings.uploads_max, per_caller=settings.uploads_per_caller),
    )


def _options(settings: Settings) -> list[tuple[str, Any]]:
    return [
        # Without this a second server would silently share the port.
        ("grpc.so_reuseport", 1 if settings.workers > 1 else 0),
        ("grpc.max_receive_message_length", settings.message_bytes_max),
        ("grpc.max_send_message_length", _SENT_BYTES_MAX),
        # Room beside a token of the largest size: one that is larger still is refused by us, with a reason.
        ("grpc.max_metadata_size", 2 * TOKEN_BYTES_MAX),
        ("grpc.absolute_max_metadata_size", 4 * TOKEN_BYTES_MAX),
        ("grpc.enable_channelz", 1),
        # A dead peer is noticed within a minute and a half; clients may ask as often as our own do.
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 20_000),
        ("grpc.keepalive_permit_without_calls", 1),
    ]
