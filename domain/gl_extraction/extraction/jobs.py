"""Extraction as long-running work: select, group, write, publish; and back again (GLX-16 to GLX-21).

Selecting can be undone. The commit of `group` prepares: elements, message numbers and stamps are settled, and from
there the work only goes forward. Files are rendered from what is prepared, the same bytes each time. The commit of
`publish` shows files and stamps together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from sqlalchemy import Connection

from domain.data_files import service as data_files
from domain.data_files import store as file_records
from domain.data_files import transmissions
from domain.data_files.model import ChainEnd, difference_of, totals_from_document, totals_to_document
from domain.data_files.storage import FileStore, Written
from domain.data_files.transmissions import Routes
from domain.gl_extraction.balances import recording as balances
from domain.gl_extraction.extraction import files, manifest, notices
from domain.gl_extraction.extraction.elements import Survey, coded_columns
from domain.gl_extraction.extraction.errors import BatchDamaged, SelectionDisturbed
from domain.gl_extraction.extraction.formats import Stamp
from domain.gl_extraction.extraction.links import links
from domain.gl_extraction.extraction.model import JOB_KIND, Batch, Order, order_from_document, request_to_document
from domain.gl_extraction.extraction.rendering import MessageFile, columns_of, messages, write_files
from domain.gl_extraction.extraction.states import BatchState, may_become
from domain.gl_extraction.extraction.store import batches, elements, grouping, ranges, stamping
from domain.gl_extraction.extraction.store.ranges import Range
from domain.gl_extraction.extraction.store.sums import exact_sums
from domain.gl_extraction.extraction.store.survey import survey_batch
from domain.gl_extraction.tables import CODED_COLUMNS
from domain.kernel import events, scopes, sequences
from domain.kernel.call import Call
from domain.kernel.documents import Document
from domain.kernel.time import iso_of
from domain.operations.model import ChunkPlan, Job, Operation, Stage, Stepped, Work

STAGES = (("select", "details"), ("group", "elements"), ("write", "elements"), ("publish", "sets"))

FILES_TOLD_MAX = 100
"""So many files the result lists, and the manifest; the set lists them all."""

_ELEMENTS_PER_CHUNK_MIN, _ELEMENTS_PER_CHUNK_MAX = 5_000, 200_000  # that one step writes, whatever files are


@dataclass(frozen=True, slots=True)
class ChunkSizes:
    """About how many details one step takes on each database; a step on SQLite keeps all other writers waiting."""

    postgresql: int = 50_000
    sqlite: int = 20_000

    def on(self, tx: Connection) -> int:
        """That of the database at hand."""
        return self.postgresql if tx.dialect.name == "postgresql" else self.sqlite


@dataclass(frozen=True, slots=True)
class Extraction:
    """The job's steps, with the place for files, the sizes of steps, and where files are sent."""

    files: FileStore
    sizes: ChunkSizes
    routes: Routes = ()

    def job(self) -> Job:
        """The job as the mechanism knows it."""
        select, group, write, publish = STAGES
        return Job(
            kind=JOB_KIND,
            stages=(
                Stage(*select, plan=self.plan_select, step=self.select),
                Stage(*group, plan=self.plan_group, gather=self.gather_group, step=self.group),
                Stage(*write, plan=self.plan_write, gather=self.render, step=self.record, past_cancel=True),
                Stage(
                    *publish, plan=self.plan_publish, gather=self.write_manifest, step=self.publish, past_cancel=True
                ),
            ),
            undo=self.undo,
            links=links,
        )

    def plan_select(self, tx: Connection, operation: Operation, _now_us: int) -> Sequence[ChunkPlan]:
        """Key ranges over what is there now; what arrives later is for the next run."""
        selection, size = _order(operation).selection, self.sizes.on(tx)
        if selection.resend_of:
            spans = ranges.cut_stamped(tx, selection.resend_of, size)
        else:
            spans = ranges.cut_all(tx, size) if selection.restamping else ranges.cut_pending(tx, size)
        return [ChunkPlan(asdict(span), span.items) for span in spans]

    def select(self, tx: Connection, work: Work) -> Stepped:
        """Stamp, provisionally, what a range holds of the selection."""
        order, span = _order(work.operation), Range(**work.payload)
        with exact_sums():
            taken = stamping.take(tx, order.batch_no, order.selection, span)
        balances.taken(tx, order.batch_no, taken.fresh, now_us=work.now_us)
        counts: Document = {
            "selected": taken.detail_count,
            "totals": totals_to_document(taken.totals),
            "coded": dict.fromkeys(coded_columns(taken.coded_mask), 1),
        }
        return Stepped(items_done=span.items or taken.detail_count, counts=counts)

    def plan_group(self, _tx: Connection, _operation: Operation, _now_us: int) -> Sequence[ChunkPlan]:
        """One step, as it is one commit."""
        return [ChunkPlan({})]

    def gather_group(self, tx: Connection, work: Work) -> int | None:
        """On SQLite, add up beside the writer, on a snapshot; gives how many stamps that saw."""
        if tx.dialect.name == "postgresql":
            return None
        batch_no = _order(work.operation).batch_no
        with exact_sums():
            grouping.gather(tx, batch_no, _coded(work.operation))
        return stamping.count(tx, batch_no)

    def group(self, tx: Connection, work: Work) -> Stepped:
        """Prepare: add details up into elements, drop what was voided meanwhile, take the messages' numbers.

        The batch's lock keeps out whoever voids details of this run until it is settled whether they were sent.
        """
        order = _order(work.operation)
        batch = _locked(tx, order)
        assert batch.state is BatchState.SELECTING
        with exact_sums():
            stamps = self._add_up(tx, work, order.batch_no)
            survey = survey_batch(tx, order.batch_no)
        _settle_stamps(tx, order.batch_no, stamps, work.operation, survey)
        call = _call(tx, work.operation, work.now_us)
        if not survey.element_count:
            return _end_empty(tx, call, batch, work.operation)
        count = -(-survey.element_count // order.limits.elements_per_message)
        prepared = replace(
            batch,
            state=_to(batch, BatchState.PREPARED),
            data_file_set_code=order.data_file_set_code or f"gl-{work.operation.operation_id}",
            message_us=work.now_us,
            detail_count=survey.detail_count,
            element_count=survey.element_count,
            message_count=count,
            totals=survey.totals,
        )
        events.append(tx, call, batch.name, "extraction_batch.prepared", _change(batch, prepared))
        prepared = replace(prepared, first_message_id=sequences.take(tx, "message_id", count).start)
        batches.record_block(tx, prepared)
        batches.change(tx, prepared)
        counts = _corrected(work.operation, survey) | {"grouped": survey.element_count}
        return Stepped(survey.element_count, counts, notices.of_emptied(survey.emptied))

    def plan_write(self, tx: Connection, operation: Operation, _now_us: int) -> Sequence[ChunkPlan]:
        """Blocks of messages, each of one file, or of many small ones; the limit of bytes may close files earlier."""
        order = _order(operation)
        batch = _found(tx, order)
        per_message = order.limits.elements_per_message
        per_file = min(order.limits.messages_per_file, max(1, _ELEMENTS_PER_CHUNK_MAX // per_message))
        size = per_file * max(1, _ELEMENTS_PER_CHUNK_MIN // (per_file * per_message))
        return [
            ChunkPlan(
                {"first": first, "count": min(size, batch.message_count - first)},
                min(size * per_message, batch.element_count - first * per_message),
            )
            for first in range(0, batch.message_count, size)
        ]

    def render(self, tx: Connection, work: Work) -> tuple[MessageFile, ...]:
        """Write a block of messages to files."""
        order = _order(work.operation)
        batch = _found(tx, order)
        first, count, per_message = work.payload["first"], work.payload["count"], order.limits.elements_per_message
        columns = columns_of(_coded(work.operation))
        last_element = min((first + count) * per_message, batch.element_count)
        rows = elements.read(tx, batch.batch_no, columns, first=first * per_message + 1, last=last_element)
        stamp = Stamp(batch.operation_id, iso_of(batch.message_us))
        form = files.form(batch)
        source = messages(form, stamp, columns, rows, first_message_id=batch.first_message_id + first, size=per_message)
        return tuple(
            write_files(
                form,
                source,
                order.limits,
                lambda message_id, pieces: self.files.write(
                    files.path(batch, files.messages_name(batch, message_id)), pieces
                ),
            )
        )

    def record(self, tx: Connection, work: Work) -> Stepped:
        """Record the files of a block; they are not to be seen yet."""
        batch = _found(tx, _order(work.operation))
        assert isinstance(work.facts, tuple)
        for written in work.facts:
            file_records.add_file(tx, files.messages_file(batch, written, work.now_us))
        written_count = sum(written.element_count for written in work.facts)
        return Stepped(written_count, {"written": written_count})

    def plan_publish(self, tx: Connection, operation: Operation, _now_us: int) -> Sequence[ChunkPlan]:
        """One step, unless nothing was selected."""
        return [ChunkPlan({}, 1)] if _found(tx, _order(operation)).state is BatchState.PREPARED else []

    def write_manifest(self, tx: Connection, work: Work) -> tuple[Written, ChainEnd]:
        """Write the manifest, once all is found to agree, and remove what writers that died left half done.

        Raises: BatchDamaged. What is looked at is settled: nobody changes it before it is shown; only the end of the
        set's chain is looked at again then.
        """
        batch = _found(tx, _order(work.operation))
        _refuse_damage(tx, batch)
        self.files.tidy(batch.operation_id)
        groups = elements.groups(tx, batch.batch_no, element_count=batch.element_count)
        after = data_files.chain_of(tx, batch.data_file_set_code)
        pieces = manifest.render(batch, after, groups, files.of_run(tx, batch))
        return self.files.write(files.manifest_path(batch, after), pieces), after

    def publish(self, tx: Connection, work: Work) -> Stepped:
        """Show files, set and stamps at once.

        Raises: DataFileSetLocked, which is mended by unlocking the set and recovering the operation; StepOvertaken
        when another run's manifest came first.
        """
        order = _order(work.operation)
        batch = _locked(tx, order)
        assert isinstance(work.facts, tuple)
        written, after = work.facts
        file_records.add_file(tx, files.manifest_file(batch, written, after, work.now_us))
        call = _call(tx, work.operation, work.now_us)
        told = data_files.reveal_run(tx, call, batch.data_file_set_code, batch.description, after=after)
        transmissions.send_run(tx, self.routes, told, batch.operation_id)
        completed = replace(batch, state=_to(batch, BatchState.COMPLETED), completed_us=work.now_us)
        batches.change(tx, completed)
        balances.completed(tx, batch.batch_no, now_us=work.now_us)
        events.append(tx, call, batch.name, "extraction_batch.completed", _change(batch, completed))
        shown = file_records.page_of_run(tx, batch.operation_id, after_position=0, limit=FILES_TOLD_MAX)
        last = file_records.find_visible(tx, told.code, files.manifest_name(batch))
        listed = shown if last is None or last in shown else [*shown, last]
        result = files.result_of(completed) | {"files": [files.file_to_document(file) for file in listed]}
        return Stepped(1, {"stamped": batch.detail_count}, [notices.written_to(told.code)], result)

    def undo(self, tx: Connection, operation: Operation, now_us: int) -> bool:
        """Put back what a canceled run has taken, a piece at a time; at the end the batch is CANCELED."""
        batch = _locked(tx, _order(operation))
        if batch.state is BatchState.CANCELED:
            return True
        assert batch.state is BatchState.SELECTING
        if stamping.give_back(tx, batch.batch_no, self.sizes.on(tx)):
            return False
        canceled = replace(batch, state=_to(batch, BatchState.CANCELED))
        batches.change(tx, canceled)
        balances.canceled(tx, batch.batch_no)
        call = _call(tx, operation, now_us)
        events.append(tx, call, batch.name, "extraction_batch.canceled", _change(batch, canceled))
        return True

    def _add_up(self, tx: Connection, work: Work, batch_no: int) -> int:
        """Make the elements; gives how many stamps the batch has, those of details voided since included."""
        coded = _coded(work.operation)
        if tx.dialect.name == "postgresql":
            grouping.group(tx, batch_no, coded)
            return stamping.count(tx, batch_no)
        stamps = stamping.count(tx, batch_no)
        if stamps != work.facts:
            raise SelectionDisturbed
        grouping.copy_gathered(tx, batch_no, coded)
        return stamps


def _order(operation: Operation) -> Order:
    return order_from_document(operation.request)


def _coded(operation: Operation) -> tuple[str, ...]:
    """The free fields that any selected detail uses, in the order of the columns."""
    used = operation.counts.get("coded", {})
    return tuple(column for column in CODED_COLUMNS if column in used)


def _call(tx: Connection, operation: Operation, now_us: int) -> Call:
    """The call that started the operation, and what it sees."""
    scope = scopes.load(tx, operation.scope_id)
    return Call(operation.caller, operation.method, operation.request_id, now_us, operation.operation_id, scope)


def _found(tx: Connection, order: Order) -> Batch:
    batch = batches.find(tx, order.batch_no)
    assert batch is not None
    return batch


def _locked(tx: Connection, order: Order) -> Batch:
    batch = batches.find(tx, order.batch_no, lock=True)
    assert batch is not None
    return batch


def _to(batch: Batch, state: BatchState) -> BatchState:
    assert may_become(batch.state, state), (batch.state, state)
    return state


def _change(before: Batch, after: Batch) -> Document:
    """A batch's change for the audit trail: its selection, counts and totals (PLT-11)."""
    return {
        "from": {"state": before.state.value},
        "to": {"state": after.state.value},
        "request": request_to_document(after.request),
        "detail_count": after.detail_count,
        "element_count": after.element_count,
        "totals": totals_to_document(after.totals),
    }


def _settle_stamps(tx: Connection, batch_no: int, stamps: int, operation: Operation, survey: Survey) -> None:
    """Drop the stamps of details that were voided since; what is left is exactly what was added up.

    Raises: BatchDamaged when it is not, or when the same details come to other sums than when they were selected.
    """
    more = stamps - survey.detail_count
    if more and stamping.drop_void(tx, batch_no) != more:
        raise BatchDamaged
    if operation.counts.get("selected", 0) == survey.detail_count and _difference(operation, survey):
        raise BatchDamaged


def _difference(operation: Operation, survey: Survey) -> Document:
    """What was added up less what was selected."""
    selected = totals_from_document(operation.counts.get("totals", {}))
    return totals_to_document(difference_of(survey.totals, selected))


def _corrected(operation: Operation, survey: Survey) -> Document:
    """What the counts lack to tell what was added up: less than was selected, where details were voided since."""
    less = survey.detail_count - operation.counts.get("selected", 0)
    return {"selected": less, "totals": _difference(operation, survey)}


def _end_empty(tx: Connection, call: Call, batch: Batch, operation: Operation) -> Stepped:
    """Nothing was selected: the batch is completed with zero, and names no set (GLX-19)."""
    ended = replace(batch, state=_to(batch, BatchState.COMPLETED), data_file_set_code="", completed_us=call.now_us)
    batches.change(tx, ended)
    balances.completed(tx, batch.batch_no, now_us=call.now_us)
    events.append(tx, call, batch.name, "extraction_batch.completed", _change(batch, ended))
    nothing = Survey(0, 0, {}, ())
    return Stepped(0, _corrected(operation, nothing), [notices.nothing_selected()], files.result_of(ended))


def _refuse_damage(tx: Connection, batch: Batch) -> None:
    """Files, elements and stamps come to the same, or nothing is shown."""
    element_count, totals = files.figures_of_run(tx, batch)
    written = element_count == batch.element_count and not difference_of(totals, batch.totals)
    if not written or stamping.count(tx, batch.batch_no) != batch.detail_count:
        raise BatchDamaged
