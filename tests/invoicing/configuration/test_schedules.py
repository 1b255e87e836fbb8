"""Schedules that are there, those that are made, and what batches do to them, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection

from domain.invoicing.configuration import schedule_changes, schedules
from domain.invoicing.configuration.errors import (
    ScheduleBetweenOthers,
    ScheduleClosed,
    ScheduleHasInvoices,
    ScheduleInBatch,
    SchedulesFarBehind,
)
from domain.invoicing.configuration.model import Schedule, ScheduleState
from domain.invoicing.configuration.schedules import MADE_MAX, ScheduleKey
from domain.invoicing.tables import invoice
from domain.kernel import events
from domain.kernel.call import Call
from domain.kernel.errors import Invalid, NotFound
from domain.kernel.events import AuditFilter
from domain.kernel.paging import Page
from domain.kernel.time import instant_us
from server.database.transaction import Database
from tests.invoicing.configured import put_cycle

T = TypeVar("T")
BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: ZoneInfo = BERLIN) -> int:
    """An instant by the clock of a zone."""
    return instant_us(datetime.fromisoformat(text).replace(tzinfo=zone))


NOW = at("2026-04-10T09:00:00")
CALL = Call(caller="ada", method="a.B/C", request_id="r1", now_us=NOW)


class World:
    """A database with a cycle."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def do(self, fn: Callable[[Connection], T]) -> T:
        """A transaction that changes something."""
        return self._database.write(fn)

    def covering(self, moment: str, cycle: str = "CYCLE") -> Schedule:
        """The schedule that takes new invoices at a moment."""
        return self.do(lambda tx: schedules.covering(tx, CALL, cycle, at(moment)))

    def next_after(self, schedule: Schedule) -> Schedule:
        """The open one behind a schedule."""
        return self.do(lambda tx: schedules.next_after(tx, CALL, schedule))

    def create(self, code: str, start: str = "", end: str = "") -> Schedule:
        """A schedule that somebody adds."""
        given = {"start_us": at(start) if start else 0, "end_us": at(end) if end else 0}
        return self.do(lambda tx: schedule_changes.create(tx, CALL, ScheduleKey("CYCLE", code), given))

    def update(self, old: Schedule, start: str = "", end: str = "") -> Schedule:
        """A schedule that somebody changes."""
        given = {"start_us": at(start) if start else 0, "end_us": at(end) if end else 0}
        return self.do(lambda tx: schedule_changes.update(tx, CALL, key_of(old), old.etag, given))

    def delete(self, old: Schedule) -> None:
        """A schedule that somebody deletes."""
        self.do(lambda tx: schedule_changes.delete(tx, CALL, key_of(old), old.etag))

    def all(self) -> list[Schedule]:
        """The schedules of the cycle."""
        return self._database.read(lambda tx: schedules.list_page(tx, "CYCLE", Page(1_000, None)))

    def spans(self) -> list[tuple[str, str]]:
        """Their starts and ends by the clock of Berlin."""
        return [(wall(each.start_us), wall(each.end_us)) for each in self.all()]


def key_of(schedule: Schedule) -> ScheduleKey:
    return ScheduleKey(schedule.cycle_code, schedule.code)


