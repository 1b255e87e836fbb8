"""Invoicing: how often a batch had changed at each of its transitions, so that watches go on from there."""

from __future__ import annotations

from alembic import op

from domain.kernel.columns import int64

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("invoice_batch_transition", int64("version", default=0))
    op.execute(
        "UPDATE invoice_batch_transition SET version ="
        " (SELECT b.version FROM invoice_batch b WHERE b.batch_id = invoice_batch_transition.batch_id)"
    )
