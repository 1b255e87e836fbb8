"""The tables that every room stands on."""

from __future__ import annotations

from sqlalchemy import Index

from domain.kernel.columns import blob, flag, int64, json_text, table, text

event = table(
    "event",
    text("owner", key=True),  # the resource name that it is about
    int64("sequence", key=True),  # from 1, per owner
    text("event_id"),
    text("type"),
    int64("at_us"),
    text("caller", default=""),
    text("method", default=""),
    text("request_id", default=""),
    text("operation_id", default=""),
    flag("audit", default=0),
    json_text("payload"),
)
Index("event_id_unique", event.c.event_id, unique=True)
Index("ix_event_caller", event.c.caller, event.c.event_id)
Index("ix_event_operation", event.c.operation_id, event.c.event_id)

idempotency = table(
    "idempotency",
    text("caller", key=True),
    text("method", key=True),
    text("request_id", key=True),
    blob("digest"),  # SHA-256 of the deterministic request less its request id
    blob("answer"),  # the serialized answer
    int64("created_us"),
)
Index("ix_idempotency_created_us", idempotency.c.created_us)

sequence = table(
    "sequence",
    text("name", key=True),
    int64("next_value"),
)

secret = table(
    "secret",
    text("name", key=True),  # `page_tokens`: the key by which page tokens are signed
    blob("value"),
)
