"""How many calls and watches, how large, and how long."""

from __future__ import annotations

from pydantic import BaseModel, Field


class CallLimits(BaseModel):
    """How many calls and watches, how large, and how long."""

    workers: int = Field(1, ge=1, le=256, description="RPC processes; more than 1 on PostgreSQL only")
    connections: int = Field(8, ge=2, le=256, description="database connections, and threads, of an RPC process")
    waiting_max: int = Field(256, ge=1, description="calls that may wait for a connection before more are refused")
    wait_ms: int = Field(
        20,
        ge=1,
        le=60_000,
        description="how long a call may have to wait for one, from when too many waited until it is calm",
    )
    message_bytes_max: int = Field(8 << 20, ge=64 << 10, le=256 << 20, description="largest request message, in bytes")
    call_timeout_s: float = Field(60, gt=0, le=3_600, description="longest unary call, and the default deadline")
    report_timeout_s: float = Field(
        900,
        gt=0,
        le=86_400,
        description="longest look-ahead, reconciliation or check, which read every detail they are about",
    )
    stream_timeout_s: float = Field(86_400, gt=0, description="longest stream, and its default deadline")
    statement_timeout_s: float = Field(30, gt=0, le=3_600, description="longest transaction of a call")
    start_timeout_s: float = Field(60, gt=0, description="how long to wait for the database at start")
    shutdown_grace_s: float = Field(25, ge=0, description="how long running calls and chunks may take on SIGTERM")
    watches_max: int = Field(4_000, ge=1, description="watches open at once in one process")
    watches_per_caller_max: int = Field(2_000, ge=1, description="of them, watches of one caller")
    uploads_max: int = Field(8, ge=1, description="bulk streams open at once in one process")
    uploads_per_caller_max: int | None = Field(
        None, ge=1, description="of them, streams of one caller; if not set half of them"
    )
    calls_per_caller_max: int = Field(200, ge=1, description="unary calls of one caller at once in one process")
    watch_heartbeat_s: float = Field(30, gt=0, description="a watch says that it is alive after so long a silence")
    watch_poll_ms: int = Field(
        50, ge=10, le=60_000, description="how often to look at watched operations where no notification is heard"
    )
