"""One atomic outcome: selection, stamps, files and set are there together, or not at all."""

from __future__ import annotations

import re
import resource
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from domain.data_files import service as data_files
from domain.data_files.errors import DataFileSetLocked
from domain.data_files.storage import Written
from domain.gl_extraction import tables
from domain.gl_extraction.extraction.errors import TotalTooLarge
from domain.gl_extraction.extraction.jobs import ChunkSizes
from domain.gl_extraction.extraction.model import Limits, Request
from domain.gl_extraction.extraction.states import BatchState
from domain.kernel.errors import NotFound
from domain.operations.errors import OperationPastCancel
from domain.operations.model import Operation, State
from server.mapping.gl_extraction.extraction import metadata_to_proto
from server.outbound.files import LocalFiles
from tests.gl_extraction.extraction import example
from tests.gl_extraction.extraction.desk import CALLER, Desk
from tests.gl_extraction.samples import row, undone

TWELVE = [row(n, bulking_group=f"B{n % 5}", subject=f"P-{n}") for n in range(12)]


def left_alone(desk: Desk, ids: Iterable[int]) -> bool:
    """Whether all is as it was before any run: details pending, no stamp, no set, no element, no number used."""
    elements = desk.database.read(lambda tx: tx.execute(select(tables.extraction_element.c.element_no)).all())
    blocks = desk.database.read(lambda tx: tx.execute(select(tables.message_block)).all())
    return desk.pending() == set(ids) and not desk.stamps() and not desk.sets() and not elements and not blocks


@pytest.mark.rule("GLX-20", "PLT-24")
@pytest.mark.parametrize("steps", range(7))
def test_a_cancel_before_it_is_prepared_leaves_everything_as_it_was(desk: Desk, steps: int) -> None:
    """Whenever it comes: the details are pending again, the batch is CANCELED and has used no message number."""
    desk.sizes = ChunkSizes(3, 3)
    ids = desk.take_in(TWELVE)
    operation_id = desk.start()
    for _ in range(steps):
        assert desk.step()
    assert desk.look(operation_id).stage in {"select", "group"}
    desk.cancel(operation_id)
    desk.finish()
    assert desk.look(operation_id).state is State.CANCELED
    batch = desk.batch_of(operation_id)
    assert (batch.state, batch.message_count) == (BatchState.CANCELED, 0)
    assert left_alone(desk, ids)
    assert desk.run().result["detail_count"] == 12


@pytest.mark.rule("GLX-20", "PLT-24")
def test_a_canceled_run_that_stamps_anew_leaves_the_old_stamps(desk: Desk) -> None:
    """What was pending is pending again; what carried a stamp carries that one."""
    desk.sizes = ChunkSizes(2, 2)
    stamped = desk.take_in(TWELVE[:8])
    desk.run()
    pending = desk.take_in(TWELVE[8:])
    before = desk.stamps()
    operation_id = desk.start(incremental=False)
    desk.step_until(operation_id, "group")
    assert desk.stamps() != before
    desk.cancel(operation_id)
    desk.finish()
    assert desk.stamps() == before
    assert set(before) == set(stamped)
    assert desk.pending() == set(pending)


@pytest.mark.rule("GLX-03", "PLT-24")
def test_what_was_voided_is_not_pending_again_after_a_cancel(desk: Desk) -> None:
    """Voided while the run selected: the cancel puts back the others alone."""
    ids = desk.take_in(TWELVE)
    operation_id = desk.start()
    desk.step_until(operation_id, "group")
    undone(desk.database, subject="P-0")
    desk.cancel(operation_id)
    desk.finish()
    assert desk.pending() == set(ids[1:])


