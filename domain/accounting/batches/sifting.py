"""What no line of the file can hold is set apart for a person, and all the rest goes out (ACC-31, ACC-22)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from domain.accounting.batches.layouts.errors import BatchValueTooWide
from domain.accounting.batches.layouts.writing import misfit
from domain.accounting.batches.model import Order
from domain.accounting.batches.store import records, taking
from domain.accounting.batches.store.taking import Key, Span
from domain.accounting.configuration.model import FileFormat
from domain.accounting.execution import failing
from domain.accounting.execution.failing import Failed
from domain.accounting.execution.states import AssignmentState
from domain.accounting.execution.store import assignments
from domain.accounting.performing.store import operations
from domain.kernel.call import Call

_AT_ONCE = 1_000  # operations whose texts are read at once


def set_apart(tx: Connection, call: Call, order: Order, span: Span, claim_ids: Collection[str]) -> int:
    """Fail what waits in a span of claims, which are locked, and does not fit into the format; gives how many.

    Each has a task that names the column and its width, and waits for no file any more: a person re-routes or cancels
    it, or tries it again once the client takes another format. Only columns of fixed width are too narrow for anything.

    Cost: one statement for other formats and where no text is long; else those of `failing.fail`.
    """
    if order.file_format is not FileFormat.FIXED_WIDTH:
        return 0
    doubtful = taking.long_ones(tx, order.client_code, span, claim_ids)
    pieces = (doubtful[at : at + _AT_ONCE] for at in range(0, len(doubtful), _AT_ONCE))
    return sum(_fail_misfits(tx, call, order.file_format, piece) for piece in pieces)


def _fail_misfits(tx: Connection, call: Call, file_format: FileFormat, keys: Sequence[Key]) -> int:
    refused = _refused(tx, file_format, keys)
    there = assignments.find_many(tx, refused)
    apart = [
        Failed(replace(there[key], reason=error.reason, message=error.message), AssignmentState.FAILED)
        for key, error in refused.items()
    ]
    return len(failing.fail(tx, call, apart))


def _refused(tx: Connection, file_format: FileFormat, keys: Sequence[Key]) -> dict[Key, BatchValueTooWide]:
    found = operations.find_many(tx, keys)
    faults = (
        (key, next((fault for record in records.steps(each) if (fault := misfit(file_format, record))), None))
        for key, each in sorted(found.items())
    )
    return {key: fault for key, fault in faults if fault is not None}
