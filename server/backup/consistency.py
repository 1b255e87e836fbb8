"""Whether an installation agrees with itself, as after a restore by whatever means."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Connection, func, select

from domain.gl_extraction.extraction import service as extraction
from domain.gl_extraction.extraction.states import BatchState
from domain.gl_extraction.tables import BUCKETS, accounting_detail, extraction_batch, message_block
from server.backup.books import next_numbers
from server.backup.files import fault_of, files_known
from server.backup.model import Say
from server.database.limits import Limits
from server.database.transaction import Database
from server.outbound.stores import file_store
from server.settings import Settings

_LONG_S = 86_400.0


def verify_installation(settings: Settings, *, say: Say) -> list[str]:
    """Compare what batches sent with the details, numbers with their sequences, files with what is known of them.

    Gives what does not agree, a line each, without an amount. Cost: reads every detail and every file.
    """
    database = Database(settings.url, Limits(connections=1, statement_s=_LONG_S, idle_s=_LONG_S))
    try:
        completed = database.read(_completed)
        lines = [line for number in completed for line in database.read(partial(_of_batch, number))]
        say(f"batches: {len(completed):,} compared with their details")
        lines += database.read(sequences_behind)
        known = database.read(files_known)
    finally:
        database.dispose()
    store = file_store(settings)
    lines += [f"{each.path}: {fault}" for each in known if (fault := fault_of(store, each))]
    say(f"data files: {len(known):,} looked at")
    return lines


def sequences_behind(tx: Connection) -> list[str]:
    """The sequences that would give a number again, a line each. Cost: looks into indexes."""
    following = next_numbers(tx)
    d, m, b = accounting_detail.c, message_block.c, extraction_batch.c
    newest = (select(func.max(d.detail_id)).where(d.bucket == bucket) for bucket in range(BUCKETS))
    given = {
        "accounting_detail_no": max((tx.execute(query).scalar() or 0) for query in newest) // BUCKETS,
        "message_id": tx.execute(select(func.max(m.first_message_id + m.message_count - 1))).scalar() or 0,
        "extraction_batch_no": tx.execute(select(func.max(b.batch_no))).scalar() or 0,
    }
    return [
        f"sequence {name}: stands at {following[name]}, and {last} was given already"
        for name, last in given.items()
        if last >= following[name]
    ]


def _completed(tx: Connection) -> list[int]:
    b = extraction_batch.c
    query = select(b.batch_no).where(b.state == BatchState.COMPLETED.value, b.detail_count > 0).order_by(b.batch_no)
    return list(tx.execute(query).scalars())


def _of_batch(number: int, tx: Connection) -> list[str]:
    found = extraction.reconcile(tx, number)
    return [] if found.sent == found.found else [f"batch {number}: its details do not come to what it sent"]
