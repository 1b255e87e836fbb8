"""Writers on SQLite come in the order in which they asked, between threads and between processes."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from server.database.failures import DatabaseBusy
from server.database.writer_lock import FairLock, WriterLock


def test_threads_are_served_in_the_order_of_asking() -> None:
    """Ten wait; they get the lock as they came."""
    lock, order = FairLock(), []
    assert lock.acquire(1)

    def wait(number: int) -> None:
        assert lock.acquire(10)
        order.append(number)
        lock.release()

    threads = [threading.Thread(target=wait, args=(number,)) for number in range(10)]
    for number, thread in enumerate(threads, 1):
        thread.start()
        while len(lock._waiting) < number:
            time.sleep(0.001)
    lock.release()
    for thread in threads:
        thread.join()
    assert order == list(range(10))


def test_who_gives_up_does_not_hold_up_the_others() -> None:
    """A waiter whose time is over leaves the queue; the next one gets the lock."""
    lock = FairLock()
    assert lock.acquire(1)
    assert not lock.acquire(0.01)
    assert not lock.acquire(0)
    lock.release()
    assert lock.acquire(0)


def test_a_writer_that_waits_too_long_is_told_so(tmp_path: Path) -> None:
    """The wait is bounded, whether a thread of the same process holds the lock or another process."""
    one, other = WriterLock(tmp_path / "a.db"), WriterLock(tmp_path / "a.db")
    with one.held(1):
        for waiter in (one, other):
            begun = time.monotonic()
            with pytest.raises(DatabaseBusy), waiter.held(0.2):
                pass
            assert 0.15 < time.monotonic() - begun < 1
    with other.held(0.2), pytest.raises(DatabaseBusy), one.held(0.05):
        pass
    with one.held(0.2):
        pass
    one.close()
    other.close()


def test_processes_that_write_all_the_time_take_turns(tmp_path: Path) -> None:
    """Neither leaves the lock free for longer than an instant; both get their share, and no wait is long."""
    stop = threading.Event()
    waits: tuple[list[float], list[float]] = ([], [])

    def write_always(mine: list[float], write_s: float) -> None:
        lock = WriterLock(tmp_path / "a.db")
        while not stop.is_set():
            begun = time.monotonic()
            with lock.held(10):
                mine.append(time.monotonic() - begun)
                time.sleep(write_s)
        lock.close()

    threads = [
        threading.Thread(target=write_always, args=(mine, write_s))
        for mine, write_s in zip(waits, (0.02, 0.003), strict=True)
    ]
    for thread in threads:
        thread.start()
    time.sleep(1.5)
    stop.set()
    for thread in threads:
        thread.join()
    writes = sorted(map(len, waits))
    assert writes[0] > 0.4 * writes[1]
    assert max(waits[0] + waits[1]) < 0.7


def test_the_lock_of_a_dead_process_is_free(tmp_path: Path) -> None:
    """The kernel gives it up with the process's last descriptor, however the process ended."""
    program = (
        "import os, pathlib, sys; from server.database.writer_lock import WriterLock\n"
        "with WriterLock(pathlib.Path(sys.argv[1])).held(1): print('held', flush=True); sys.stdin.read()"
    )
    path = tmp_path / "a.db"
    alive = WriterLock(path)
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(DatabaseBusy), alive.held(0.1):
            pass
        holder.kill()
    with alive.held(0.1):
        pass
    alive.close()
