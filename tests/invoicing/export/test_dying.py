"""Workers that export and publish are killed at every point: in the end all is as if nobody had been."""

from __future__ import annotations

import random
import signal
import time
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import pytest
from sqlalchemy import Connection

from domain.invoicing.batches import counting, publishing
from domain.invoicing.batches.model import EngineRequest
from domain.invoicing.batches.states import BatchState
from domain.invoicing.configuration.registers import CYCLES
from domain.invoicing.export import engines
from domain.invoicing.export.gathering import drafts
from domain.invoicing.export.model import Draft, ExportState
from domain.invoicing.export.rendering import FORMS, rendered
from domain.invoicing.invoices.states import InvoiceState
from domain.kernel.registers import service as registers
from server.database.transaction import Database
from tests.invoicing.export.dock import Dock
from tests.invoicing.export.workers import ExportPlan
from tests.operations import processes, tally
from tests.operations.processes import Crash, When
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]

KILLED = -signal.SIGKILL
AMOUNTS = {f"A{number}": 1_000 + number for number in range(7)}


@pytest.fixture
def dock(database: Database, tmp_path: Path) -> Dock:
    """A house that exports, on either database; seven invoices are ordered, and have recipients."""
    return Dock(database, tmp_path / "files")


def ordered(dock: Dock) -> str:
    """A batch that waits for export."""
    batch_id = dock.ordered(AMOUNTS).batch_id
    dock.receive(*AMOUNTS)
    return batch_id


def begun(dock: Dock, batch_id: str) -> str:
    """The operation by which a batch is exported, which has not begun yet."""
    before = dock.batch(batch_id).operation_id
    dock.do(lambda tx: engines.start(tx, dock.call, EngineRequest()))
    while dock.batch(batch_id).operation_id == before:
        assert dock.step()
    return dock.batch(batch_id).operation_id


def written(dock: Dock, batch_id: str) -> dict[str, str]:
    """The SHA-256 that each file of a batch must have, by name: its invoices written without any job."""
    batch = dock.batch(batch_id)

    def read(tx: Connection) -> list[Draft]:
        settings = registers.get(tx, CYCLES, batch.cycle_code).settings
        spans = counting.cut(tx, batch, [InvoiceState.LOCKED], 100)
        return [draft for span in spans for draft in drafts(tx, batch, settings, span)]

    found = {}
    for draft in dock.database.read(read):
        assert draft.document is not None
        for form, content in rendered(draft.document, tuple(FORMS)).items():
            found[f"{draft.document.number}.{FORMS[form].suffix}"] = sha256(content).hexdigest()
    assert len(found) == 3 * len(AMOUNTS)
    return found


def outcome(dock: Dock, batch_id: str) -> tuple[Any, ...]:
    """All that comes of an export, less ids and times."""
    shown = dock.shown(batch_id)
    record = dock.record(batch_id)
    stored = {each for each in dock.folder.rglob("*") if each.is_file()}
    assert stored == {dock.folder / each.path for each in shown}, "nothing else is left in the folder"
    files = [(each.file_name, each.size_bytes, each.sha256, each.record_count) for each in shown if not each.manifest]
    return (
        files,
        (record.export_no, record.state, record.attempt_count, record.exported_count, record.failed_count),
        dock.states(batch_id)[-2:],
    )


@pytest.mark.rule("INV-06", "INV-13", "INV-15", "PLT-22")
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_exporter_killed_at_any_commit(dock: Dock, when: When, crash_run: int) -> None:
    """What is gone on with has the same files, bytes for bytes, one record, and one transition."""
    chance = random.Random(f"{when} {crash_run}")
    batch_id = ordered(dock)
    wanted = written(dock, batch_id)
    operation_id = begun(dock, batch_id)
    plan = ExportPlan(
        url=dock.database.url, until=operation_id, crash=Crash(chance.randrange(2, 14), when), folder=dock.folder
    )
    assert processes.finish(plan) in {0, KILLED}
    seen = dock.shown(batch_id)
    assert len(seen) in {0, 22}, "a set is seen whole, or not at all"
    assert bool(seen) == (dock.batch(batch_id).state is BatchState.READY_FOR_PUBLISH)
    processes.finish_here(ExportPlan(url=plan.url, until=operation_id, folder=dock.folder), dock.database)
    files, record, states = outcome(dock, batch_id)
    assert {name: sha for name, _, sha, _ in files} == wanted
    assert record == (1, ExportState.DONE, 1, 7, 0)
    assert states == [BatchState.ORDERED, BatchState.READY_FOR_PUBLISH]


@pytest.mark.rule("INV-06", "INV-13", "INV-15", "PLT-22", "PLT-23")
def test_exporters_killed_at_random_share_a_batch_without_loss(dock: Dock, crash_run: int) -> None:
    """Two workers, one killed again and again at any instant: the files are those of an undisturbed one."""
    chance = random.Random(crash_run)
    batch_id = ordered(dock)
    wanted = written(dock, batch_id)
    operation_id = begun(dock, batch_id)
    _share(dock, operation_id, chance)
    files, record, states = outcome(dock, batch_id)
    assert {name: sha for name, _, sha, _ in files} == wanted
    assert record == (1, ExportState.DONE, 1, 7, 0)
    assert states == [BatchState.ORDERED, BatchState.READY_FOR_PUBLISH]


@pytest.mark.rule("INV-08", "INV-13", "PLT-22")
@pytest.mark.parametrize("when", ["before", "after", "any"])
def test_a_publisher_killed_at_any_point(dock: Dock, when: When | Literal["any"], crash_run: int) -> None:
    """Readers see the batch only once all is marked; each detail is marked once, and the batch published once."""
    chance = random.Random(f"{when} {crash_run}")
    dock.configure(workflow="no-export", formats=())
    batch_id = ordered(dock)
    dock.export()
    operation_id = dock.do(lambda tx: publishing.publish(tx, dock.call, batch_id)).operation_id
    if when == "any":
        _share(dock, operation_id, chance)
    else:
        crash = Crash(chance.randrange(2, 9), when)
        plan = ExportPlan(url=dock.database.url, until=operation_id, crash=crash, folder=dock.folder)
        assert processes.finish(plan) in {0, KILLED}
        if dock.batch(batch_id).state is BatchState.PUBLISHED:
            assert all(dock.invoiced().values()), "what readers see is marked"
        processes.finish_here(ExportPlan(url=plan.url, until=operation_id, folder=dock.folder), dock.database)
    assert list(dock.invoiced().values()) == [True] * 21
    batch = dock.batch(batch_id)
    assert (batch.state, batch.counts["marked"]) == (BatchState.PUBLISHED, 21)
    assert dock.states(batch_id).count(BatchState.PUBLISHED) == 1


def _share(dock: Dock, operation_id: str, chance: random.Random) -> None:
    """Two workers finish an operation, of which one is killed three times."""
    plan = ExportPlan(url=dock.database.url, until=operation_id, folder=dock.folder, lease_s=2)
    workers = [processes.start(plan) for _ in range(2)]
    try:
        for _ in range(3):
            time.sleep(chance.uniform(0.02, 0.25))
            victim = workers.pop(chance.randrange(2))
            victim.kill()
            assert processes.ended(victim) in {0, KILLED}
            workers.append(processes.start(plan))
        wait_for(lambda: tally.look(dock.database, operation_id).state.ended, 60, "the end")
    finally:
        for worker in workers:
            worker.kill()
            processes.ended(worker)
