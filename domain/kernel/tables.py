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
    int64("scope_id", default=0),
)
Index("event_id_unique", event.c.event_id, unique=True)
Index("ix_event_caller", event.c.caller, event.c.event_id)
Index("ix_event_operation", event.c.operation_id, event.c.event_id)
Index(
    "ix_event_scope",
    event.c.scope_id,
    event.c.event_id,
    postgresql_where=event.c.scope_id != 0,
    sqlite_where=event.c.scope_id != 0,
)

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

scope = table(
    "scope",
    int64("scope_id", key=True),  # made of the content
    flag("all_ledgers"),
    flag("all_clients"),
    flag("all_cycles"),
    json_text("document"),  # {"ledgers": [...], …}: what is named
)

scope_code = table(
    "scope_code",
    int64("scope_id", key=True),
    text("kind", key=True),  # scopes.KINDS
    text("code", key=True),
)

duty = table(
    "duty",  # what one process at a time does for all (`kernel.duties`)
    text("name", key=True),
    text("holder", default=""),
    int64("until_us", default=0),  # when the holder's lease ends
    int64("done_us", default=0),  # when it was last done to the end
    json_text("outcome"),  # what came of it then
    fillfactor=50,
)
