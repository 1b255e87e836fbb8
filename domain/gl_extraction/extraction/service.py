"""Use cases of extraction: start, look ahead, get, list, reconcile (GLX-10 to GLX-15, GLX-23)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from domain.data_files import service as data_files
from domain.gl_extraction.extraction import notices
from domain.gl_extraction.extraction.elements import Survey
from domain.gl_extraction.extraction.errors import (
    BatchNotCompleted,
    BatchNotFound,
    Code,
    RequestInvalid,
    RestampRunning,
)
from domain.gl_extraction.extraction.jobs import STAGES
from domain.gl_extraction.extraction.model import (
    JOB_KIND,
    Batch,
    Limits,
    Order,
    Reconciliation,
    Request,
    Selection,
    Summary,
    order_to_document,
    request_to_document,
)
from domain.gl_extraction.extraction.selection import batch_no_of, check, group_account_unknown
from domain.gl_extraction.extraction.states import BatchState
from domain.gl_extraction.extraction.store import batches, reconciling
from domain.gl_extraction.extraction.store.grouping import sums_of_selection
from domain.gl_extraction.extraction.store.planner import group_by_hash, probe_by_key
from domain.gl_extraction.extraction.store.sums import exact_sums
from domain.gl_extraction.extraction.store.survey import survey
from domain.gl_extraction.reference import store as registers
from domain.gl_extraction.reference.model import GROUP_ACCOUNTS
from domain.kernel import events, scopes, sequences
from domain.kernel.call import Call
from domain.kernel.errors import Violation
from domain.kernel.paging import Page
from domain.kernel.scopes import EVERYTHING, Scope
from domain.kernel.time import BusinessZone
from domain.operations import service as operations
from domain.operations.model import Notice, Operation

_SENT_OR_OVER = (BatchState.COMPLETED, BatchState.CANCELED)


@dataclass(frozen=True, slots=True)
class Settings:
    """The time zone in which created dates are meant, and how messages and files are cut."""

    zone: BusinessZone
    limits: Limits


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would send."""

    survey: Survey
    message_count: int
    notices: tuple[Notice, ...]


def start(tx: Connection, call: Call, request: Request, settings: Settings) -> Operation:
    """Begin an extraction; a worker carries it out once this transaction has committed.

    Batches are numbered in the order in which their runs start, so that the stamp of a higher number is the later one.

    A caller of limited scope selects details of its ledgers alone (PLT-14); numbers are drawn from those of all.

    Raises: RequestInvalid with every violation; BatchNotFound and BatchNotCompleted for a resend; DataFileSetLocked,
    DataFileSetElsewhere; RestampRunning.
    """
    selection = _admit(tx, request, settings.zone, call.scope)
    batch_no = sequences.take(tx, "extraction_batch_no", 1).start
    order = Order(batch_no, request.data_file_set_code, selection, settings.limits)
    operation = operations.start(
        tx, call, JOB_KIND, order_to_document(order), stages=STAGES, description=request.description
    )
    batch = Batch(
        batch_no=batch_no,
        state=BatchState.SELECTING,
        restamping=selection.restamping,
        resend_of=selection.resend_of,
        operation_id=operation.operation_id,
        caller=call.caller,
        description=request.description,
        data_file_set_code=request.data_file_set_code,
        created_us=call.now_us,
        message_us=0,
        completed_us=0,
        detail_count=0,
        element_count=0,
        message_count=0,
        first_message_id=0,
        totals={},
        request=request,
        scope_id=operation.scope_id,
    )
    batches.create(tx, batch)
    within = replace(call, operation_id=operation.operation_id)
    payload = {"from": None, "to": {"state": batch.state.value}, "request": request_to_document(request)}
    events.append(tx, within, batch.name, "extraction_batch.started", payload)
    return operation


def require_sound(tx: Connection, request: Request, zone: BusinessZone) -> Selection:
    """The selection that the request means by itself, whatever may stand in its way just now.

    Raises: RequestInvalid with every violation.
    """
    checked = check(request, zone)
    violations = [*checked.violations, *_unknown_codes(tx, request, checked.violations)]
    if violations:
        raise RequestInvalid(sorted(violations, key=_precedence))
    return checked.selection


