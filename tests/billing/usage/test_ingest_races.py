"""Several who send usage at the same time; on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.billing.accounts.store import lock_accounts
from domain.billing.segments.states import SegmentState
from domain.billing.tables import interval_data, usage_replaced
from server.database.transaction import Database
from tests.billing.usage.samples import utc
from tests.billing.usage.shop import add_segment, group, kept, open_shop, take_in

WRITERS, ROWS = 4, 300
START = utc("2026-05-01 00:00")


@pytest.mark.rule("BIL-24")
def test_rows_that_several_send_at_once_are_stored_once(database: Database) -> None:
    """In whatever order each has them: every row is accepted of one writer, and a duplicate of all others."""
    open_shop(database)
    rows = {START + number * 3_600_000_000: str(number) for number in range(ROWS)}
    orders = [list(rows.items())[writer * 7 :] + list(rows.items())[: writer * 7] for writer in range(WRITERS)]
    with ThreadPoolExecutor(WRITERS) as pool:
        done = list(pool.map(lambda order: take_in(database, group("HOURLY", order)), orders))
    assert sum(each.accepted for each in done) == ROWS
    assert sum(each.duplicate for each in done) == ROWS * (WRITERS - 1)
    assert not any(each.refusals for each in done)
    assert len(kept(database, interval_data)) == ROWS


@pytest.mark.rule("BIL-24")
def test_corrections_that_several_send_at_once_are_revisions_of_each_other(database: Database) -> None:
    """None is lost: every value that was known is kept, and revisions have no gap."""
    open_shop(database)
    take_in(database, group("HOURLY", [(START, "1000")]))

    def correct(writer: int) -> int:
        return take_in(database, group("HOURLY", [(START, str(writer))]), correction=True).replaced

    with ThreadPoolExecutor(WRITERS) as pool:
        assert sum(pool.map(correct, range(WRITERS))) == WRITERS
    ((*_, last, _, _, revision, _),) = kept(database, interval_data)
    replaced = kept(database, usage_replaced)
    assert revision == WRITERS + 1
    assert [row[3] for row in replaced] == list(range(1, WRITERS + 1))
    assert {row[4] for row in replaced} | {last} == {1000, *range(WRITERS)}


@pytest.mark.rule("BIL-24")
def test_a_correction_waits_for_who_bills_the_account(database: Database) -> None:
    """So the segment that is frozen meanwhile of the old value is found; what is new waits for nobody."""
    open_shop(database)
    take_in(database, group("HOURLY", [(START, "1")]))
    with ThreadPoolExecutor(1) as pool:

        def bill(tx: object) -> object:
            lock_accounts(tx, ["A"])  # type: ignore[arg-type]
            corrected = pool.submit(take_in, database, group("HOURLY", [(START, "2")]), correction=True)
            with pytest.raises(TimeoutError):
                corrected.result(0.5)
            add_segment(tx, "MAY", 20260501, 20260601, SegmentState.FROZEN)  # type: ignore[arg-type]
            return corrected

        corrected = database.write(bill)
        done = corrected.result(30)  # type: ignore[attr-defined]
    assert done.stale_segments == ("accounts/A/billSegments/MAY",)
