"""`countinghouse invoicing export`, `exports`, `failures`, `requeue`, `publish`: screens of a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.database.transaction import Database
from tests.client.command import run
from tests.wire.invoicing.exporting import AMOUNTS, Exporting, exporting


@pytest.fixture
def at_work(database: Database, migrated_url: str, tmp_path: Path) -> Iterator[Exporting]:
    """A server whose March is ordered; two of its three accounts have a recipient."""
    with exporting(database, migrated_url, tmp_path) as found:
        found.ordered(invoice_batch_id="march")
        found.receive("A", "B")
        yield found


@pytest.mark.rule("INV-06", "INV-07", "INV-15", "INV-18")
def test_a_batch_is_exported_and_published_on_the_command_line(at_work: Exporting, tmp_path: Path) -> None:
    """What could not be exported is told with its reason; mended, it is gone on with, downloaded and published."""

    def shown(*words: str, code: int = 0) -> str:
        found = run(at_work.served.target, *words)
        assert found.exit_code == code, found.output
        return " ".join((found.stdout + found.stderr).split())

    assert "march 1 pending data-files" in shown("invoicing", "exports", "--state", "pending")
    assert "countinghouse invoicing export --watch" in shown("invoicing", "why", "march")
    tried = shown("invoicing", "export", "--cycle", "CYCLE", "--watch", code=9)
    for words in ("begun 1", "1 of 3 invoices could not be exported", "countinghouse invoicing failures march"):
        assert words in tried
    failed = shown("invoicing", "failures", "march")
    assert "C/" in failed
    assert "RECIPIENT_MISSING" in failed
    assert "EXPORT_INCOMPLETE" in shown("invoicing", "why", "march")
    at_work.receive("C")
    assert "march 1 pending data-files" in shown("invoicing", "requeue", "march")
    told = json.loads(run(at_work.served.target, "invoicing", "export", "--watch", "-o", "json").stdout)
    (record,) = told["exportRecords"]
    assert (told["startedCount"], record["state"], record["exportedCount"]) == (
        "1",
        "EXPORT_RECORD_STATE_DONE",
        str(len(AMOUNTS)),
    )
    assert "begun 0" in shown("invoicing", "export", "--watch")
    got = tmp_path / "got"
    assert "2026-00000001.pdf" in shown("files", "download", "invoices-march", "-d", str(got))
    assert len(list(got.iterdir())) == 10
    assert "sound: files 10" in shown("files", "verify", "invoices-march")
    assert "countinghouse invoicing publish march --watch" in shown("invoicing", "why", "march")
    assert "7 ready for publish" in shown("invoicing", "publish", "march", "--validate-only")
    published = shown("invoicing", "publish", "march", "--watch")
    for words in ("state 8 published", "exported 3", "files invoices-march", "published 20"):
        assert words in published
    assert "INVOICE_BATCH_TRANSITION_ILLEGAL" in shown("invoicing", "publish", "march", code=5)
    assert "EXPORT_RECORD_DONE" in shown("invoicing", "requeue", "march", code=5)
    assert shown("invoicing", "invoices", "--published").count("published") == 3


@pytest.mark.rule("INV-06")
def test_what_is_not_there_is_said_on_the_command_line(at_work: Exporting) -> None:
    """A batch without a record, and one that there is not."""
    nothing = run(at_work.served.target, "invoicing", "requeue", "none")
    assert nothing.exit_code == 2
    assert "has no export record" in nothing.output
    assert "INVOICE_BATCH_NOT_FOUND" in run(at_work.served.target, "invoicing", "publish", "none").output
    begun = run(at_work.served.target, "invoicing", "export")
    assert (begun.exit_code, "begun" in begun.output) == (0, True)
    at_work.rest()