def preview(tx: Connection, request: Request, settings: Settings, scope: Scope = EVERYTHING) -> Preview:
    """What `start` would send as things are now; reads only (GLX-10, GLX-16). Raises: as `start`.

    Cost: one statement, which reads each detail that it would take by its key.
    """
    selection = _admit(tx, request, settings.zone, scope)
    probe_by_key(tx)
    group_by_hash(tx)
    with exact_sums():
        seen = survey(tx, sums_of_selection(tx, selection))
    messages = -(-seen.element_count // settings.limits.elements_per_message)
    said = notices.of_emptied(seen.emptied) if seen.element_count else (notices.nothing_selected(),)
    return Preview(seen, messages, said)


def get(tx: Connection, batch_no: int, scope: Scope = EVERYTHING) -> Batch:
    """The batch. Raises: BatchNotFound, also for what lies outside the scope."""
    batch = _seen(tx, batch_no, scope)
    if batch is None:
        raise BatchNotFound(str(batch_no))
    return batch


def list_page(tx: Connection, state: BatchState | None, page: Page, scope: Scope = EVERYTHING) -> list[Batch]:
    """One batch of the scope more than the page holds, if there is one, newest first; the key is the number."""
    before_no = int(page.after[0]) if page.after else None
    seen = scopes.visible(tx, scope)
    return batches.page(tx, state=state, before_no=before_no, limit=page.size + 1, seen=seen)


def reconcile(tx: Connection, batch_no: int, scope: Scope = EVERYTHING) -> Reconciliation:
    """What the batch sent against what those details are now; a batch that is not completed has sent nothing.

    Raises: BatchNotFound. Cost: two statements; each detail of the batch and its stamps by key.
    """
    batch = get(tx, batch_no, scope)
    nothing = Summary(0, {})
    if batch.state is not BatchState.COMPLETED:
        return Reconciliation(batch, nothing, nothing, nothing, nothing, nothing, nothing)
    with exact_sums():
        found = reconciling.found(tx, batch_no)
        invoiced_then = reconciling.sent_as_invoiced(tx, batch_no)
    return Reconciliation(
        batch=batch,
        sent=Summary(batch.detail_count, batch.totals),
        found=found.all,
        current=found.current,
        voided_since=found.voided,
        restamped_since=found.restamped,
        invoiced_since=found.invoiced.less(invoiced_then),
    )


def _admit(tx: Connection, request: Request, zone: BusinessZone, scope: Scope) -> Selection:
    """The selection that the request means, once nothing stands in its way."""
    selection = require_sound(tx, request, zone)
    if request.gl_extraction_batch_id:
        selection = _resend(tx, request, scope)
    elif scope.ledgers is not None:
        selection = replace(selection, ledgers=tuple(sorted(scope.ledgers)))
    if request.data_file_set_code:
        data_files.refuse_closed(tx, request.data_file_set_code, scope)
    if selection.restamping and (running := batches.find_restamping(tx)):
        is_seen = scopes.sees(tx, scope, running.scope_id)
        raise RestampRunning(running.batch_no, running.operation_id, is_seen=is_seen)
    return selection


def _seen(tx: Connection, batch_no: int, scope: Scope) -> Batch | None:
    """The batch, if there is one that lies within the scope."""
    batch = batches.find(tx, batch_no)
    return batch if batch is not None and scopes.sees(tx, scope, batch.scope_id) else None


def _unknown_codes(tx: Connection, request: Request, violations: list[Violation]) -> list[Violation]:
    code = request.group_account_code
    if not code or any(violation.field == "group_account_code" for violation in violations):
        return []
    return [] if registers.find(tx, GROUP_ACCOUNTS, code) else [group_account_unknown(code)]


def _precedence(violation: Violation) -> tuple[bool, str]:
    """The published codes first, in their order."""
    return violation.reason not in set(Code), violation.reason


def _resend(tx: Connection, request: Request, scope: Scope) -> Selection:
    batch_no = batch_no_of(request.gl_extraction_batch_id)
    batch = _seen(tx, batch_no, scope) if batch_no is not None else None
    if batch is None:
        raise BatchNotFound(request.gl_extraction_batch_id.removeprefix("extractionBatches/"))
    if batch.state not in _SENT_OR_OVER:
        raise BatchNotCompleted(batch.batch_no, state=batch.state.value)
    return Selection(resend_of=batch.batch_no)
