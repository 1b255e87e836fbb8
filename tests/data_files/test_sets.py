"""Data file sets: visible whole, locked and unlocked, listed without gaps."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Event

import pytest
from sqlalchemy import Connection

from domain.data_files import service, store
from domain.data_files.errors import DataFileSetLocked, DataFileSetStale, OffsetPastEnd
from domain.data_files.model import DataFile, DataFileSet, Total, difference_of, sum_of
from domain.kernel import events
from domain.kernel.call import Call
from domain.kernel.errors import NotFound
from domain.kernel.events import AuditFilter
from domain.kernel.paging import Page
from server.database.transaction import Database

CALL = Call(caller="fay", method="a.Service/Method", request_id="r", now_us=1_000_000, operation_id="op1")
FILE = DataFile(
    set_code="S1",
    file_name="a.json",
    operation_id="op1",
    position=1,
    path="op1/a.json",
    media_type="application/json",
    size_bytes=10,
    sha256="0" * 64,
    record_count=2,
    totals={"USD": Total(5, 7)},
    manifest=False,
    created_us=1,
)


def written(tx: Connection, operation_id: str, *names: str, code: str = "S1") -> None:
    """Record files of a run."""
    for position, name in enumerate(names, 1):
        file = replace(FILE, set_code=code, file_name=name, operation_id=operation_id, position=position)
        store.add_file(tx, file)


def shown(tx: Connection, operation_id: str, code: str = "S1", now_us: int = 1_000_000) -> DataFileSet:
    """End a run: its files become visible."""
    return service.reveal_run(tx, replace(CALL, operation_id=operation_id, now_us=now_us), code, "May")


def run(database: Database, operation_id: str, *names: str, code: str = "S1", now_us: int = 1_000_000) -> DataFileSet:
    """A run that writes files and ends."""

    def write(tx: Connection) -> DataFileSet:
        written(tx, operation_id, *names, code=code)
        return shown(tx, operation_id, code, now_us)

    return database.write(write)


@pytest.mark.rule("PLT-30")
def test_a_run_is_seen_whole_in_a_set_made_at_that_moment(database: Database) -> None:
    """Before, neither set nor files are found; then all of them, with their facts."""
    database.write(lambda tx: written(tx, "op1", "a.json", "b.json"))
    for look in (lambda tx: service.get_set(tx, "S1"), lambda tx: service.get_file(tx, "S1", "a.json")):
        with pytest.raises(NotFound):
            database.read(look)
    found = database.write(lambda tx: shown(tx, "op1"))
    assert (found.name, found.description, found.locked) == ("dataFileSets/S1", "May", False)
    assert (found.file_count, found.size_bytes, found.version) == (2, 20, 1)
    assert database.read(lambda tx: service.get_set(tx, "S1")) == found
    file = database.read(lambda tx: service.get_file(tx, "S1", "a.json"))
    assert file == replace(FILE, visible_us=1_000_000)


@pytest.mark.rule("PLT-30", "GLX-19")
def test_a_locked_set_gains_nothing(database: Database) -> None:
    """The run's files stay unseen until it is unlocked."""
    run(database, "op1", "a.json")
    database.write(lambda tx: service.lock(tx, CALL, "S1", ""))
    database.write(lambda tx: written(tx, "op2", "b.json"))
    with pytest.raises(DataFileSetLocked):
        database.write(lambda tx: shown(tx, "op2"))
    with pytest.raises(DataFileSetLocked):
        database.read(lambda tx: service.refuse_closed(tx, "S1"))
    assert database.read(lambda tx: service.get_set(tx, "S1")).file_count == 1
    database.write(lambda tx: service.unlock(tx, CALL, "S1", ""))
    assert database.write(lambda tx: shown(tx, "op2")).file_count == 2


@pytest.mark.rule("PLT-10", "PLT-30")
def test_locking_takes_the_etag_last_seen(database: Database) -> None:
    """A stale one is refused; none locks whatever changed; locking a locked set changes nothing."""
    run(database, "op1", "a.json")
    locked = database.write(lambda tx: service.lock(tx, CALL, "S1", "1"))
    assert (locked.locked, locked.etag) == (True, "2")
    assert database.write(lambda tx: service.lock(tx, CALL, "S1", "2")) == locked
    with pytest.raises(DataFileSetStale):
        database.write(lambda tx: service.unlock(tx, CALL, "S1", "1"))
    assert not database.write(lambda tx: service.unlock(tx, CALL, "S1", "")).locked
    with pytest.raises(NotFound):
        database.write(lambda tx: service.lock(tx, CALL, "S2", ""))
    trail = database.read(
        lambda tx: events.list_audit(tx, AuditFilter(resource="dataFileSets/S1"), before_id="", limit=10)
    )
    assert [entry.type.partition(".")[2] for entry in trail] == ["unlocked", "locked", "created"]