@pytest.mark.rule("GLX-20", "PLT-24")
@pytest.mark.parametrize("stage", ["write", "publish"])
def test_what_is_prepared_can_only_go_forward(desk: Desk, stage: str) -> None:
    """A cancel is refused; until the end nobody sees stamps, files or set; then all of it."""
    ids = desk.take_in(TWELVE)
    operation_id = desk.start(data_file_set_code="S1")
    desk.step_until(operation_id, stage)
    with pytest.raises(OperationPastCancel):
        desk.cancel(operation_id)
    assert desk.batch_of(operation_id).state is BatchState.PREPARED
    assert desk.sets() == []
    assert desk.look(operation_id).counts.get("stamped", 0) == 0
    with pytest.raises(NotFound):
        desk.files_of("S1")
    desk.finish()
    assert desk.batch_of(operation_id).state is BatchState.COMPLETED
    assert [found.code for found in desk.sets()] == ["S1"]
    assert set(desk.stamps()) == set(ids)


@pytest.mark.rule("GLX-03", "GLX-20")
def test_a_detail_voided_while_the_run_selects_drops_out(desk: Desk) -> None:
    """It was never sent: neither counts nor totals nor stamps know of it, and the undo lists nothing to resend."""
    ids = desk.take_in([*TWELVE, row(50, subject="P-50", debit=("EUR", 5, 0))])
    operation_id = desk.start()
    desk.step_until(operation_id, "group")
    assert undone(desk.database, subject="P-3").to_resend == []
    assert undone(desk.database, subject="P-50").to_resend == []
    desk.finish()
    done = desk.look(operation_id)
    batch = desk.batch_of(operation_id)
    assert done.counts["selected"] == batch.detail_count == 11
    assert set(desk.stamps()) == {*ids} - {ids[3], ids[-1]}
    assert set(batch.totals) == {"USD"}
    assert done.counts["totals"]["USD"] == {"debit": 1_100_00, "credit": 0}
    assert desk.reconcile(batch.batch_no).matches


@pytest.mark.rule("GLX-03", "GLX-20")
def test_a_detail_voided_once_prepared_was_sent(desk: Desk) -> None:
    """The run goes on with it, and the undo lists it as to be resent."""
    desk.take_in(TWELVE)
    operation_id = desk.start()
    desk.step_until(operation_id, "write")
    (to_resend,) = undone(desk.database, subject="P-3").to_resend
    desk.finish()
    batch = desk.batch_of(operation_id)
    assert (to_resend.batch_no, to_resend.detail_count) == (batch.batch_no, 1)
    assert batch.detail_count == 12
    assert desk.reconcile(batch.batch_no).voided_since.detail_count == 1


@pytest.mark.rule("GLX-03", "GLX-20")
def test_all_details_voided_while_the_run_selects_leave_it_empty(desk: Desk) -> None:
    """It completes with zero."""
    desk.take_in(TWELVE[:1])
    operation_id = desk.start()
    desk.step_until(operation_id, "group")
    undone(desk.database, subject="P-0")
    desk.finish()
    done = desk.look(operation_id)
    assert (done.state, done.counts["selected"], done.result["detail_count"]) == (State.SUCCEEDED, 0, 0)
    assert desk.sets() == []


@pytest.mark.rule("GLX-19")
def test_a_locked_set_is_refused_before_anything_is_stamped(desk: Desk) -> None:
    """Nothing is created: no batch, no operation, no number."""
    ids = desk.take_in(TWELVE)
    desk.run(origin="F", grouping="TS-1", data_file_set_code="S1")
    more = desk.take_in([row(99)])
    desk.database.write(lambda tx: data_files.lock(tx, CALLER, "S1", ""))
    for asked in (desk.start, desk.preview):
        with pytest.raises(DataFileSetLocked):
            asked(data_file_set_code="S1")
    assert desk.pending() == set(more)
    assert set(desk.stamps()) == set(ids)
    assert desk.batch_of(desk.start()).batch_no == 2


