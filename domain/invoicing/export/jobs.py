"""Exporting a batch: its invoices are written to files, a chunk at a time, and shown once all are there (INV-06, 15).

What is written is kept: a batch of which some invoices could not be exported stays where it is, and the next attempt
exports what is missing. Files are written before a chunk's transaction, which records them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256

from sqlalchemy import Connection

from domain.data_files import service as data_files
from domain.data_files import store as file_records
from domain.data_files import transmissions
from domain.data_files.model import ChainEnd, DataFile, Total
from domain.data_files.rules import OF_INVOICES, is_code
from domain.data_files.storage import FileStore, Written
from domain.data_files.transmissions import Routes
from domain.invoicing.batches import counting, working
from domain.invoicing.batches.counting import Span
from domain.invoicing.batches.engines import nothing_to_undo
from domain.invoicing.batches.model import Batch, Facts
from domain.invoicing.batches.states import BatchState
from domain.invoicing.batches.transitions import change, hold, move, tell
from domain.invoicing.configuration.model import CycleSettings, Format
from domain.invoicing.configuration.registers import CYCLES
from domain.invoicing.export import manifest, store
from domain.invoicing.export.gathering import drafts
from domain.invoicing.export.model import EXPORT_INCOMPLETE, EXPORT_KIND, Draft, ExportRecord, ExportState, Failure
from domain.invoicing.export.rendering import FORMS, Unsound, rendered
from domain.invoicing.invoices.states import InvoiceState
from domain.kernel.call import Call
from domain.kernel.registers import service as registers
from domain.operations import service as operations
from domain.operations.model import ChunkPlan, Job, Operation, Stage, Stepped, Work

_PLACES = 4  # of files, for each number
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a chunk has written: files by invoice (account and id), and what could not be."""

    files: tuple[tuple[Draft, Format, Written], ...]
    done: tuple[tuple[str, str], ...]
    failed: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """What is there before it is shown: how many invoices, exported and failed ones, and the manifest if all are."""

    counts: tuple[int, int, int]
    last_number: int
    manifest: Written | None
    after: ChainEnd


