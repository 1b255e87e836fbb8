"""Notification endpoints and deliveries."""

from __future__ import annotations

from typing import Any

import sqlalchemy
from alembic import op
from sqlalchemy import Column

from domain.kernel.columns import flag, int32, int64, json_text, text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    _table(
        "delivery",
        text("delivery_id", key=True),
        text("kind"),
        text("target"),
        text("key"),
        text("subject", default=""),
        text("event_type", default=""),
        json_text("payload"),
        text("state"),
        int32("attempts", default=0),
        int32("redeliveries", default=0),
        int64("epoch", default=0),
        flag("claimed", default=0),
        int64("next_attempt_us", default=0),
        int64("since_us"),
        int64("created_us"),
        int64("attempted_us", default=0),
        int64("ended_us", default=0),
        text("reason", default=""),
        text("message", default=""),
        int64("scope_id", default=0),
    )
    _index("delivery_key_once_per_target", "delivery", ["key", "target"], unique=True)
    _index("ix_delivery_target", "delivery", ["target", "delivery_id"])
    _index("ix_delivery_subject", "delivery", ["subject", "delivery_id"])
    due = ["kind", "target", "next_attempt_us", "delivery_id"]
    _index("ix_delivery_due", "delivery", due, where="state = 'PENDING'")
    _index("ix_delivery_claimed", "delivery", ["kind", "target"], where="claimed = 1")
    _index("ix_delivery_given_up", "delivery", ["delivery_id"], where="state = 'GIVEN_UP'")
    _index("ix_delivery_ended", "delivery", ["ended_us"], where="ended_us > 0")
    _index("ix_delivery_scope", "delivery", ["scope_id", "delivery_id"], where="scope_id != 0")
    _table(
        "delivery_target",
        text("kind", key=True),
        text("target", key=True),
        int32("failures"),
        int64("failing_since_us"),
        int64("paused_until_us", default=0),
    )
    _table(
        "notification_endpoint",
        text("endpoint_id", key=True),
        text("url"),
        json_text("event_types"),
        text("description", default=""),
        flag("disabled", default=0),
        text("key_id"),
        int32("secret_no", default=1),
        int64("old_secret_until_us", default=0),
        int64("version", default=1),
        int64("created_us"),
        int64("updated_us"),
        int64("scope_id", default=0),
    )
    _index(
        "ix_notification_endpoint_scope", "notification_endpoint", ["scope_id", "endpoint_id"], where="scope_id != 0"
    )


def _table(name: str, *parts: Column[Any]) -> None:
    op.create_table(name, *parts, sqlite_strict=True, sqlite_with_rowid=False, postgresql_with={"fillfactor": 50})


def _index(name: str, table: str, columns: list[str], *, unique: bool = False, where: str = "") -> None:
    condition = sqlalchemy.text(where) if where else None
    op.create_index(name, table, columns, unique=unique, postgresql_where=condition, sqlite_where=condition)