@pytest.mark.rule("PLT-30", "PLT-10")
def test_a_lock_and_a_run_at_once_have_one_winner(database: Database) -> None:
    """The run waits for whoever is locking, and is then refused."""
    run(database, "op1", "a.json")
    database.write(lambda tx: written(tx, "op2", "b.json"))
    locked, go_on = Event(), Event()

    def slow_lock(tx: Connection) -> None:
        service.lock(tx, CALL, "S1", "")
        locked.set()
        assert go_on.wait(20)

    with ThreadPoolExecutor(2) as pool:
        locking = pool.submit(database.write, slow_lock)
        assert locked.wait(20)
        showing = pool.submit(database.write, lambda tx: shown(tx, "op2"))
        with pytest.raises(TimeoutError):
            showing.result(0.3)
        go_on.set()
        locking.result(20)
        with pytest.raises(DataFileSetLocked):
            showing.result(20)


@pytest.mark.rule("PLT-30", "GLX-20")
def test_two_runs_that_make_one_set_both_stand_in_it(database: Database) -> None:
    """The later one waits for the other and finds the set made."""
    database.write(lambda tx: written(tx, "op1", "a.json"))
    database.write(lambda tx: written(tx, "op2", "b.json", "c.json"))
    made, go_on = Event(), Event()

    def slow(tx: Connection) -> DataFileSet:
        found = shown(tx, "op1")
        made.set()
        assert go_on.wait(20)
        return found

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(database.write, slow)
        assert made.wait(20)
        second = pool.submit(database.write, lambda tx: shown(tx, "op2"))
        go_on.set()
        assert (first.result(20).file_count, second.result(20).file_count) == (1, 3)
    assert database.read(lambda tx: service.get_set(tx, "S1")).version == 2


@pytest.mark.rule("PLT-08", "PLT-30")
def test_sets_are_listed_without_gaps_while_some_are_added(database: Database) -> None:
    """Newest first, of one instant by code; sets that come meanwhile are on no later page."""
    for n, code in enumerate(("S2", "S1", "S4", "S3", "S5")):
        run(database, f"op{n}", "a", code=code, now_us=n // 2 + 1)
    codes: list[str] = []
    page = Page(2, None)
    while True:
        found = database.read(partial(service.list_sets, page=page))
        codes += [one.code for one in found[:2]]
        if len(found) <= 2:
            break
        run(database, f"late{len(codes)}", "x", code=f"N{len(codes)}", now_us=99)
        page = Page(2, [found[1].created_us, found[1].code])
    assert codes == ["S5", "S4", "S3", "S2", "S1"]


@pytest.mark.rule("PLT-08", "PLT-30")
def test_files_are_listed_run_by_run(database: Database) -> None:
    """By page; a run that ends meanwhile comes behind."""
    run(database, "op1", "b", "a", now_us=5)
    database.write(lambda tx: written(tx, "op0", "c", "d"))
    first = database.read(lambda tx: service.list_files(tx, "S1", "", Page(1, None)))
    database.write(lambda tx: shown(tx, "op0", now_us=6))
    rest = database.read(
        lambda tx: service.list_files(tx, "S1", "", Page(10, [first[0].visible_us, "op1", first[0].position]))
    )
    assert [file.file_name for file in (first[0], *rest)] == ["b", "a", "c", "d"]
    alone = database.read(lambda tx: service.list_files(tx, "S1", "op0", Page(10, None)))
    assert [file.file_name for file in alone] == ["c", "d"]
    with pytest.raises(NotFound):
        database.read(lambda tx: service.list_files(tx, "S9", "", Page(10, None)))


@pytest.mark.rule("PLT-31")
def test_an_offset_lies_in_the_file(database: Database) -> None:
    """At its end nothing is left to send; behind it is out of range, and the size is told."""
    run(database, "op1", "a.json")
    assert database.read(lambda tx: service.file_from(tx, "S1", "a.json", 10)).size_bytes == 10
    with pytest.raises(OffsetPastEnd) as refused:
        database.read(lambda tx: service.file_from(tx, "S1", "a.json", 11))
    assert refused.value.details["size_bytes"] == "10"


@pytest.mark.rule("PLT-03")
def test_totals_are_added_currency_by_currency() -> None:
    """Never across; what cancels out is left out of a difference."""
    usd, both = {"USD": Total(1, 2)}, {"USD": Total(10, 0), "EUR": Total(0, 5)}
    assert sum_of([usd, both, usd]) == {"USD": Total(12, 4), "EUR": Total(0, 5)}
    assert difference_of(both, {"USD": Total(10, 0)}) == {"EUR": Total(0, 5)}
    assert difference_of(usd, usd) == {}