@dataclass(frozen=True, slots=True)
class Export:
    """The job, with the place for files, where they are sent, and how many invoices one step writes."""

    files: FileStore
    routes: Routes = ()
    size: int = 200

    def job(self) -> Job:
        """The job as the mechanism knows it."""
        (write, show) = working.STAGES[EXPORT_KIND]
        return Job(
            kind=EXPORT_KIND,
            stages=(
                Stage(*write, plan=self.plan, gather=self.render, step=record),
                Stage(*show, plan=working.once, gather=self.look, step=self.show),
            ),
            undo=nothing_to_undo,
            links=working.links,
            require_recoverable=working.require_recoverable,
            watched=working.watched,
        )

    def plan(self, tx: Connection, operation: Operation, _now_us: int) -> Sequence[ChunkPlan]:
        """The invoices of the batch; of each chunk what is exported already is left out."""
        batch = working.turn(tx, operation)
        spans = counting.cut(tx, batch, [InvoiceState.LOCKED], self.size)
        return [ChunkPlan(asdict(span), span.items) for span in spans]

    def render(self, tx: Connection, work: Work) -> Rendered:
        """Write the files of a chunk; one that is written again has the same bytes."""
        batch, settings, export = _export(tx, work)
        files: list[tuple[Draft, Format, Written]] = []
        done: list[tuple[str, str]] = []
        failed: list[Failure] = []
        for draft in drafts(tx, batch, settings, Span(**work.payload)):
            key = draft.account_id, draft.invoice_id
            if draft.document is None:
                failed.append(Failure(*key, draft.reason, draft.message, work.now_us))
                continue
            try:
                contents = rendered(draft.document, settings.formats)
            except Unsound as unsound:
                failed.append(Failure(*key, unsound.rule, unsound.message, work.now_us))
                continue
            for form, content in contents.items():
                path = _path(export, _name(draft, form))
                files.append((draft, form, self.files.write(path, [content])))
            done.append(key)
        return Rendered(tuple(files), tuple(done), tuple(failed))

    def look(self, tx: Connection, work: Work) -> Shown:
        """Count what there is; once all of it is there, write the manifest."""
        batch, _, export = _export(tx, work)
        counts, last = store.counts(tx, batch), store.last_number(tx, batch)
        after = data_files.chain_of(tx, _set_code(batch))
        if counts[0] != counts[1]:
            return Shown(counts, last, None, after)
        self.files.tidy(export.operation_id)
        named = replace(batch, data_file_set_code=_set_code(batch))
        pieces = manifest.render(named, after, counts[0], _files_of(tx, export))
        return Shown(counts, last, self.files.write(_manifest_path(batch, export, after), pieces), after)

    def show(self, tx: Connection, work: Work) -> Stepped:
        """Show all files at once, and have the batch wait for whoever publishes it; or say what is missing.

        Raises: DataFileSetLocked, which is mended by unlocking the set; StepOvertaken.
        """
        shown = work.facts
        assert isinstance(shown, Shown)
        batch = working.turn(tx, work.operation, locked=True)
        call = operations.call_of(tx, work.operation, work.now_us)
        export = _locked(tx, batch)
        _, exported, failed = shown.counts
        export = replace(
            export,
            attempt_count=export.attempt_count + 1,
            exported_count=exported,
            failed_count=failed,
            updated_us=call.now_us,
        )
        if shown.manifest is None:
            return _incomplete(tx, call, batch, export)
        batch = replace(batch, data_file_set_code=_set_code(batch))
        file_records.add_file(tx, _manifest_file(batch, export, shown, call.now_us))
        under = replace(call, operation_id=export.operation_id)
        told = data_files.reveal_run(tx, under, batch.data_file_set_code, batch.description, after=shown.after)
        transmissions.send_run(tx, self.routes, told, export.operation_id)
        complete(tx, call, batch, export)
        return Stepped(1, result={"data_file_set": batch.data_file_set_code})


def complete(tx: Connection, call: Call, batch: Batch, export: ExportRecord) -> Batch:
    """6 to 7: the record of a batch is done; both rows are locked."""
    store.save(
        tx, replace(export, state=ExportState.DONE, reason="", message="", done_us=call.now_us, updated_us=call.now_us)
    )
    counts = {**batch.counts, "exported": export.exported_count}
    return move(tx, call, replace(batch, counts=counts), BatchState.READY_FOR_PUBLISH, Facts(exports=1))


def record(tx: Connection, work: Work) -> Stepped:
    """Record what a chunk has written; it is not to be seen yet."""
    written = work.facts
    assert isinstance(written, Rendered)
    batch = working.turn(tx, work.operation)
    call = operations.call_of(tx, work.operation, work.now_us)
    export = store.pending(tx, batch.batch_id)
    assert export is not None, "whoever exports is alone"
    file_records.add_files(tx, [_file(batch, export, *each, now_us=call.now_us) for each in written.files])
    store.record_invoices(tx, batch.batch_id, written.done, written.failed, call.now_us)
    counts = {"exported": len(written.done), "failed": len(written.failed)}
    if written.done or written.failed:
        present = working.lock(tx, batch.batch_id)
        change(tx, call, present)  # its watchers look at the operation's counts
        tell(tx, call, present, "invoices_exported", {"selection": dict(work.payload), "counts": counts})
    return Stepped(work.payload["items"], counts)


def _incomplete(tx: Connection, call: Call, batch: Batch, export: ExportRecord) -> Stepped:
    (first,) = store.failures(tx, batch.batch_id, after=None, limit=1)
    count = export.failed_count
    message = f"{count:,} of {count + export.exported_count:,} invoices could not be exported: {first.message}"
    store.save(tx, replace(export, reason=first.reason, message=message))
    hold(tx, call, batch, EXPORT_INCOMPLETE, message)
    return Stepped(1, result={"failed": count})


