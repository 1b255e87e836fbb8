"""Extraction as values: what is asked, what is selected, and the batch that remembers it (GLX-10 to GLX-19)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import NamedTuple

from domain.data_files.model import Totals, difference_of
from domain.gl_extraction.extraction.formats import FileFormat
from domain.gl_extraction.extraction.states import BatchState
from domain.gl_extraction.names import batch_name
from domain.kernel.documents import Document, less_unused, read_as

JOB_KIND = "gl_extraction.generate_accounting_message"


class Day(NamedTuple):
    """A date as a caller wrote it: anything may be wrong with it."""

    year: int
    month: int
    day: int


class Minute(NamedTuple):
    """A time of day as a caller wrote it: anything may be wrong with it."""

    hours: int
    minutes: int
    seconds: int = 0
    nanos: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """What a caller asks for, before any rule was looked at (GLX-10).

    `origin` is empty for both; `incremental` and `file_format` are None when not given. Empty texts are not given.
    """

    description: str = ""
    created_date_from: Day | None = None
    created_time_from: Minute | None = None
    created_date_to: Day | None = None
    created_time_to: Minute | None = None
    origin: str = ""
    grouping: str = ""
    incremental: bool | None = None
    group_account_code: str = ""
    gl_extraction_batch_id: str = ""
    data_file_set_code: str = ""
    file_format: FileFormat | None = None


def request_to_document(request: Request) -> Document:
    """The request for the batch's row."""
    document = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(request).items()}
    return less_unused(document, ("file_format",))


def request_from_document(document: Document) -> Request:
    """The request that `request_to_document` wrote. Raises: WrittenByNewer."""
    days = {key: Day(*document[key]) for key in ("created_date_from", "created_date_to") if document[key]}
    times = {key: Minute(*document[key]) for key in ("created_time_from", "created_time_to") if document[key]}
    file_format = {"file_format": FileFormat(told)} if (told := document.get("file_format")) else {}
    return read_as(Request, {**document, **days, **times, **file_format})


@dataclass(frozen=True, slots=True)
class Selection:
    """Which details a run takes; instants are microseconds UTC, both inclusive.

    Empty texts and `created_until_us` 0 do not restrict. `resend_of` is the batch whose details are sent again, 0 for
    none; then nothing else restricts. `incremental` leaves out what carries a stamp. `ledgers` are all those whose
    details the caller sees; None: every ledger.
    """

    created_from_us: int = 0
    created_until_us: int = 0
    origin: str = ""
    grouping: str = ""
    group_account_code: str = ""
    incremental: bool = True
    resend_of: int = 0
    ledgers: tuple[str, ...] | None = None

    @property
    def restamping(self) -> bool:
        """Whether it takes details that carry a stamp."""
        return not self.incremental or self.resend_of > 0


@dataclass(frozen=True, slots=True)
class Limits:
    """How messages are cut and files are split (GLX-18). Each is at least 1."""

    elements_per_message: int = 1_000
    messages_per_file: int = 100
    bytes_per_file: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Order:
    """What the job is told: the batch, what it takes, where it writes to, and how it cuts.

    It is recorded when the run starts, so that a recovery under other settings comes to the same.
    """

    batch_no: int
    data_file_set_code: str
    selection: Selection
    limits: Limits


def order_to_document(order: Order) -> Document:
    """The order for the operation's row."""
    document = asdict(order)
    return document | {"selection": less_unused(document["selection"], ("ledgers",))}


def order_from_document(document: Document) -> Order:
    """The order that `order_to_document` wrote. Raises: WrittenByNewer."""
    return Order(
        batch_no=document["batch_no"],
        data_file_set_code=document["data_file_set_code"],
        selection=read_as(Selection, document["selection"]),
        limits=read_as(Limits, document["limits"]),
    )


@dataclass(frozen=True, slots=True)
class Batch:
    """One extraction and what it sent; counts and totals are 0 and empty until it is prepared."""

    batch_no: int
    state: BatchState
    restamping: bool
    resend_of: int
    operation_id: str
    caller: str
    description: str
    data_file_set_code: str
    created_us: int
    message_us: int
    completed_us: int
    detail_count: int
    element_count: int
    message_count: int
    first_message_id: int
    totals: Totals
    request: Request
    scope_id: int = 0
    acknowledged_count: int = 0
    rejected_count: int = 0

    @property
    def name(self) -> str:
        """Its resource name."""
        return batch_name(self.batch_no)


@dataclass(frozen=True, slots=True)
class Summary:
    """A number of details and what they come to."""

    detail_count: int
    totals: Totals

    def less(self, other: Summary) -> Summary:
        """This one without the details of another that is a part of it."""
        return Summary(self.detail_count - other.detail_count, difference_of(self.totals, other.totals))


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What a batch sent, against what those details are now (GLX-23)."""

    batch: Batch
    sent: Summary
    found: Summary
    current: Summary
    voided_since: Summary
    restamped_since: Summary
    invoiced_since: Summary

    @property
    def matches(self) -> bool:
        """Whether the books still hold what was sent."""
        return self.sent == self.found
