"""How Alembic runs the chain: on the connection that `server.database.migrate` hands over, each step whole or not."""

from __future__ import annotations

from alembic import context

from domain.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=True,
    render_as_batch=False,
)
with context.begin_transaction():
    context.run_migrations()