@pytest.mark.rule("GLX-19", "PLT-24")
def test_a_set_locked_meanwhile_stops_the_run_until_it_is_unlocked(desk: Desk) -> None:
    """The run fails at the last step with the reason; unlocked and recovered, it ends as if nothing had been."""
    ids = desk.take_in(TWELVE)
    desk.run(grouping="TS-1", data_file_set_code="S1")
    desk.take_in([row(99)])
    operation_id = desk.start(data_file_set_code="S1")
    desk.step_until(operation_id, "publish")
    desk.database.write(lambda tx: data_files.lock(tx, CALLER, "S1", ""))
    before = desk.files_of("S1")
    desk.finish()
    failed = desk.look(operation_id)
    assert failed.state is State.FAILED
    assert failed.failure is not None
    assert (failed.failure.reason, failed.failure.details["resource_name"]) == (
        "DATA_FILE_SET_LOCKED",
        "dataFileSets/S1",
    )
    assert desk.files_of("S1") == before
    assert desk.batch_of(operation_id).state is BatchState.PREPARED
    desk.database.write(lambda tx: data_files.unlock(tx, CALLER, "S1", ""))
    assert desk.recover(operation_id).state is State.SUCCEEDED
    assert len(desk.files_of("S1")) == len(before) + 2
    assert len(desk.stamps()) == len(ids) + 1


@pytest.mark.rule("GLX-19", "PLT-30")
def test_an_unlocked_set_gains_a_run_whole_under_its_own_manifest(desk: Desk) -> None:
    """Files of both runs stand in it, in order, each run's manifest last; the set's facts grow with them."""
    desk.limits = Limits(elements_per_message=1, messages_per_file=2)
    desk.take_in(TWELVE[:3])
    desk.run(data_file_set_code="S1", description="first")
    desk.take_in(TWELVE[3:6])
    desk.run(data_file_set_code="S1", description="second")
    (found,) = desk.sets()
    files = desk.files_of("S1")
    assert [file.manifest for file in files] == [False, False, True] * 2
    assert [file.file_name for file in files] == [
        "gl-batch-1-messages-000000001.json",
        "gl-batch-1-messages-000000003.json",
        "gl-batch-1-manifest.json",
        "gl-batch-2-messages-000000004.json",
        "gl-batch-2-messages-000000006.json",
        "gl-batch-2-manifest.json",
    ]
    assert (found.description, found.file_count, found.version) == ("first", 6, 2)
    assert found.size_bytes == sum(file.size_bytes for file in files)


@pytest.mark.rule("GLX-19")
def test_a_set_code_is_made_when_none_is_given(desk: Desk) -> None:
    """Every run without one gets a set of its own; the notice and the result name it."""
    codes = []
    for n in range(2):
        desk.take_in([row(n)])
        done = desk.run()
        code = done.result["data_file_set"]
        assert (done.notices[-1].code, done.notices[-1].element) == ("ACT-FL-DAFI-001", f"dataFileSets/{code}")
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", code)
        codes.append(code)
    assert len(set(codes)) == 2
    assert {found.code for found in desk.sets()} == set(codes)


@pytest.mark.rule("GLX-17")
def test_message_numbers_have_no_gaps(desk: Desk) -> None:
    """Over runs that complete, are canceled, select nothing or fail for a while: every number is accounted for."""
    desk.limits = Limits(elements_per_message=2)
    desk.sizes = ChunkSizes(4, 4)
    for n in range(3):
        desk.take_in(replace_ids(TWELVE, 100 * n))
        desk.run()
        desk.take_in(replace_ids(TWELVE, 100 * n + 50))
        canceled = desk.start()
        desk.step_until(canceled, "group")
        desk.cancel(canceled)
        desk.finish()
        desk.run(Request(grouping="nobody"))
    blocks = desk.database.read(
        lambda tx: tx.execute(select(tables.message_block).order_by(tables.message_block.c.first_message_id)).all()
    )
    following = 1
    for block in blocks:
        assert (block.first_message_id, block.state) == (following, "USED")
        following += block.message_count
        batch = desk.batch(block.batch_no)
        assert (batch.first_message_id, batch.message_count) == (block.first_message_id, block.message_count)
    assert following == 1 + 3 * 3


