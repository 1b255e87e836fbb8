"""The first schema."""

from __future__ import annotations

import secrets

from alembic import op
from sqlalchemy import text

from domain.schema import metadata

revision = "0001"
down_revision = None

GROWING = ("accounting_detail_no",)
GAPLESS = ("extraction_batch_no", "message_id")


def upgrade() -> None:
    connection = op.get_bind()
    metadata.create_all(connection)
    rows_of = list(GAPLESS)
    if connection.dialect.name == "postgresql":
        for name in GROWING:
            op.execute(f"CREATE SEQUENCE {name} AS BIGINT INCREMENT BY 1000 START WITH 1000 MINVALUE 1000")
    else:
        rows_of += GROWING
    rows = [{"name": name} for name in rows_of]
    connection.execute(text("INSERT INTO sequence (name, next_value) VALUES (:name, 1)"), rows)
    key = {"value": secrets.token_bytes(32)}
    connection.execute(text("INSERT INTO secret (name, value) VALUES ('page_tokens', :value)"), key)
