"""Every figure that this program shows to Prometheus, in one place (PLT-42).

The page docs/guide/observability.md lists them.

Labels are names of methods, kinds, stages and states: never an amount, a person, or anything that a caller made up.
Gauges of processes are added up over those that live; gauges of the database are those that were taken last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

if TYPE_CHECKING:
    from server.database.transaction import Database

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_RPC = ("grpc_type", "grpc_service", "grpc_method")

STARTED = Counter("grpc_server_started", "Calls begun.", _RPC)
HANDLED = Counter("grpc_server_handled", "Calls ended, by status.", (*_RPC, "grpc_code"))
HANDLING = Histogram("grpc_server_handling_seconds", "Duration of calls.", _RPC, buckets=_SECONDS)

CHUNKS_ENDED = Counter(
    "countinghouse_chunks_ended", "Chunks of operations that this process let go of.", ("kind", "stage", "outcome")
)
CHUNK_SECONDS = Histogram(
    "countinghouse_chunk_seconds",
    "Duration of chunks.",
    ("kind", "stage"),
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
OPERATIONS_ENDED = Counter("countinghouse_operations_ended", "Operations that ended.", ("kind", "state"))
SCHEDULE_RUNS = Counter("countinghouse_schedule_runs", "Runs of schedules.", ("cause", "outcome"))
LOOPS_FAILED = Counter("countinghouse_loop_failures", "Loops that broke off and were begun anew.", ("loop",))
ESCALATED = Counter("countinghouse_escalated", "Assignments and tasks that were moved to the exception queue.")
FORGOTTEN = Counter("countinghouse_forgotten_rows", "Rows that were deleted for their age.", ("kind",))

CONNECTIONS = Gauge(
    "countinghouse_database_connections",
    "Connections of the pools that are in use.",
    ("process",),
    multiprocess_mode="livesum",
)
CONNECTIONS_MAX = Gauge(
    "countinghouse_database_connections_max",
    "Connections that the pools may have.",
    ("process",),
    multiprocess_mode="livesum",
)


def _latest(name: str, text: str, *labels: str) -> Gauge:
    """A gauge of what stands in the database, whichever process took it last."""
    return Gauge(name, text, labels, multiprocess_mode="mostrecent")


TAKEN = _latest("countinghouse_census_timestamp_seconds", "When the figures of the database were taken, Unix time.")
OPERATIONS = _latest("countinghouse_operations", "Operations that have not ended.", "state")
OPERATIONS_OLDEST = _latest(
    "countinghouse_operations_oldest_seconds", "Age of the oldest operation that has not ended.", "state"
)
OPERATIONS_UNMOVED = _latest(
    "countinghouse_operations_unmoved_seconds", "Since when the operation has not moved that has not longest.", "state"
)
CHUNKS = _latest("countinghouse_chunks", "Chunks of operations that have not ended.", "state")
WORKERS = _latest("countinghouse_workers", "Workers whose lease holds.")
DELIVERIES = _latest("countinghouse_deliveries", "Deliveries that are pending or were given up.", "kind", "state")
DELIVERIES_OLDEST = _latest(
    "countinghouse_deliveries_oldest_seconds", "Age of the oldest delivery that is pending.", "kind"
)
PENDING = _latest("countinghouse_pending_details", "Details not extracted; an estimate beyond 100,000.")
PENDING_OLDEST = _latest("countinghouse_pending_details_oldest_seconds", "Age of the oldest detail not extracted.")
RECEIPTS_AWAITED = _latest("countinghouse_receipts_awaited", "Messages sent that the receiver has said nothing of.")
BATCHES_AWAITED = _latest("countinghouse_receipts_awaited_batches", "Batches that hold such messages.")
BATCHES_AWAITED_OLDEST = _latest(
    "countinghouse_receipts_awaited_oldest_seconds", "Since when the oldest such batch is completed."
)
ASSIGNMENTS_OVERDUE = _latest(
    "countinghouse_assignments_overdue", "Assignments that have not ended and are past their deadline."
)
TASKS = _latest("countinghouse_tasks", "Entries of work queues that are not closed.", "queue")
INVOICE_BATCHES = _latest("countinghouse_invoice_batches", "Invoice batches that are not over.", "state")
INVOICE_BATCHES_HELD = _latest(
    "countinghouse_invoice_batches_held_seconds", "Since when the invoice batch that is held longest is held."
)
SCHEDULES_LATE = _latest("countinghouse_schedules_late_seconds", "How late the latest schedule is; 0 when none is.")

FORGETTING_DONE = _latest("countinghouse_retention_timestamp_seconds", "When what is old was last deleted, Unix time.")


def watch_pool(database: Database, process: str) -> None:
    """Show how many connections of a database are in use, beside those of other processes of the kind."""
    in_use = CONNECTIONS.labels(process)
    CONNECTIONS_MAX.labels(process).set(database.limits.connections)
    database.watch(taken=in_use.inc, given_back=in_use.dec)
