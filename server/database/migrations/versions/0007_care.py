"""What care needs: duties that one process at a time does for all."""

from __future__ import annotations

from alembic import op

from domain.kernel.columns import int64, json_text, text

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "duty",
        text("name", key=True),
        text("holder", default=""),
        int64("until_us", default=0),
        int64("done_us", default=0),
        json_text("outcome"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 50},
    )
