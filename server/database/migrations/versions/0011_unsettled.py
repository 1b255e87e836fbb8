"""Billing: what was estimated, and who is served at a premise, are found when data or the premise change."""

from __future__ import annotations

import sqlalchemy
from alembic import op

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
    for name, table, columns, condition in _INDEXES:
        where = sqlalchemy.text(condition)
        op.create_index(name, table, columns, postgresql_where=where, sqlite_where=where)
