"""What the release before has written of invoices is there after the upgrade, and good enough to go on with."""

from __future__ import annotations

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from server.database.engine import WRITES, open_engine
from server.database.migrate import FOLDER, migrate

BEFORE = "0011"
BATCH = (
    "INSERT INTO invoice_batch (batch_id, cycle_code, state, state_since_us, version, created_us, updated_us)"
    " VALUES ('B', 'CYCLE', 'AGGREGATING', 1, 7, 1, 1)"
)
TRANSITION = (
    "INSERT INTO invoice_batch_transition (batch_id, transition_no, from_state, to_state, at_us, caller)"
    " VALUES ('B', 1, '', 'PENDING_CLOSE', 1, 'ada')"
)
TAX = (
    "INSERT INTO invoice_tax (account_id, invoice_id, tax_category, tax_ppm, net_minor, tax_minor, reckoned_minor)"
    " VALUES ('A', 'I', 'S', 190000, 100, 19, 0)"
)


@pytest.mark.rule("PLT-40", "INV-16")
def test_sums_of_the_release_before_are_looked_at_by_the_lock(database_url: str) -> None:
    """Whether they hold lines that no bill has made was not noted: they may, so that nothing stays unposted."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    engine = open_engine(database_url, create=True)
    with engine.connect().execution_options(**{WRITES: True}) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, BEFORE)
        for statement in (BATCH, TRANSITION, TAX):
            connection.execute(text(statement))
        connection.commit()
    assert migrate(database_url) == ["0012"]
    with engine.connect() as connection:
        assert connection.execute(text("SELECT own, tax_minor FROM invoice_tax")).all() == [(1, 19)]
        assert connection.execute(text("SELECT version FROM invoice_batch_transition")).scalar_one() == 7
    engine.dispose()
