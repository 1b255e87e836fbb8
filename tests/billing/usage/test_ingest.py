"""Interval data and register reads come in; on both databases, with the same rows."""

import random

import pytest
from sqlalchemy import select

from domain.billing.configuration.model import ProfileKind
from domain.billing.segments.states import SegmentState
from domain.billing.tables import bill_segment, interval_data, register_read, usage_replaced
from domain.kernel.quantities import ATTOS, attos_of, split
from domain.kernel.scopes import Scope
from server.database.transaction import Database
from tests.billing.usage.samples import utc
from tests.billing.usage.shop import add_segment, group, kept, open_shop, reasons, take_in

REGISTER = ProfileKind.REGISTER
NOON, ONE = "2026-05-01T12:00:00", "2026-05-01T13:00:00"
NOON_US, ONE_US = utc("2026-05-01 11:00"), utc("2026-05-01 12:00")


@pytest.mark.rule("BIL-24")
def test_rows_are_kept_exactly_as_they_came(database: Database) -> None:
    """To 18 decimals, of any sign, whatever their order; the same on both databases."""
    open_shop(database)
    chance = random.Random(3)
    data = {NOON_US + number * 3_600_000_000: chance.randrange(-(10**33), 10**33) for number in range(500)}
    texts = [(at, f"{attos}e-18") for at, attos in data.items()]
    chance.shuffle(texts)
    done = take_in(database, group("HOURLY", texts))
    assert (done.received, done.accepted, done.duplicate, done.replaced, done.refusals) == (500, 500, 0, 0, ())
    expected = [("A", "HOURLY", at, *split(attos), 1, 0) for at, attos in sorted(data.items())]
    assert kept(database, interval_data) == expected


@pytest.mark.rule("BIL-24")
def test_equal_duplicates_count_once_and_are_reported(database: Database) -> None:
    """Within a chunk, from one to the next, and beside other rows; nothing is stored twice."""
    open_shop(database)
    first = take_in(database, group("HOURLY", [(NOON, "1.5"), (NOON, "1.50"), (NOON_US, "15e-1")]))
    assert (first.accepted, first.duplicate) == (1, 2)
    second = take_in(database, group("HOURLY", [(NOON, "1.5"), (ONE, "2")]))
    assert (second.accepted, second.duplicate, second.refusals) == (1, 1, ())
    assert len(kept(database, interval_data)) == 2


@pytest.mark.rule("BIL-24")
@pytest.mark.parametrize("correction", [False, True])
def test_a_chunk_handed_in_again_changes_nothing(database: Database, correction: bool) -> None:  # noqa: FBT001
    """Its rows are duplicates then, and reads as well as intervals."""
    open_shop(database)
    groups = group("HOURLY", [(NOON, "1"), (ONE, "2")]), group("COUNTER", [(NOON, "7.5")], kind=REGISTER)
    assert take_in(database, *groups, correction=correction).accepted == 3
    before = kept(database, interval_data), kept(database, register_read)
    again = take_in(database, *groups, correction=correction)
    assert (again.accepted, again.duplicate, again.replaced) == (0, 3, 0)
    assert (kept(database, interval_data), kept(database, register_read)) == before


@pytest.mark.rule("BIL-24")
def test_another_value_is_refused_unless_it_is_a_correction(database: Database) -> None:
    """The value that was known stays, also against another one of the same chunk."""
    open_shop(database)
    done = take_in(database, group("HOURLY", [(NOON, "1"), (NOON, "2"), (ONE, "3")]))
    assert reasons(done) == [(1, "quantity", "USAGE_DIFFERS")]
    done = take_in(database, group("HOURLY", [(NOON, "4"), (NOON, "1")]))
    assert reasons(done) == [(0, "quantity", "USAGE_DIFFERS")]
    assert done.duplicate == 1
    estimated = take_in(database, group("HOURLY", [(NOON, "1")], estimated=True))
    assert reasons(estimated) == [(0, "quantity", "USAGE_DIFFERS")]
    assert [row[3] for row in kept(database, interval_data)] == [1, 3]


