"""Events of claims: their sequences, and their places in the feeds of clients."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import Connection, select

from domain.accounting.feed import service as feed
from domain.accounting.tables import accounting_event, claim
from server.database.transaction import Database
from tests.accounting.claims_and_events import executed, put_claim

_e = accounting_event.c


@pytest.mark.rule("ACC-56")
@pytest.mark.parametrize("many", [1, 200])
def test_events_go_on_where_their_claim_stands(database: Database, many: int) -> None:
    """However many come at once, for however many claims, each claim counts its own without a gap."""

    def record(tx: Connection, times: int) -> None:
        feed.record(tx, [executed(each, f"op-{times}-{n}") for n in range(many) for each in claims])

    claims = [database.write(lambda tx, name=name: put_claim(tx, name)) for name in ("A", "b", "C-3")]
    for times in (1, 2):
        database.write(partial(record, times=times))
    query = select(_e.claim_id, _e.sequence, _e.operation_id).order_by(_e.claim_id, _e.sequence)
    rows = database.read(lambda tx: tx.execute(query).all())
    expected = [f"op-{times}-{n}" for times in (1, 2) for n in range(many)]
    for each in claims:
        mine = [(row.sequence, row.operation_id) for row in rows if row.claim_id == each.claim_id]
        assert mine == list(enumerate(expected, 1))
    assert database.read(lambda tx: set(tx.execute(select(claim.c.events_made)).scalars())) == {2 * many}