def replace_ids(rows: Iterable[Any], base: int) -> list[Any]:
    return [new._replace(external_id=f"{new.external_id}-{base}") for new in rows]


@pytest.mark.rule("GLX-14", "GLX-18")
def test_a_resend_of_unchanged_data_is_the_same_bytes_but_for_ids_and_dates(desk: Desk) -> None:
    """File by file, the manifest included."""
    desk.limits = Limits(elements_per_message=2, messages_per_file=2)
    example.take_in(desk)
    first = desk.run(data_file_set_code="S1")
    again = desk.run(Request(gl_extraction_batch_id="1", data_file_set_code="S1"))
    assert masked(desk, first) == masked(desk, again)
    assert first.result["first_message_id"] != again.result["first_message_id"]


def masked(desk: Desk, done: Operation) -> list[str]:
    """A run's files with ids, names and hashes, and dates masked; the manifest less what it resends and comes after."""
    batch = desk.batch_of(done)
    texts = [desk.content(file).decode() for file in desk.files_of("S1", done.operation_id)]
    hidden = (
        (r'"manifestNumber":\d+,("previousManifestSha256":"[0-9a-f]{64}",)?', lambda _: ""),
        (r'"(id|firstMessageId|lastMessageId)":(\d+)', lambda m: f'"{m[1]}":{int(m[2]) - batch.first_message_id}'),
        (r'"messageDate":"[^"]+"', lambda _: '"messageDate":""'),
        (r'"sha256":"[0-9a-f]{64}"', lambda _: '"sha256":""'),
        (r'"name":"gl-batch-\d+-messages-\d+.json"', lambda _: '"name":""'),
        (r'"resendOf":\d+,', lambda _: ""),
        (r'"extractionBatch":\d+', lambda _: '"extractionBatch":0'),
        (done.operation_id, lambda _: "job"),
    )
    for pattern, mask in hidden:
        texts = [re.sub(pattern, mask, text) for text in texts]
    return texts


@pytest.mark.rule("GLX-23")
def test_reconciliation_tells_what_became_of_what_was_sent(desk: Desk) -> None:
    """What was sent then against what those details are now: voided, restamped, invoiced since; nothing else moves."""
    rows = [row(n, subject=f"P-{n}", origin="R" if n < 3 else "F", debit=("USD", n + 1, 0)) for n in range(10)]
    ids = desk.take_in(rows)
    example.invoice(desk, ids[9])
    batch = desk.batch_of(desk.run())
    undone(desk.database, subject="P-8")
    example.invoice(desk, ids[7], ids[6])
    desk.run(Request(origin="R", incremental=False))
    found = desk.reconcile(batch.batch_no)
    assert found.matches

    def figures(summary: Any) -> tuple[int, int]:
        return summary.detail_count, summary.totals["USD"].debit_minor

    assert figures(found.sent) == figures(found.found) == (10, 55_00)
    assert figures(found.voided_since) == (1, 9_00)
    assert figures(found.restamped_since) == (3, 6_00)
    assert figures(found.invoiced_since) == (2, 15_00)
    assert figures(found.current) == (6, 40_00)


@pytest.mark.rule("GLX-23")
def test_reconciliation_shows_books_that_were_tampered_with(desk: Desk) -> None:
    """An amount changed behind the system's back: found differs from sent."""
    ids = desk.take_in(TWELVE)
    batch = desk.batch_of(desk.run())
    detail = tables.accounting_detail
    change = update(detail).where(detail.c.detail_id == ids[0]).values(debit_minor=1)
    desk.database.write(lambda tx: tx.execute(change))
    found = desk.reconcile(batch.batch_no)
    assert not found.matches
    assert found.sent.detail_count == found.found.detail_count