@pytest.mark.rule("BIL-24")
def test_a_correction_is_a_new_revision_and_the_old_value_is_kept(database: Database) -> None:
    """Each value of one chunk after the other; what is equal or new is taken as ever."""
    open_shop(database)
    take_in(database, group("HOURLY", [(NOON, "1")], estimated=True), now_us=5)
    rows = [(NOON, "2"), (NOON, "2"), (NOON, "3"), (ONE, "9")]
    done = take_in(database, group("HOURLY", rows), correction=True, now_us=6)
    assert (done.accepted, done.duplicate, done.replaced) == (1, 1, 2)
    assert kept(database, interval_data) == [
        ("A", "HOURLY", NOON_US, 3, 0, 0, 3, 0),
        ("A", "HOURLY", ONE_US, 9, 0, 0, 1, 0),
    ]
    assert kept(database, usage_replaced) == [
        ("A", "HOURLY", NOON_US, 1, 1, 0, 0, 1, 6, "importer"),
        ("A", "HOURLY", NOON_US, 2, 2, 0, 0, 0, 6, "importer"),
    ]


@pytest.mark.rule("BIL-24")
def test_a_correction_lists_the_frozen_segments_that_used_the_old_value(database: Database) -> None:
    """And marks them stale, by the days of the profile's zone: its first day begins at 23:00 UTC of the day before."""
    open_shop(database)
    begin, last = utc("2026-05-31 23:00"), utc("2026-06-30 22:00")
    take_in(database, group("HOURLY", [(begin, "1"), (last, "1"), (last + 3_600_000_000, "1")]))

    def bill(tx: object) -> None:
        add_segment(tx, "MAY", 20260501, 20260601, SegmentState.FROZEN)  # type: ignore[arg-type]
        add_segment(tx, "JUNE", 20260601, 20260701, SegmentState.FROZEN)  # type: ignore[arg-type]
        add_segment(tx, "JULY", 20260701, 20260801, SegmentState.FREEZABLE)  # type: ignore[arg-type]

    database.write(bill)
    equal = take_in(database, group("HOURLY", [(begin, "1")]), correction=True)
    assert equal.stale_segments == ()
    changed = take_in(database, group("HOURLY", [(begin, "2"), (last, "2")]), correction=True)
    assert changed.stale_segments == ("accounts/A/billSegments/JUNE",)
    of_each = select(bill_segment.c.segment_id, bill_segment.c.state)
    states = {row[0]: row[1] for row in database.read(lambda tx: tx.execute(of_each).all())}
    assert states == {"MAY": "FROZEN", "JUNE": "FROZEN", "JULY": "INCOMPLETE"}, "what is not frozen is made again"
    unfrozen = take_in(database, group("HOURLY", [(last + 3_600_000_000, "2")]), correction=True)
    assert (unfrozen.replaced, unfrozen.stale_segments) == (1, ())
    stale = bill_segment.c.keys().index("stale")
    version = bill_segment.c.keys().index("version")
    marks = {row[1]: (row[stale], row[version]) for row in kept(database, bill_segment)}
    assert marks == {"MAY": (0, 1), "JUNE": (1, 2), "JULY": (0, 2)}


@pytest.mark.rule("BIL-24")
def test_a_read_that_is_corrected_touches_the_periods_on_both_sides(database: Database) -> None:
    """One ends with it, and the other begins with it."""
    open_shop(database)
    take_in(database, group("COUNTER", [("2026-06-01T09:00", "100")], kind=REGISTER))

    def bill(tx: object) -> None:
        for month, start, end in (
            ("MAY", 20260501, 20260601),
            ("JUNE", 20260601, 20260701),
            ("JULY", 20260701, 20260801),
        ):
            add_segment(tx, month, start, end, SegmentState.FROZEN)  # type: ignore[arg-type]

    database.write(bill)
    changed = take_in(database, group("COUNTER", [("2026-06-01T09:00", "101")], kind=REGISTER), correction=True)
    assert changed.stale_segments == ("accounts/A/billSegments/JUNE", "accounts/A/billSegments/MAY")


