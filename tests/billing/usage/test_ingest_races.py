"""Several who send usage at the same time; on both databases."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Connection, update

from domain.billing.accounts.store import lock_accounts
from domain.billing.segments.states import SegmentState
from domain.billing.tables import bill_segment, interval_data, usage_replaced
from domain.billing.usage.gathering import gather
from domain.billing.usage.ingest import Ingested
from domain.billing.usage.model import Gathered
from server.database.transaction import Database
from tests.billing.usage.samples import ESTIMATE, keep_intervals, part, utc, wanted
from tests.billing.usage.shop import add_segment, group, kept, open_shop, take_in, taken

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


DAYS = part(20260501, 20260503)
HOURS = [utc("2026-04-30 23:00") + hour * 3_600_000_000 for hour in range(48)]
LATE: dict[int | str, str] = {HOURS[30]: "5"}
QUESTION = replace(wanted("A", DAYS, missing=ESTIMATE), profiles=("HOURLY",))


def lacking(database: Database) -> None:
    """Two days in May that lack an hour."""
    open_shop(database)
    database.write(lambda tx: keep_intervals(tx, "A", "HOURLY", {at: 1 for at in HOURS if at not in LATE}))


def estimated(tx: Connection) -> Gathered:
    """What is known of them to whoever bills the account."""
    lock_accounts(tx, ["A"])
    return gather(tx, [QUESTION])["A"]


@pytest.mark.rule("BIL-21", "BIL-24")
def test_data_that_come_beside_a_bill_wait_for_its_estimate(database: Database) -> None:
    """Else neither would see the other: what is frozen meanwhile is stale once they are in."""
    lacking(database)
    with ThreadPoolExecutor(1) as pool:

        def bill(tx: Connection) -> Future[Ingested]:
            assert estimated(tx).estimated  # type: ignore[union-attr]
            late = pool.submit(take_in, database, group("HOURLY", LATE))
            with pytest.raises(TimeoutError):
                late.result(0.5)
            add_segment(tx, "MAY", 20260501, 20260503, SegmentState.FROZEN)
            tx.execute(update(bill_segment).values(estimated=1))
            return late

        late = database.write(bill)
        assert late.result(30).stale_segments == ("accounts/A/billSegments/MAY",)


@pytest.mark.rule("BIL-21", "BIL-24")
def test_an_estimate_waits_for_data_that_are_coming_in(database: Database) -> None:
    """And is none, once they are there."""
    lacking(database)
    with ThreadPoolExecutor(1) as pool:

        def come(tx: Connection) -> Future[Gathered]:
            taken(tx, group("HOURLY", LATE))
            bill = pool.submit(database.write, estimated)
            with pytest.raises(TimeoutError):
                bill.result(0.5)
            return bill

        bill = database.write(come)
        assert not bill.result(30).estimated  # type: ignore[union-attr]
