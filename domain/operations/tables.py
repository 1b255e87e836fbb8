"""Operations, their chunks, and the workers that carry them out."""

from __future__ import annotations

from sqlalchemy import Index

from domain.kernel.columns import flag, int32, int64, json_text, table, text

operation = table(
    "operation",
    text("operation_id", key=True),
    text("kind"),  # the job that carries it out
    text("method"),
    text("state"),  # model.State
    text("stage", default=""),  # the stage at work; empty before the first and after the last
    text("description", default=""),
    text("caller"),
    text("request_id", default=""),
    int64("revision", default=1),  # grows with every change: the sequence of a watch
    flag("cancel_requested", default=0),
    int32("recoveries", default=0),
    int32("chunks_made", default=0),  # the last chunk_no given: numbers are never used again
    int32("chunks_open", default=0),  # chunks of the present stage that are not done, failed ones included
    int32("chunks_failed", default=0),  # of them, those set apart with an error
    int64("created_us"),
    int64("started_us", default=0),
    int64("updated_us"),
    int64("ended_us", default=0),
    json_text("request"),  # what the job was asked, as the job reads it
    json_text("progress"),  # {"stages": [...], "counts": {...}, "notices": [...]}
    json_text("result"),
    json_text("error"),
    int64("scope_id", default=0),  # of the caller who started it
    text("traceparent", default=""),  # of the call that started it
    fillfactor=50,
)
Index("ix_operation_created", operation.c.created_us, operation.c.operation_id)
Index(
    "ix_operation_scope",
    operation.c.scope_id,
    operation.c.created_us,
    operation.c.operation_id,
    postgresql_where=operation.c.scope_id != 0,
    sqlite_where=operation.c.scope_id != 0,
)
Index(
    "ix_operation_unfinished",
    operation.c.state,
    postgresql_where=operation.c.ended_us == 0,
    sqlite_where=operation.c.ended_us == 0,
)

chunk = table(
    "chunk",
    text("operation_id", key=True),
    int32("chunk_no", key=True),  # from 1, over all stages
    text("task"),  # model.Task
    text("stage"),
    text("state"),  # model.ChunkState
    int64("epoch", default=0),  # grows with every claim; the fence
    text("worker_id", default=""),
    int32("attempts", default=0),
    int64("not_before_us", default=0),
    int64("items_total", default=0),
    json_text("payload"),
    json_text("error"),
    fillfactor=50,
)
Index(
    "ix_chunk_ready",
    chunk.c.operation_id,
    chunk.c.chunk_no,
    postgresql_where=chunk.c.state == "READY",
    sqlite_where=chunk.c.state == "READY",
)
Index(
    "ix_chunk_claimed",
    chunk.c.operation_id,
    postgresql_where=chunk.c.state == "CLAIMED",
    sqlite_where=chunk.c.state == "CLAIMED",
)

worker = table(
    "worker",
    text("worker_id", key=True),
    text("host"),  # within it `pid` is unique
    int32("pid"),
    int64("started_us"),
    int64("lease_until_us"),  # by the database's clock
    fillfactor=50,
)