@pytest.mark.rule("BIL-24", "BIL-21")
def test_each_row_is_refused_for_what_is_wrong_with_it(database: Database) -> None:
    """And the sound rows beside it are taken."""
    open_shop(database)
    rows: list[tuple[int | str, str]] = [
        (NOON, "0.1234567890123456789"),  # 19 decimals
        (ONE, "1e16"),
        ("2026-05-01T14:00", "one"),
        ("2026-05-01T15:30", "1"),
        ("2026-03-29T01:00", "1"),
        ("2026-10-25T01:00", "1"),
        ("2026-10-25T01:00+00:00", "1"),
        ("2026-02-30T01:00", "1"),
        ("yesterday", ""),
        (0, "1"),
        ("2026-05-01", "1"),
    ]
    done = take_in(database, group("HOURLY", rows))
    assert reasons(done) == [
        (0, "quantity", "QUANTITY_FINER_THAN_18"),
        (1, "quantity", "QUANTITY_TOO_LARGE"),
        (2, "quantity", "QUANTITY_MALFORMED"),
        (3, "start_time", "INTERVAL_UNALIGNED"),
        (4, "start_time", "LOCAL_TIME_SKIPPED"),
        (5, "start_time", "LOCAL_TIME_AMBIGUOUS"),
        (7, "start_time", "TIME_MALFORMED"),
        (8, "start_time", "TIME_MALFORMED"),
        (8, "quantity", "QUANTITY_MALFORMED"),
        (9, "start_time", "INSTANT_OUT_OF_RANGE"),
    ]
    assert done.accepted == 2
    without = take_in(database, group("HOURLY", [("2026-05-02T01:00", "1"), ("2026-05-02T01:00Z", "1")]), zone="")
    assert reasons(without) == [(0, "start_time", "TIME_WITHOUT_ZONE")]


@pytest.mark.rule("BIL-24")
def test_profiles_take_what_is_of_their_kind(database: Database) -> None:
    """An unknown one takes nothing, nor does one whose data are created."""
    open_shop(database)
    row = [(NOON, "1")]
    done = take_in(
        database,
        group("NONE", row),
        group("COUNTER", row),
        group("HOURLY", row, kind=REGISTER),
        group("CREATED", [(NOON, "1"), ("never", "1")]),
        group("HALF_HOURLY", [("2026-05-01T12:30", "1")]),
        group("DAILY", [("2026-05-01", "1"), ("2026-05-01T01:00", "1")]),
        group("COUNTER", [(NOON, "-1"), (ONE, "100000"), ("2026-05-01T14:01", "99999.9")], kind=REGISTER),
    )
    assert reasons(done) == [
        (0, "profile", "PROFILE_UNKNOWN"),
        (1, "profile", "PROFILE_OF_OTHER_KIND"),
        (2, "profile", "PROFILE_OF_OTHER_KIND"),
        (3, "profile", "PROFILE_DATA_CREATED"),
        (4, "start_time", "TIME_MALFORMED"),
        (7, "start_time", "INTERVAL_UNALIGNED"),
        (8, "quantity", "REGISTER_READ_NEGATIVE"),
        (9, "quantity", "REGISTER_READ_BEYOND_DIGITS"),
    ]
    assert done.accepted == 3


@pytest.mark.rule("PLT-14", "BIL-24")
def test_a_profile_outside_the_scope_is_unknown(database: Database) -> None:
    """With the same words as one that is not there."""
    open_shop(database, cycle="NORTH")
    for cycles, accepted in ((frozenset({"SOUTH"}), 0), (frozenset({"NORTH"}), 1)):
        scope = Scope(frozenset(), frozenset(), cycles)
        assert take_in(database, group("HOURLY", [(NOON, "1")]), scope=scope).accepted == accepted
    outside = Scope(frozenset(), frozenset(), frozenset({"SOUTH"}))
    hidden, absent = (
        take_in(database, group(profile, [(NOON, "1")]), scope=outside).refusals[0].violations
        for profile in ("HOURLY", "NONE")
    )
    assert hidden == absent


@pytest.mark.rule("BIL-24")
def test_any_cut_into_chunks_keeps_the_same(database: Database) -> None:
    """Rows of several accounts, some twice and some differing: the first value counts, wherever chunks end."""
    open_shop(database, ("A", "B"))
    chance = random.Random(5)
    rows = [
        (chance.choice("AB"), NOON_US + chance.randrange(40) * 3_600_000_000, str(chance.randrange(2)))
        for _ in range(120)
    ]
    first: dict[tuple[str, int], str] = {}
    for account, at, quantity in rows:
        first.setdefault((account, at), quantity)
    place = refused = 0
    while place < len(rows):
        size = chance.randrange(1, 30)
        cut = rows[place : place + size]
        done = take_in(database, *(group("HOURLY", [(at, quantity)], account=account) for account, at, quantity in cut))
        assert done.received == done.accepted + done.duplicate + len(done.refusals)
        refused += len(done.refusals)
        place += size
    assert refused == sum(first[account, at] != quantity for account, at, quantity in rows)
    found = {(row[0], row[2]): row[3] * ATTOS for row in kept(database, interval_data)}
    assert found == {key: attos_of(quantity) for key, quantity in first.items()}