@pytest.mark.rule("GLX-20", "GLX-23")
def test_a_batch_that_has_not_completed_has_sent_nothing(desk: Desk) -> None:
    """Reconciled while it runs, it shows zero everywhere."""
    desk.take_in(TWELVE)
    operation_id = desk.start()
    desk.step_until(operation_id, "publish")
    found = desk.reconcile(desk.batch_of(operation_id).batch_no)
    assert found.matches
    assert found.sent.detail_count == found.current.detail_count == 0


@pytest.mark.rule("GLX-18", "GLX-20")
@pytest.mark.parametrize("table", [tables.extraction_stamp, tables.extraction_element])
def test_nothing_is_shown_when_files_elements_and_stamps_disagree(desk: Desk, table: Any) -> None:
    """Rows lost between preparing and writing: the run stops before anybody sees it."""
    desk.take_in(TWELVE)
    operation_id = desk.start()
    desk.step_until(operation_id, "write")
    key = table.c.detail_id if "detail_id" in table.c else table.c.element_no
    some = select(key).order_by(key).limit(1).scalar_subquery()
    desk.database.write(lambda tx: tx.execute(delete(table).where(key == some)))
    desk.finish()
    failed = desk.look(operation_id)
    assert failed.failure is not None
    assert (failed.state, failed.failure.reason) == (State.FAILED, "EXTRACTION_BATCH_DAMAGED")
    assert desk.sets() == []


class FullDisk(LocalFiles):
    """A folder in which the system refuses bytes beyond what there is room for, in the middle of writing them."""

    def __init__(self, root: Path, room: int) -> None:
        super().__init__(root)
        self.room = room

    def write(self, path: str, pieces: Iterable[bytes]) -> Written:
        taken = sum(file.stat().st_size for file in self._root.rglob("*") if file.is_file())
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (max(0, self.room - taken), hard))
        try:
            return super().write(path, pieces)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.rule("GLX-20", "PLT-24", "PLT-30")
@pytest.mark.parametrize(("room", "fitting"), [(0, 0), (1_000, 0), (1_500, 1), (3_400, 3)])
def test_a_disk_that_fills_fails_the_run_until_there_is_room(desk: Desk, room: int, fitting: int) -> None:
    """Nothing is visible and nothing half written stays; with room made and recovered, the run is whole."""
    files = desk.store = FullDisk(desk.folder, room)
    desk.limits = Limits(elements_per_message=1, messages_per_file=2)
    ids = desk.take_in(TWELVE)
    operation_id = desk.start()
    desk.finish()
    failed = desk.look(operation_id)
    assert failed.failure is not None
    assert (failed.state, failed.failure.reason) == (State.FAILED, "DATA_FILES_STORAGE_FULL")
    assert "make room" in failed.failure.message
    assert str(desk.folder) not in failed.failure.message
    assert desk.sets() == []
    assert len([path for path in desk.folder.rglob("*") if path.is_file()]) == fitting
    files.room = 10**9
    done = desk.recover(operation_id)
    assert done.state is State.SUCCEEDED
    assert len(desk.elements(done)) == 5
    assert set(desk.stamps()) == set(ids)


@pytest.mark.rule("GLX-20", "PLT-22")
def test_files_that_a_dead_writer_left_are_removed_when_the_run_ends(desk: Desk) -> None:
    """A half-written file has another name than a whole one, and goes with the manifest."""
    desk.take_in(TWELVE)
    operation_id = desk.start()
    desk.step_until(operation_id, "write")
    folder = desk.folder / operation_id
    folder.mkdir(parents=True)
    (folder / ".gl-batch-1-messages-000000001.json.0123.part").write_bytes(b"{")
    desk.finish()
    assert sorted(path.name for path in folder.iterdir()) == [
        "gl-batch-1-manifest.json",
        "gl-batch-1-messages-000000001.json",
    ]


