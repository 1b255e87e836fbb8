"""`countinghouse invoicing close`, `batches`, `why`, `watch` and what moves a batch on: screens of a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from server.database.transaction import Database
from tests.client.command import run
from tests.invoicing.batches.house import IN_APRIL, House
from tests.support.server import Served, serving
from tests.support.waiting import wait_for
from tests.wire.invoicing.batching import Batching


@pytest.fixture
def month(database: Database, migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    """A server on 1 April, with three invoices of March, of which one is below the minimum."""
    house = House(database, minimum_usage={"EUR": 1_000})
    house.charge({"A": 5_000, "B": 1_000, "C": 400})
    house.now_us = IN_APRIL
    with serving(migrated_url, tmp_path, clock_us=lambda: house.now_us) as served:
        yield served


@pytest.mark.rule("INV-18", "INV-01")
def test_a_month_is_closed_on_the_command_line(month: Served) -> None:
    """From close to the order of its export, with what it waits for at every step and the command that goes on."""

    def shown(*words: str) -> str:
        found = run(month.target, "invoicing", *words)
        assert found.exit_code == 0, found.stderr
        return str(found.stdout + found.stderr)

    closed = shown("close", "CYCLE", "--now", "--batch", "march", "--watch")
    for words in ("state      3 closed", "closed     2", "countinghouse invoicing why march"):
        assert words in closed
    why = shown("why", "march")
    for words in ("the engine takes it on", "countinghouse invoicing engine", "countinghouse invoicing cancel march"):
        assert words in why
    assert "started" in shown("engine")
    month_end = run(month.target, "invoicing", "batches", "-o", "json")
    (batch,) = json.loads(month_end.stdout)
    run(month.target, "ops", "watch", batch["operation"])
    assert "2 invoices are not aggregated" in _squeezed(shown("why", "march")) or "2 of 2" in shown("why", "march")
    assert "aggregated" in shown("aggregate", "march")
    shown("engine")
    (batch,) = json.loads(run(month.target, "invoicing", "batches", "-o", "json").stdout)
    run(month.target, "ops", "watch", batch["operation"])
    board = shown("batches")
    for words in ("march", "6 ordered", "its export"):
        assert words in board
    history = shown("why", "march")
    for words in ("1 pending close", "5 ready for sending", "RunInvoiceBatchEngine", "CreateInvoiceBatch"):
        assert words in history
    seen = run(month.target, "invoicing", "watch", "march", "--max-wait", "1")
    assert "6 ordered: 2 closed, 1 moved" in _squeezed(seen.stdout + seen.stderr)


@pytest.mark.rule("INV-18", "INV-21")
def test_what_cannot_be_done_is_said_on_the_command_line(month: Served) -> None:
    """Neither now nor a time; a retry of what has not failed; then it is canceled."""
    assert "say either --now or --at" in run(month.target, "invoicing", "close", "CYCLE").stderr
    later = run(month.target, "invoicing", "close", "CYCLE", "--at", "2026-05-02", "--batch", "later")
    assert "2026-05-02" in later.stdout
    assert "INVOICE_BATCH_TRANSITION_ILLEGAL" in run(month.target, "invoicing", "retry", "later").stderr
    canceled = run(month.target, "invoicing", "cancel", "later")
    assert "10 canceled" in canceled.stdout
    assert "later" not in run(month.target, "invoicing", "batches").stdout
    assert "later" in run(month.target, "invoicing", "batches", "--all").stdout


@pytest.mark.rule("INV-18", "INV-13")
def test_a_pass_of_the_engine_is_watched(month: Served) -> None:
    """Each batch that it moves on, and where it stands then."""

    def shown(*words: str) -> str:
        found = run(month.target, "invoicing", *words)
        assert found.exit_code == 0, found.stderr
        return _squeezed(found.stdout + found.stderr)

    shown("close", "CYCLE", "--now", "--batch", "march", "--watch")
    moved = shown("engine", "--watch")
    assert "march, 3 closed:" in moved
    assert "started 1" in moved
    assert "march CYCLE 4 aggregating" in moved
    assert "march" not in shown("engine", "--watch")
    shown("aggregate", "march")
    assert "march CYCLE 6 ordered" in shown("engine", "--watch")
    assert "6 ordered" in shown("batch", "march")
    assert shown("history", "march").split().count("RunInvoiceBatchEngine") == 3


@pytest.mark.rule("INV-09", "INV-18")
def test_a_pass_that_ends_with_a_failure_says_so(batching: Batching) -> None:
    """All invoices were moved: the batch has none."""
    batching.house.charge({"A": 400})
    batching.house.now_us = IN_APRIL
    batching.close(invoice_batch_id="march")
    failed = run(batching.served.target, "invoicing", "engine", "--watch")
    assert failed.exit_code == 9
    assert "march CYCLE 9 error" in _squeezed(failed.stdout)
    assert "it has no invoices" in failed.stdout


@pytest.mark.rule("INV-01", "INV-18")
def test_a_batch_that_closes_at_a_time_is_watched_until_it_has(batching: Batching) -> None:
    """By whatever runs the engine then."""
    house = batching.house
    house.charge({"A": 5_000})
    target = batching.served.target
    words = ("close", "CYCLE", "--at", "2026-04-01T06:00", "--schedule", "2026-03-01", "--batch", "march")
    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(run, target, "invoicing", *words, "--watch", "--max-wait", "30")
        wait_for(lambda: bool(batching.all()))
        house.now_us = IN_APRIL
        batching.engine()
        closed = watching.result(timeout=40)
    assert closed.exit_code == 0, closed.stderr
    assert "1 pending close" in closed.stderr
    assert "closed 1" in _squeezed(closed.stdout)


@pytest.mark.rule("INV-02", "INV-18")
def test_the_end_of_a_schedule_is_moved_on_the_command_line(month: Served) -> None:
    """In the zone of its cycle, or in UTC; a gap is refused, and what is closed."""

    def schedules(*words: str) -> str:
        found = run(month.target, "invoicing", "schedules", *words)
        return _squeezed(found.stdout + found.stderr)

    assert "2026-03-01 2026-03-01 00:00:00+01:00 2026-04-01 00:00:00+02:00 open" in schedules("list", "CYCLE")
    made = schedules("create", "CYCLE", "spring", "--end", "2026-05-15")
    assert "END 2026-05-15 00:00:00+02:00" in made
    moved = schedules("change", "CYCLE", "spring", "--end", "2026-04-20T22:00:00Z")
    assert "END 2026-04-21 00:00:00+02:00" in moved
    assert "END 2026-04-22 00:00:00+02:00" in schedules("change", "CYCLE", "spring", "--end", "2026-04-21T23:59:59")
    assert "SCHEDULE_GAP" in schedules("change", "CYCLE", "2026-03-01", "--end", "2026-03-30")
    assert "ETAG" in schedules("change", "CYCLE", "spring", "--end", "2026-04-30", "--etag", "0")
    assert "is no time such as" in schedules("change", "CYCLE", "spring", "--end", "2026-02-30")
    assert "say a new --end" in schedules("change", "CYCLE", "spring")
    assert "Would be deleted" in schedules("delete", "CYCLE", "spring", "--validate-only")
    assert "Deleted: spring" in schedules("delete", "CYCLE", "spring")
    assert "spring" not in schedules("list", "CYCLE")


def _squeezed(text: str) -> str:
    return " ".join(text.split())
