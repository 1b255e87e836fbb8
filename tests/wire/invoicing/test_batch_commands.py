"""`countinghouse invoicing close`, `batches`, `why`, `watch` and what moves a batch on: screens of a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.database.transaction import Database
from tests.client.command import run
from tests.invoicing.batches.house import IN_APRIL, House
from tests.support.server import Served, serving


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


def _squeezed(text: str) -> str:
    return " ".join(text.split())
