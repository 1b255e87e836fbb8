"""Scopes: who may see what; and approvals: what a second person must agree to."""

from __future__ import annotations

from typing import Any

import sqlalchemy
from alembic import op
from sqlalchemy import Column

from domain.kernel.columns import blob, flag, int64, json_text, text

revision = "0002"
down_revision = "0001"

SCOPED = {
    "event": ["event_id"],
    "operation": ["created_us", "operation_id"],
    "data_file_set": ["created_us", "code"],
    "extraction_batch": ["batch_no"],
}
"""What carries the scope of what it concerns, and by what it is listed."""


def upgrade() -> None:
    _table(
        "scope",
        int64("scope_id", key=True),
        flag("all_ledgers"),
        flag("all_clients"),
        flag("all_cycles"),
        json_text("document"),
    )
    _table("scope_code", int64("scope_id", key=True), text("kind", key=True), text("code", key=True))
    for table, order in SCOPED.items():
        op.add_column(table, int64("scope_id", default=0))
        limited = sqlalchemy.text("scope_id != 0")
        columns = ["scope_id", *order]
        op.create_index(f"ix_{table}_scope", table, columns, postgresql_where=limited, sqlite_where=limited)
    _approvals()


def _approvals() -> None:
    _table(
        "approval",
        text("approval_id", key=True),
        text("state"),
        text("method"),
        text("permission"),
        text("caller"),
        blob("digest"),
        text("request_type"),
        blob("request"),
        int64("created_us"),
        int64("expire_us"),
        text("decider", default=""),
        int64("decided_us", default=0),
        text("reason", default=""),
        int64("used_us", default=0),
        int64("scope_id", default=0),
    )
    live = sqlalchemy.text("state IN ('PENDING', 'APPROVED')")
    call = ["caller", "method", "digest"]
    name = "approval_of_a_call_unique"
    op.create_index(name, "approval", call, unique=True, postgresql_where=live, sqlite_where=live)
    op.create_index("ix_approval_state", "approval", ["state", "approval_id"])


def _table(name: str, *columns: Column[Any]) -> None:
    op.create_table(name, *columns, sqlite_strict=True, sqlite_with_rowid=False)