def _export(tx: Connection, work: Work) -> tuple[Batch, CycleSettings, ExportRecord]:
    batch = working.turn(tx, work.operation)
    export = store.pending(tx, batch.batch_id)
    assert export is not None, "whoever exports is alone"
    return batch, registers.get(tx, CYCLES, batch.cycle_code).settings, export


def _locked(tx: Connection, batch: Batch) -> ExportRecord:
    export = store.pending(tx, batch.batch_id, lock=True)
    assert export is not None, "whoever exports is alone"
    return export


# Files: what they are called, where they lie


def _set_code(batch: Batch) -> str:
    """The set of a batch; of one whose id is too long for that, one named by the id's SHA-256."""
    code = f"{OF_INVOICES}{batch.batch_id}"
    return code if is_code(code) else f"{OF_INVOICES}{sha256(batch.batch_id.encode()).hexdigest()[:32]}"


def _name(draft: Draft, form: Format) -> str:
    assert draft.document is not None
    return f"{draft.document.number}.{FORMS[form].suffix}"


def _path(export: ExportRecord, name: str) -> str:
    """In a folder of the run's own, so that no other run can touch it."""
    return f"{export.operation_id}/{name}"


def _manifest_path(batch: Batch, export: ExportRecord, after: ChainEnd) -> str:
    """One written for another place in the chain stays beside it."""
    name = _manifest_name(batch)
    return _path(export, f"after-{after.sha256[:16]}-{name}" if after.count else name)


def _manifest_name(batch: Batch) -> str:
    return f"{_set_code(batch)}-manifest.json"


def _place(batch: Batch, number_no: int) -> int:
    """The position of an invoice's first file in the run; numbers of one batch are near each other, from `first`."""
    return (number_no - batch.first_number) * _PLACES + 1


def _file(batch: Batch, export: ExportRecord, draft: Draft, form: Format, written: Written, *, now_us: int) -> DataFile:
    document, name = draft.document, _name(draft, form)
    assert document is not None
    return DataFile(
        set_code=_set_code(batch),
        file_name=name,
        operation_id=export.operation_id,
        position=_place(batch, draft.number_no) + FORMS[form].place,
        path=_path(export, name),
        media_type=FORMS[form].media_type,
        size_bytes=written.size_bytes,
        sha256=written.sha256,
        record_count=1,
        totals={document.currency: _total(document.total_minor)},
        manifest=False,
        created_us=now_us,
    )


def _manifest_file(batch: Batch, export: ExportRecord, shown: Shown, now_us: int) -> DataFile:
    assert shown.manifest is not None
    totals = batch.counts.get("totals", {})
    return DataFile(
        set_code=batch.data_file_set_code,
        file_name=_manifest_name(batch),
        operation_id=export.operation_id,
        position=_place(batch, shown.last_number + 1),
        path=_manifest_path(batch, export, shown.after),
        media_type=manifest.MEDIA_TYPE,
        size_bytes=shown.manifest.size_bytes,
        sha256=shown.manifest.sha256,
        record_count=shown.counts[0],
        totals={currency: _total(sums["net"] + sums["tax"]) for currency, sums in totals.items()},
        manifest=True,
        created_us=now_us,
    )


def _total(minor: int) -> Total:
    """What is owed is a debit of the recipient."""
    return Total(minor, 0) if minor >= 0 else Total(0, -minor)


def _files_of(tx: Connection, export: ExportRecord) -> Iterator[DataFile]:
    """The run's files in order, less the manifest. Cost: a statement for 500 of them."""
    after = 0
    while page := file_records.page_of_run(tx, export.operation_id, after_position=after, limit=_PAGE):
        yield from (file for file in page if not file.manifest)
        after = page[-1].position
