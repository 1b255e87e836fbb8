"""Use cases of batches: write what waits, write one again, look (ACC-30 to ACC-36)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256

from sqlalchemy import Connection

from domain.accounting.batches.errors import BatchBeingWritten, BatchNotConfigured, BatchNotFound
from domain.accounting.batches.generating import STAGES
from domain.accounting.batches.layouts.model import Record
from domain.accounting.batches.model import (
    GENERATE_KIND,
    REGENERATE_KIND,
    Batch,
    BatchFile,
    Order,
    Request,
    Returned,
    Rewriting,
    order_to_document,
    rewriting_to_document,
)
from domain.accounting.batches.regenerating import STAGES as STAGES_AGAIN
from domain.accounting.batches.states import BatchState
from domain.accounting.batches.store import batches, records, returns
from domain.accounting.configuration.model import BatchSettings, Client
from domain.accounting.configuration.registers import CLIENTS
from domain.data_files import service as data_files
from domain.data_files.errors import code_violation
from domain.data_files.rules import is_code
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.errors import Invalid
from domain.kernel.paging import Key, Page
from domain.kernel.registers import service as configuration
from domain.kernel.scopes import EVERYTHING, Scope
from domain.operations import service as operations
from domain.operations.model import Operation


@dataclass(frozen=True, slots=True)
class BatchOperation:
    """An operation of a batch, its two records as they stand in the file, and what the receiver said of it."""

    number: int
    records: tuple[Record, Record]
    returned: Returned | None

    @property
    def key(self) -> Key:
        """Where it stands in the list."""
        debit = self.records[0]
        return [debit.claim, debit.operation_id, (self.number + 1) // 2]


def generate(tx: Connection, call: Call, request: Request) -> Operation:
    """Begin to write all that waits for a file of a client; a worker does it once this transaction has committed.

    Whoever sees the client sees the run and its files.

    Raises: NotFound; BatchNotConfigured; Invalid for what is no code of a set; DataFileSetLocked, DataFileSetElsewhere.
    """
    client, settings = require_configured(tx, request, call.scope)
    require_storable(description=request.description)
    within = replace(call, scope=scopes.of_clients((client.code,)))
    if (wrong := code_violation("data_file_set_code", request.data_file_set_code)) is not None:
        raise Invalid(wrong)
    set_code = request.data_file_set_code or settings.data_file_set_code or own_set(client.code)
    data_files.refuse_closed(tx, set_code, within.scope)
    calendar = client.settings.calendar
    day_off = request.business_days_only and not calendar.is_business_day(calendar.zone.today(call.now_us))
    order = Order(client.code, settings.file_format, set_code, day_off)
    return operations.start(
        tx, within, GENERATE_KIND, order_to_document(order), stages=STAGES, description=request.description
    )


def own_set(client_code: str) -> str:
    """The set of a client's own; of a client whose code is too long for that, one named by the code's SHA-256."""
    code = f"accounting-{client_code}"
    return code if is_code(code) else f"accounting-{sha256(client_code.encode()).hexdigest()[:32]}"


def require_configured(tx: Connection, request: Request, scope: Scope) -> tuple[Client, BatchSettings]:
    """The client, and how its files are written. Raises: NotFound; BatchNotConfigured."""
    client = configuration.get(tx, CLIENTS, request.client_code, scope)
    if client.settings.batch is None:
        raise BatchNotConfigured(client.code)
    return client, client.settings.batch


def regenerate(tx: Connection, call: Call, client_code: str, batch_no: int, *, description: str) -> Operation:
    """Begin to write a batch again, delivered or not.

    Raises: NotFound for the client; BatchNotConfigured; BatchNotFound; BatchBeingWritten; DataFileSetLocked.
    """
    require_configured(tx, Request(client_code), call.scope)
    require_storable(description=description)
    batch = batches.find(tx, client_code, batch_no, lock=True)
    if batch is None:
        raise BatchNotFound(client_code, batch_no)
    if batch.writer_id:
        raise BatchBeingWritten(batch.name, batch.writer_id)
    within = replace(call, scope=scopes.of_clients((client_code,)))
    data_files.refuse_closed(tx, batch.data_file_set_code, within.scope)
    order = Rewriting(client_code, batch_no, batch.rerun_no + 1)
    run = operations.start(
        tx, within, REGENERATE_KIND, rewriting_to_document(order), stages=STAGES_AGAIN, description=description
    )
    batches.change(tx, replace(batch, writer_id=run.operation_id, updated_us=call.now_us))
    told = {"rerun_no": order.rerun_no, "state": batch.state.value}
    events.append(tx, replace(within, operation_id=run.operation_id), batch.name, "accounting_batch.regenerating", told)
    return run


def get(tx: Connection, client_code: str, batch_no: int, scope: Scope = EVERYTHING) -> Batch:
    """The batch. Raises: BatchNotFound, also for what lies outside the scope."""
    batch = batches.find(tx, client_code, batch_no) if scope.has_client(client_code) else None
    if batch is None:
        raise BatchNotFound(client_code, batch_no)
    return batch


def list_page(tx: Connection, call: Call, client_code: str, state: BatchState | None, page: Page) -> list[Batch]:
    """One batch of the client more than the page holds, if there is one, newest first; the key is the number.

    Raises: NotFound for the client.
    """
    configuration.get(tx, CLIENTS, client_code, call.scope)
    before_no = int(page.after[0]) if page.after else None
    return batches.page(tx, client_code, state=state, before_no=before_no, limit=page.size + 1)


def list_files(tx: Connection, call: Call, client_code: str, batch_no: int, page: Page) -> list[BatchFile]:
    """One file of the batch more than the page holds, if there is one, newest first; the key is the rerun number.

    Raises: BatchNotFound.
    """
    get(tx, client_code, batch_no, call.scope)
    before_no = int(page.after[0]) if page.after else None
    return batches.files(tx, client_code, batch_no, before_no=before_no, limit=page.size + 1)


def list_records(tx: Connection, call: Call, client_code: str, batch_no: int, page: Page) -> list[BatchOperation]:
    """One operation of the batch more than the page holds, if there is one, in the order of its file.

    The key is claim, operation, and how many came before. Raises: BatchNotFound.
    """
    batch = get(tx, client_code, batch_no, call.scope)
    after = (str(page.after[0]), str(page.after[1])) if page.after else None
    before = int(page.after[2]) if page.after else 0
    found = records.operations(tx, batch, after=after, limit=page.size + 1)
    said = returns.find_many(tx, batch, [(each.claim_id, each.operation_id) for each in found])
    return [
        BatchOperation(2 * (before + at) + 1, records.steps(each), said.get((each.claim_id, each.operation_id)))
        for at, each in enumerate(found)
    ]
