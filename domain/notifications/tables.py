"""The endpoints that are notified."""

from __future__ import annotations

from sqlalchemy import Index

from domain.kernel.columns import flag, int32, int64, json_text, table, text

notification_endpoint = table(
    "notification_endpoint",
    text("endpoint_id", key=True),
    text("url"),
    json_text("event_types"),  # a list; empty: all
    text("description", default=""),
    flag("disabled", default=0),
    text("key_id"),  # tells which master key its secrets are derived from
    int32("secret_no", default=1),  # grows with each rotation; the secret itself is nowhere kept
    int64("old_secret_until_us", default=0),  # until then the secret before signs, too
    int64("version", default=1),
    int64("created_us"),
    int64("updated_us"),
    int64("scope_id", default=0),
    fillfactor=50,
)
Index(
    "ix_notification_endpoint_scope",
    notification_endpoint.c.scope_id,
    notification_endpoint.c.endpoint_id,
    postgresql_where=notification_endpoint.c.scope_id != 0,
    sqlite_where=notification_endpoint.c.scope_id != 0,
)
