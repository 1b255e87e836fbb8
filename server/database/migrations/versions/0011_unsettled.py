"""Billing: what was estimated, who is served at a premise, and of which window an exception is, are found."""

from __future__ import annotations

import sqlalchemy
from alembic import op

from domain.kernel.columns import text

revision = "0011"
down_revision = "0010"

_INDEXES = (
    ("ix_service_agreement_premise", "service_agreement", ["premise_id"], "premise_id != ''"),
    ("ix_service_agreement_rate", "service_agreement", ["rate_code", "type_code", "end_day"], "rate_code != ''"),
    (
        "ix_bill_segment_estimated",
        "bill_segment",
        ["account_id", "agreement_id"],
        "estimated = 1 AND stale = 0 AND state IN ('FREEZABLE', 'FROZEN')",
    ),
)


def upgrade() -> None:
    op.add_column("billing_exception", text("window_code", default=""))
    op.execute(
        "UPDATE billing_exception SET window_code = (SELECT b.window_code FROM bill b"
        " WHERE b.account_id = billing_exception.account_id AND b.bill_id = billing_exception.bill_id)"
        " WHERE bill_id <> '' AND state = 'OPEN'"
    )
    for name, table, columns, condition in _INDEXES:
        where = sqlalchemy.text(condition)
        op.create_index(name, table, columns, postgresql_where=where, sqlite_where=where)
