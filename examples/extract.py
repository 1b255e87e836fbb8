"""Takes in a shop's sales, extracts them for the general ledger with live progress, and fetches the files.

    countinghouse serve &
    python examples/extract.py

Each file is proven by its SHA-256. Where the server is, COUNTINGHOUSE_ADDRESS says: 127.0.0.1:50051 when not set. The
same program in other languages: docs/clients.md.
"""

from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

from google.type.date_pb2 import Date

from countinghouse.client import Client, environment
from countinghouse.client.errors import AlreadyExists, CountinghouseError
from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2
from countinghouse.gl_extraction.v1 import extraction_pb2, reference_pb2
from countinghouse.operations.v1.operations_pb2 import OperationProgress, OperationState
from countinghouse.values import decimal_of, money_from_decimal


def main() -> None:
    """The whole job."""
    with Client(environment()) as client:
        reference(client)

        # Rows, as many as there are: they are made as they are sent.
        totals = client.gl.ingest(sales(2_000), on_refusal=print)
        print(f"{totals.created_count} new, {totals.unchanged_count} there already, {totals.refused_count} refused")

        # Extract, with live progress that survives a lost connection.
        request = extraction_pb2.GenerateAccountingMessageRequest(origin=details_pb2.ORIGIN_FINANCIAL)
        run = client.gl.generate_accounting_message(request)
        for snapshot in run.watch(on_retry=lost):
            print(line(snapshot.progress), flush=True)
        done = run.wait()
        for both in done.totals:
            print(*(f"{decimal_of(side):.2f} {side.currency_code}" for side in (both.debit, both.credit)), sep=" = ")

        # Fetch the files, each proven by its SHA-256.
        folder = Path("out")
        folder.mkdir(exist_ok=True)
        for file in done.data_files:
            client.files.download(file.name, folder / file.name.rpartition("/")[2])
        print(f"done: {done.extraction_batch}")


def reference(client: Client) -> None:
    """A ledger and a year; what was made before stays as it is."""
    ledger = reference_pb2.Ledger(code="SHOP", description="The shop's books")
    year = reference_pb2.AccountingPeriod(code="2026", start_date=day(1, 1), end_date=day(12, 31))
    with suppress(AlreadyExists):
        client.gl.create_ledger(reference_pb2.CreateLedgerRequest(ledger=ledger))
        client.gl.create_period(
            reference_pb2.CreateAccountingPeriodRequest(parent="ledgers/SHOP", accounting_period=year)
        )


def sales(count: int) -> Iterator[details_pb2.AccountingDetail]:
    """So many sales, two rows each."""
    for number in range(1, count + 1):
        amount = money_from_decimal(Decimal(number).scaleb(-2), "EUR")
        debit, credit = row(f"{number}-d", "cash"), row(f"{number}-c", "sales")
        debit.debit.CopyFrom(amount)
        credit.credit.CopyFrom(amount)
        yield debit
        yield credit


def row(external_id: str, account: str) -> details_pb2.AccountingDetail:
    """A row that lacks its amount."""
    return details_pb2.AccountingDetail(
        source="shop",
        external_id=external_id,
        origin=details_pb2.ORIGIN_FINANCIAL,
        ledger_code="SHOP",
        accounting_date=day(5, 4),
        distribution_account=account,
    )


def lost(_error: CountinghouseError, _delay_s: float) -> None:
    """Tell that the watch goes on."""
    print("lost the connection, trying again", flush=True)


def line(progress: OperationProgress) -> str:
    """State and stages, such as `RUNNING select 4000, group 2`."""
    stages = ", ".join(f"{stage.stage} {stage.items_done}" for stage in progress.stages)
    return f"{OperationState.Name(progress.state).removeprefix('OPERATION_STATE_')} {stages}"


def day(month: int, day: int) -> Date:
    """A day of the year."""
    return Date(year=2026, month=month, day=day)


if __name__ == "__main__":
    main()
