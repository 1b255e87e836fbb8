"""Schedules; the trace that an operation belongs to."""

from __future__ import annotations

import sqlalchemy
from alembic import op

from domain.kernel.columns import int64, json_text, text

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("operation", text("traceparent", default=""))
    op.create_table(
        "schedule",
        text("code", key=True),
        text("description", default=""),
        text("kind"),
        json_text("request"),
        json_text("relative_dates"),
        text("cron"),
        text("time_zone", default=""),
        text("missed"),
        text("state"),
        text("caller"),
        int64("scope_id", default=0),
        int64("version", default=1),
        int64("runs_made", default=0),
        int64("next_us", default=0),
        int64("created_us"),
        int64("updated_us"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    due = sqlalchemy.text("next_us > 0")
    op.create_index("ix_schedule_due", "schedule", ["next_us"], postgresql_where=due, sqlite_where=due)
    op.create_table(
        "schedule_run",
        text("schedule_code", key=True),
        int64("run_no", key=True),
        text("cause"),
        text("outcome"),
        int64("scheduled_us"),
        int64("missed_since_us", default=0),
        int64("at_us"),
        text("caller"),
        text("operation_id", default=""),
        text("reason", default=""),
        text("message", default=""),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
