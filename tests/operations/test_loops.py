"""What goes on in the worker process beside its chunks."""

from __future__ import annotations

import threading

import pytest

from domain.kernel.errors import Unavailable
from server.database.transaction import Database
from server.work import loops as loops_module
from server.work.loops import Loop, Loops
from tests.support.logs import heard
from tests.support.waiting import wait_for


@pytest.mark.rule("PLT-43")
def test_every_loop_ends_soon_after_it_is_told_to(database: Database) -> None:
    """Loops are told to end at once, and waited for."""
    ended: list[str] = []

    def run(name: str) -> Loop:
        def go_on(_database: Database, stopping: threading.Event) -> None:
            stopping.wait(60)
            ended.append(name)

        return Loop(name, go_on)

    loops = Loops(database, (run("one"), run("two")))
    loops.start()
    loops.stop()
    assert loops.join(10)
    assert sorted(ended) == ["one", "two"]


@pytest.mark.rule("PLT-43")
def test_a_loop_that_waits_for_news_is_woken_to_end(database: Database) -> None:
    """It need not look again and again at whether it should."""
    woken = threading.Event()

    def go_on(_database: Database, stopping: threading.Event) -> None:
        while not stopping.is_set():
            assert woken.wait(60)

    loops = Loops(database, (Loop("asleep", go_on, wake=woken.set),))
    loops.start()
    loops.stop()
    assert loops.join(10)


def test_a_loop_that_does_not_end_is_told_of_and_waited_for_no_longer(database: Database) -> None:
    """A loop that does not listen holds nothing up."""
    release = threading.Event()

    def go_on(_database: Database, _stopping: threading.Event) -> None:
        release.wait(60)

    loops = Loops(database, (Loop("deaf", go_on),))
    loops.start()
    loops.stop()
    with heard(loops_module) as logs:
        assert not loops.join(0.05)
    assert logs[0]["loops"] == ["deaf"]
    release.set()
    assert loops.join(10)


@pytest.mark.parametrize("error", [Unavailable("away"), RuntimeError("a bug with 12345.67 in it")])
def test_a_loop_that_fails_is_told_of_and_begun_anew(database: Database, error: Exception) -> None:
    """What goes wrong is logged, without the values that an error of others may hold, and the loop goes on."""
    runs: list[int] = []

    def fail_once(_database: Database, stopping: threading.Event) -> None:
        runs.append(1)
        if len(runs) == 1:
            raise error
        stopping.wait(60)

    loops = Loops(database, (Loop("shaky", fail_once),), pause_s=0.01)
    with heard(loops_module) as logs:
        loops.start()
        wait_for(lambda: len(runs) == 2)
    loops.stop()
    assert loops.join(10)
    (told,) = logs
    assert told["loop"] == "shaky"
    assert "12345.67" not in str(told)
