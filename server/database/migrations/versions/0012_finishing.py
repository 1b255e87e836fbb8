"""Invoicing: how often a batch had changed at each transition, what the lock has to post, room for changed invoices.

Watches go on from the first. Of sums that are there already nobody knows whose lines they hold: they are looked at.
"""

from __future__ import annotations

from alembic import op

from domain.kernel.columns import flag, int64

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("invoice_batch_transition", int64("version", default=0))
    op.execute(
        "UPDATE invoice_batch_transition SET version ="
        " (SELECT b.version FROM invoice_batch b WHERE b.batch_id = invoice_batch_transition.batch_id)"
    )
    op.add_column("invoice_tax", flag("own", default=1))
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE invoice SET (fillfactor = 45)")  # of rows that come; those that are there stay