@pytest.mark.rule("GLX-16", "PLT-01")
def test_a_sum_beyond_63_bits_is_refused_on_both_databases(desk: Desk) -> None:
    """Never a float, never a wrapped sum: the run fails with a reason, and can be canceled."""
    ids = desk.take_in(TWELVE)
    detail = tables.accounting_detail
    huge = update(detail).where(detail.c.detail_id.in_(ids)).values(debit_minor=2**62, bulking_group="B")
    desk.database.write(lambda tx: tx.execute(huge))
    operation_id = desk.start()
    desk.finish()
    failed = desk.look(operation_id)
    assert failed.failure is not None
    assert failed.failure.reason == "EXTRACTION_TOTAL_TOO_LARGE"
    desk.cancel(operation_id)
    desk.finish()
    assert left_alone(desk, ids)


@pytest.mark.rule("GLX-16", "PLT-01")
@pytest.mark.parametrize("currency", ["USD", "JPY"])
def test_a_total_beyond_63_bits_is_refused_on_both_databases(desk: Desk, currency: str) -> None:
    """Elements that fit do not help: no manifest, no answer and no sum of a receiver's would hold their total."""
    desk.sizes = ChunkSizes(1, 1)
    ids = desk.take_in(row(n, bulking_group=f"B{n}", debit=(currency, 1, 0)) for n in range(3))
    huge = update(tables.accounting_detail).values(debit_minor=2**62)
    desk.database.write(lambda tx: tx.execute(huge))
    with pytest.raises(TotalTooLarge):
        desk.preview()
    operation_id = desk.start()
    desk.step_until(operation_id, "group")
    assert metadata_to_proto(desk.look(operation_id)).selected_count == 3
    desk.finish()
    failed = desk.look(operation_id)
    assert failed.failure is not None
    assert failed.failure.reason == "EXTRACTION_TOTAL_TOO_LARGE"
    desk.cancel(operation_id)
    desk.finish()
    assert left_alone(desk, ids)


@pytest.mark.rule("GLX-21")
def test_progress_reports_selected_grouped_written_and_stamped(desk: Desk) -> None:
    """Each with its figure as soon as it is known; stamped is none before the end and all at it."""
    desk.sizes = ChunkSizes(3, 3)
    desk.take_in(TWELVE)
    operation_id = desk.start()
    seen: list[tuple[str, int, int, int, int]] = []
    while desk.step():
        now = desk.look(operation_id)
        figures = (now.counts.get(name, 0) for name in ("selected", "grouped", "written", "stamped"))
        seen.append((now.stage, *figures))
    assert next(figures[1:] for figures in seen if figures[0] == "write") == (12, 5, 0, 0)
    assert [figures[1:] for figures in seen if figures[0] == "publish"][-1] == (12, 5, 5, 0)
    assert seen[-1][1:] == (12, 5, 5, 12)
    selected = [figures[1] for figures in seen if figures[0] == "select"]
    assert selected == sorted(selected)
    assert 0 < selected[-1] < 12
    done = desk.look(operation_id)
    assert [(stage.stage, stage.items_done, stage.items_total) for stage in done.stages] == [
        ("select", 12, 12),
        ("group", 5, 0),
        ("write", 5, 5),
        ("publish", 1, 1),
    ]
    result = done.result
    assert [file["manifest"] for file in result["files"]] == [False, True]
    assert (result["detail_count"], result["message_count"]) == (12, 1)
    assert result["totals"] == {"USD": {"debit": 1_200_00, "credit": 0}}


@pytest.mark.rule("GLX-21")
def test_the_result_lists_so_many_files_and_the_manifest(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many files a run has, its result stays small."""
    monkeypatch.setattr("domain.gl_extraction.extraction.jobs.FILES_TOLD_MAX", 2)
    desk.limits = Limits(elements_per_message=1, messages_per_file=1)
    desk.take_in(TWELVE)
    done = desk.run()
    names = [file["name"].rpartition("/")[2] for file in done.result["files"]]
    assert names == [
        "gl-batch-1-messages-000000001.json",
        "gl-batch-1-messages-000000002.json",
        "gl-batch-1-manifest.json",
    ]
    assert len(desk.files_of(done.result["data_file_set"])) == 6
