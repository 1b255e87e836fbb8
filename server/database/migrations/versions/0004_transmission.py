"""Chained manifests of data file sets."""

from __future__ import annotations

from alembic import op

from domain.kernel.columns import int32, text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("data_file_set", int32("manifest_count", default=0))
    op.add_column("data_file_set", text("manifest_sha256", default=""))
    # What is there already was not chained; the next manifest carries the hash of the last of them.
    seen = "FROM data_file f WHERE f.set_code = data_file_set.code AND f.manifest = 1 AND f.visible_us > 0"
    last = "ORDER BY f.visible_us DESC, f.operation_id DESC, f.position DESC LIMIT 1"
    op.execute(
        f"UPDATE data_file_set SET manifest_count = (SELECT COUNT(*) {seen}),"  # noqa: S608 - made of the literals above
        f" manifest_sha256 = COALESCE((SELECT f.sha256 {seen} {last}), '')"
    )
