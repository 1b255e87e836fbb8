"""Approvals."""

from __future__ import annotations

from sqlalchemy import Index

from domain.kernel.columns import blob, int64, table, text

approval = table(
    "approval",
    text("approval_id", key=True),
    text("state"),  # model.State
    text("method"),
    text("permission"),
    text("caller"),  # who made the call
    blob("digest"),  # of the call, as its request id's
    text("request_type"),  # the full name of the message
    blob("request"),  # serialized
    int64("created_us"),
    int64("expire_us"),
    text("decider", default=""),
    int64("decided_us", default=0),
    text("reason", default=""),
    int64("used_us", default=0),
    int64("scope_id", default=0),  # of the call
)
_a = approval.c
_LIVE = _a.state.in_(("PENDING", "APPROVED"))
Index(
    "approval_of_a_call_unique",
    _a.caller,
    _a.method,
    _a.digest,
    unique=True,
    postgresql_where=_LIVE,
    sqlite_where=_LIVE,
)
Index("ix_approval_state", _a.state, _a.approval_id)