def wall(us: int) -> str:
    return datetime.fromtimestamp(us // 1_000_000, BERLIN).strftime("%Y-%m-%dT%H:%M:%S")


@pytest.fixture
def world(database: Database) -> World:
    """A cycle of months in Berlin."""
    database.write(put_cycle)
    return World(database)


@pytest.mark.rule("INV-11")
def test_a_cycle_without_schedules_has_that_of_the_month(world: World) -> None:
    """It is made once, and the same for whoever asks."""
    found = world.covering("2026-04-10T09:00:00")
    assert (found.code, found.made, found.state) == ("2026-04-01", True, ScheduleState.OPEN)
    assert world.spans() == [("2026-04-01T00:00:00", "2026-05-01T00:00:00")]
    assert world.covering("2026-04-30T23:59:59") == found
    assert world.covering("2026-05-01T00:00:00").code == "2026-05-01"


@pytest.mark.rule("INV-11")
def test_all_that_are_missing_up_to_now_are_made(world: World) -> None:
    """Without a gap from the last one on, one period after another."""
    world.create("first", "2026-01-31T00:00:00", "2026-02-28T00:00:00")
    found = world.covering("2026-05-30T12:00:00")
    assert world.spans() == [
        ("2026-01-31T00:00:00", "2026-02-28T00:00:00"),
        ("2026-02-28T00:00:00", "2026-03-31T00:00:00"),
        ("2026-03-31T00:00:00", "2026-04-30T00:00:00"),
        ("2026-04-30T00:00:00", "2026-05-31T00:00:00"),
    ]
    assert found == world.all()[-1]


@pytest.mark.rule("INV-11")
def test_the_next_one_is_made_when_there_is_none(world: World) -> None:
    """And is the one that is there from then on."""
    first = world.covering("2026-04-10T09:00:00")
    second = world.next_after(first)
    assert (second.start_us, second.made) == (first.end_us, True)
    assert world.next_after(first) == second
    assert len(world.all()) == 2


@pytest.mark.rule("INV-11")
def test_what_is_closed_takes_nothing_any_more(world: World) -> None:
    """What a slow clock still holds for now goes to the next open one, and so does what is carried."""
    first = world.covering("2026-04-10T09:00:00")
    second = world.next_after(first)
    world.do(lambda tx: schedules.close(tx, CALL, schedules.lock_named(tx, "CYCLE", [first.code, second.code])))
    third = world.covering("2026-04-10T09:00:00")
    assert third.start_us == second.end_us
    assert world.next_after(first) == third


@pytest.mark.rule("INV-11")
def test_before_the_first_schedule_the_first_takes_invoices(world: World) -> None:
    """Nothing is lost that comes early."""
    first = world.create("first", "2026-06-01T00:00:00")
    assert world.covering("2026-04-10T09:00:00") == first


@pytest.mark.rule("INV-11")
def test_a_code_that_somebody_took_is_given_a_number(world: World) -> None:
    """What is made always has a code."""
    world.create("2026-05-01", "2026-04-01T00:00:00", "2026-05-01T00:00:00")
    assert world.covering("2026-05-10T00:00:00").code == "2026-05-01-2"


@pytest.mark.rule("INV-11")
def test_a_cycle_that_was_left_alone_for_too_long_is_refused(world: World) -> None:
    """What ended too many periods ago is not caught up with, until somebody bridges it."""
    world.do(lambda tx: put_cycle(tx, "DAILY", period_unit="DAYS"))
    world.do(
        lambda tx: schedule_changes.create(
            tx, CALL, ScheduleKey("DAILY", "old"), {"start_us": at("2001-01-01T00:00:00"), "end_us": 0}
        )
    )
    with pytest.raises(SchedulesFarBehind, match=f"{MADE_MAX:,} periods"):
        world.covering("2026-04-10T09:00:00", "DAILY")
    world.do(
        lambda tx: schedule_changes.create(
            tx, CALL, ScheduleKey("DAILY", "bridge"), {"start_us": 0, "end_us": at("2026-04-09T00:00:00")}
        )
    )
    assert world.covering("2026-04-10T09:00:00", "DAILY").code == "2026-04-10"


@pytest.mark.rule("INV-02")
def test_an_end_of_23_59_59_means_that_whole_second(world: World) -> None:
    """A schedule holds [start, end): the next one starts at midnight, and one microsecond before is still held."""
    for end in ("2026-03-31T23:59:59", "2026-03-31T23:59:59.999999"):
        found = world.create("march", "2026-03-01T00:00:00", end)
        assert found.end_us == at("2026-04-01T00:00:00")
        world.delete(found)
    found = world.create("march", "2026-03-01T00:00:00", "2026-03-31T23:59:59")
    assert world.do(lambda tx: schedules.lock_ended(tx, "CYCLE", now_us=found.end_us)) == []
    assert world.do(lambda tx: schedules.lock_ended(tx, "CYCLE", now_us=found.end_us + 1)) == [found]
    assert world.covering("2026-03-31T23:59:59.999999") == found
    assert world.covering("2026-04-01T00:00:00") != found
    assert world.create("may", "", "2026-05-31T22:59:59").end_us == at("2026-05-31T22:59:59")


@pytest.mark.rule("INV-02")
@pytest.mark.parametrize(
    ("start", "end", "field", "reason"),
    [
        ("2026-05-02T00:00:00", "2026-06-01T00:00:00", "start_time", "SCHEDULE_GAP"),
        ("2026-02-01T00:00:00", "2026-03-31T00:00:00", "end_time", "SCHEDULE_GAP"),
        ("2026-04-30T00:00:00", "2026-06-01T00:00:00", "start_time", "SCHEDULE_OVERLAP"),
        ("2026-03-01T00:00:00", "2026-04-02T00:00:00", "start_time", "SCHEDULE_OVERLAP"),
        ("2026-04-05T00:00:00", "2026-04-06T00:00:00", "start_time", "SCHEDULE_OVERLAP"),
        ("2026-03-01T00:00:00", "2026-06-01T00:00:00", "start_time", "SCHEDULE_OVERLAP"),
        ("2026-05-01T00:00:00", "2026-05-01T00:00:00", "end_time", "SCHEDULE_ENDS_BEFORE_START"),
        ("2026-05-01T00:00:00", "2200-01-02T00:00:00", "end_time", "SCHEDULE_ENDS_TOO_LATE"),
    ],
)
def test_gaps_and_overlaps_are_refused(world: World, start: str, end: str, field: str, reason: str) -> None:
    """A new one starts where the last ends, or ends where the first starts."""
    world.create("april", "2026-04-01T00:00:00", "2026-05-01T00:00:00")
    with pytest.raises(Invalid) as refused:
        world.create("new", start, end)
    assert (f"invoice_schedule.{field}", reason) in [(each.field, each.reason) for each in refused.value.violations]
    assert len(world.all()) == 1


@pytest.mark.rule("INV-02")
def test_schedules_are_added_at_either_edge(world: World) -> None:
    """Without times they go on from the last one."""
    world.create("april", "2026-04-01T00:00:00", "2026-05-01T00:00:00")
    world.create("march", "2026-03-10T00:00:00", "2026-04-01T00:00:00")
    world.create("may")
    assert world.spans()[0] == ("2026-03-10T00:00:00", "2026-04-01T00:00:00")
    assert world.spans()[2] == ("2026-05-01T00:00:00", "2026-06-01T00:00:00")


@pytest.mark.rule("INV-02")
def test_only_the_edges_of_a_cycle_are_moved(world: World) -> None:
    """The start of the first one and the end of the last one."""
    april = world.create("april", "2026-04-01T00:00:00", "2026-05-01T00:00:00")
    may = world.create("may")
    april = world.update(april, start="2026-03-15T00:00:00")
    may = world.update(may, end="2026-06-14T23:59:59")
    assert world.spans() == [
        ("2026-03-15T00:00:00", "2026-05-01T00:00:00"),
        ("2026-05-01T00:00:00", "2026-06-15T00:00:00"),
    ]
    for old, changes, reason in (
        (april, {"end": "2026-04-20T00:00:00"}, "SCHEDULE_GAP"),
        (april, {"end": "2026-05-20T00:00:00"}, "SCHEDULE_OVERLAP"),
        (may, {"start": "2026-05-20T00:00:00"}, "SCHEDULE_GAP"),
        (may, {"start": "2026-04-20T00:00:00"}, "SCHEDULE_OVERLAP"),
        (may, {"end": "2026-05-01T00:00:00"}, "SCHEDULE_ENDS_BEFORE_START"),
    ):
        with pytest.raises(Invalid) as refused:
            world.update(old, **changes)
        assert refused.value.code == reason


@pytest.mark.rule("INV-02", "PLT-10")
def test_what_a_batch_holds_or_has_closed_stays(world: World) -> None:
    """And is changed again once it is released."""
    april = world.create("april", "2026-04-01T00:00:00", "2026-05-01T00:00:00")
    world.do(lambda tx: schedules.hold(tx, CALL, schedules.lock_named(tx, "CYCLE", ["april"]), "B1"))
    held = world.all()[0]
    with pytest.raises(ScheduleInBatch, match="invoiceBatches/B1"):
        world.update(held, end="2026-05-02T00:00:00")
    with pytest.raises(ScheduleInBatch):
        world.do(lambda tx: schedules.hold(tx, CALL, schedules.lock_named(tx, "CYCLE", ["april"]), "B2"))
    world.do(lambda tx: schedules.close(tx, CALL, schedules.lock_of_batch(tx, "B1")))
    closed = world.all()[0]
    assert (closed.state, closed.batch_id) == (ScheduleState.CLOSED, "B1")
    with pytest.raises(ScheduleClosed):
        world.delete(closed)
    world.do(lambda tx: schedules.release(tx, CALL, schedules.lock_of_batch(tx, "B1")))
    freed = world.all()[0]
    assert (freed.state, freed.batch_id, freed.start_us) == (ScheduleState.OPEN, "", april.start_us)
    world.update(freed, end="2026-05-02T00:00:00")


@pytest.mark.rule("INV-02")
def test_the_edges_are_deleted_that_have_no_invoices(world: World) -> None:
    """One between others never is."""
    codes = ("april", "may", "june")
    april, may, june = [world.create(code, "2026-04-01T00:00:00" if code == "april" else "") for code in codes]
    with pytest.raises(ScheduleBetweenOthers):
        world.delete(may)
    keys = {"account_id": "A1", "invoice_id": "I1", "cycle_code": "CYCLE", "schedule_code": "june"}
    world.do(lambda tx: tx.execute(invoice.insert().values(**keys, currency="EUR", created_us=1, updated_us=1)))
    with pytest.raises(ScheduleHasInvoices):
        world.delete(june)
    world.delete(april)
    world.delete(may)
    assert [each.code for each in world.all()] == ["june"]


@pytest.mark.rule("PLT-11")
def test_what_happens_to_schedules_is_in_the_trail(world: World) -> None:
    """Also what is made by itself."""
    found = world.covering("2026-04-10T09:00:00")
    world.do(lambda tx: schedules.hold(tx, CALL, schedules.lock_named(tx, "CYCLE", [found.code]), "B1"))
    wanted = AuditFilter(resource=found.name)
    trail = world.do(lambda tx: events.list_audit(tx, wanted, before_id="", limit=10))
    assert [each.type for each in trail] == ["invoice_schedule.held", "invoice_schedule.made"]
    assert trail[0].payload["from"]["batch_id"] == ""
    assert trail[0].payload["to"]["batch_id"] == "B1"


def test_what_there_is_not_is_not_found(world: World) -> None:
    """Neither a cycle nor a schedule."""
    with pytest.raises(NotFound, match="billingCycles/NONE does not exist"):
        world.covering("2026-04-10T09:00:00", "NONE")
    with pytest.raises(NotFound, match="schedules/none does not exist"):
        world.do(lambda tx: schedules.lock_named(tx, "CYCLE", ["none"]))
