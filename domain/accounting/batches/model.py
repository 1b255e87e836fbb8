"""Batches as values: what is asked, what a run takes, and the batch with its files (ACC-30 to ACC-35)."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from domain.accounting.batches.layouts.returns import Decision
from domain.accounting.batches.states import BatchState
from domain.accounting.configuration.model import FileFormat
from domain.accounting.names import batch_name, operation_name
from domain.data_files.model import Totals
from domain.kernel.documents import Document, read_as

GENERATE_KIND = "accounting.generate_accounting_files"
REGENERATE_KIND = "accounting.regenerate_accounting_batch"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for: that everything of a client that waits for a file is written now.

    `data_file_set_code` empty: the client's. `business_days_only`: on other days nothing is written.
    """

    client_code: str
    description: str = ""
    data_file_set_code: str = ""
    business_days_only: bool = False


def request_to_document(request: Request) -> Document:
    """The request as a schedule keeps it."""
    return asdict(request)


def request_from_document(document: Document) -> Request:
    """The request that `request_to_document` wrote. Raises: WrittenByNewer."""
    return read_as(Request, document)


@dataclass(frozen=True, slots=True)
class Order:
    """What a run is told when it starts, so that a recovery under other settings comes to the same.

    `day_off`: it is none of the client's business days, and nothing is written.
    """

    client_code: str
    file_format: FileFormat
    data_file_set_code: str
    day_off: bool


def order_to_document(order: Order) -> Document:
    """The order for the operation's row."""
    return asdict(order)


def order_from_document(document: Document) -> Order:
    """The order that `order_to_document` wrote. Raises: WrittenByNewer."""
    return read_as(Order, {**document, "file_format": FileFormat(document["file_format"])})


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What a run that writes a batch again is told: the batch, and the number of the file to be."""

    client_code: str
    batch_no: int
    rerun_no: int


def rewriting_to_document(order: Rewriting) -> Document:
    """The order for the operation's row."""
    return asdict(order)


def rewriting_from_document(document: Document) -> Rewriting:
    """The order that `rewriting_to_document` wrote. Raises: WrittenByNewer."""
    return read_as(Rewriting, document)


@dataclass(frozen=True, slots=True)
class Batch:
    """What goes to a receiver at once: operations of one client and one accounting date (yyyymmdd).

    `rerun_no` is that of the newest file, 0 for the first. `run_id` is the long-running operation that took its
    records, `writer_id` the one that writes a file of it just now. Counts are of operations, instants microseconds UTC.
    """

    client_code: str
    batch_no: int
    accounting_day: int
    state: BatchState
    rerun_no: int
    file_format: FileFormat
    data_file_set_code: str
    run_id: str
    writer_id: str
    operation_count: int
    totals: Totals
    accepted_count: int
    rejected_count: int
    regenerated_after_delivery: bool
    created_us: int
    written_us: int
    updated_us: int

    @property
    def name(self) -> str:
        """Its resource name."""
        return batch_name(self.client_code, self.batch_no)


@dataclass(frozen=True, slots=True)
class BatchFile:
    """A file that a batch was written to, and the long-running operation that wrote it."""

    client_code: str
    batch_no: int
    rerun_no: int
    data_file_set_code: str
    file_name: str
    run_id: str
    caller: str
    created_us: int


@dataclass(frozen=True, slots=True)
class Returned:
    """What the receiver said of an operation of a batch; `reversal_id` is the operation that takes a rejected one back.

    `reversal_id` is empty for an accepted one, and for one that had been reversed before it was rejected.
    """

    client_code: str
    batch_no: int
    claim_id: str
    operation_id: str
    accepted: bool
    reason: str
    message: str
    external_reference: str
    reversal_id: str
    at_us: int
    caller: str

    @property
    def decision(self) -> Decision:
        """As return files say it."""
        return Decision.ACCEPTED if self.accepted else Decision.REJECTED

    @property
    def operation(self) -> str:
        """The operation's resource name."""
        return operation_name(self.claim_id, self.operation_id)
