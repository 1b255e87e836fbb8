"""Trial balances and receipts by a real client, on many details: how long a call takes."""

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial

from bench import seed
from bench.databases import open_databases
from bench.figures import Table
from bench.options import Options
from bench.product import serve
from countinghouse.client.sync.services import GLExtraction
from countinghouse.gl_extraction.v1 import balances_pb2, receipts_pb2
from domain.gl_extraction.extraction.model import Request, request_to_document
from domain.kernel.documents import to_text

MESSAGES = 100_000
PLACES = 1_000
TURNS = 20
BALANCE = f"ledgers/{seed.LEDGER}/accountingPeriods/{seed.PERIOD}/trialBalance"
BATCH = "extractionBatches/1"
_HEAD = ("database", "call", "median, ms", "slowest, ms")


def balances(options: Options) -> Iterator[Table]:
    """A trial balance, its first page of lines, its check; a message acknowledged, and all that are left."""
    rows = []
    for dialect in options.databases:
        with options.folder() as folder, open_databases(dialect, folder) as databases:
            databases.template("booked", partial(_fill, options.details))
            with databases.copy("booked") as url, serve(url, folder) as product:
                for name, call, turns in _calls(product.client.gl):
                    spent = sorted(_timed(call) for _ in range(turns))
                    rows.append([dialect, name, f"{statistics.median(spent):.1f}", f"{spent[-1]:.1f}"])
    title = f"Trial balance of {options.details:,} details, receipts of {MESSAGES:,} messages"
    yield Table(title, _HEAD, rows)


def _fill(details: int, url: str) -> None:
    """Extracted details in many places; the first batch is given its messages."""
    seed.fill(url, details=PLACES, groups=PLACES, extracted=details)
    asked = to_text(request_to_document(Request(origin="F")))
    given = f"message_count = {MESSAGES}, first_message_id = 1, request = '{asked}'"
    sent = f"UPDATE extraction_batch SET {given} WHERE batch_no = 1"
    seed.execute(url, [sent])


def _calls(gl: GLExtraction) -> tuple[tuple[str, Callable[[], object], int], ...]:
    asked = balances_pb2.GetTrialBalanceRequest(name=BALANCE)
    wanted = balances_pb2.ListTrialBalanceLinesRequest(parent=BALANCE)
    check = balances_pb2.CheckTrialBalanceRequest(name=BALANCE)
    ids = iter(range(1, MESSAGES, 2))
    return (
        ("trial balance", lambda: gl.get_trial_balance(asked), TURNS),
        ("first page of lines", lambda: gl.list_trial_balance_lines.page(wanted), TURNS),
        ("check of all details", lambda: _checked(gl.check_trial_balance(check)), 1),
        ("every other message, one a call", lambda: gl.acknowledge_messages(_of(next(ids))), 200),
        ("messages in 1,000 ranges", lambda: gl.acknowledge_messages(_scattered()), 1),
        ("all messages of the batch", lambda: gl.acknowledge_messages(_of(1, MESSAGES)), 1),
    )


def _of(first: int, last: int = 0) -> receipts_pb2.AcknowledgeMessagesRequest:
    span = receipts_pb2.MessageRange(first_message_id=first, last_message_id=last)
    return receipts_pb2.AcknowledgeMessagesRequest(name=BATCH, message_ranges=[span])


def _scattered() -> receipts_pb2.AcknowledgeMessagesRequest:
    spans = [receipts_pb2.MessageRange(first_message_id=first) for first in range(1_001, MESSAGES, 99)]
    return receipts_pb2.AcknowledgeMessagesRequest(name=BATCH, message_ranges=spans[:1_000])


def _checked(answer: balances_pb2.CheckTrialBalanceResponse) -> None:
    assert answer.matches, answer


def _timed(call: Callable[[], object]) -> float:
    """How long a call takes, in milliseconds."""
    begun = time.perf_counter()
    call()
    return (time.perf_counter() - begun) * 1_000
