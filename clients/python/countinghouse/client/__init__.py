"""The Python client of Countinghouse.

    from countinghouse.client import connect

    with connect("127.0.0.1:50051") as client:
        run = client.gl.generate_accounting_message(GenerateAccountingMessageRequest(origin=ORIGIN_FINANCIAL))
        for snapshot in run.watch():
            print(snapshot.progress.stages)
        for file in run.wait().data_files:
            client.files.download(file.name, file.name.rpartition("/")[2])

`countinghouse.client.aio` has the same for asyncio. Every error is a `CountinghouseError`.
"""

from countinghouse.client.accounts import AccountRefusal, AccountsOutcome, AccountsTotals
from countinghouse.client.channel import Tls
from countinghouse.client.environment import environment
from countinghouse.client.errors import CountinghouseError, OperationCanceled, OperationFailed, Violation
from countinghouse.client.recipients import RecipientRefusal, RecipientsOutcome, RecipientsTotals
from countinghouse.client.rows import IngestTotals, Refusal, StreamOutcome
from countinghouse.client.snapshot import Snapshot
from countinghouse.client.sync.client import Client, connect
from countinghouse.client.sync.operations import Operation
from countinghouse.client.usage import UsageOutcome, UsageRefusal, UsageTotals

__all__ = [
    "AccountRefusal",
    "AccountsOutcome",
    "AccountsTotals",
    "Client",
    "CountinghouseError",
    "IngestTotals",
    "Operation",
    "OperationCanceled",
    "OperationFailed",
    "RecipientRefusal",
    "RecipientsOutcome",
    "RecipientsTotals",
    "Refusal",
    "Snapshot",
    "StreamOutcome",
    "Tls",
    "UsageOutcome",
    "UsageRefusal",
    "UsageTotals",
    "Violation",
    "connect",
    "environment",
]
