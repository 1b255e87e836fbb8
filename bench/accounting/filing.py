"""A batch file of very many operations, from the call to the end of the run: time of each stage, and memory."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, time
from functools import partial
from pathlib import Path

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.duration_pb2 import Duration
from sqlalchemy import Connection

from bench import meter
from bench.accounting import shop
from bench.databases import open_databases, query
from bench.figures import Table, verdict
from bench.options import Options
from bench.product import Product, serve
from bench.seed import execute
from countinghouse.accounting.v1 import accounting_service_pb2_grpc, batches_pb2
from domain.accounting.configuration.model import BatchSettings, Client, ClientSettings, FileFormat
from domain.accounting.configuration.registers import CLIENTS, SHELF
from domain.kernel.calendars import Calendar
from domain.kernel.registers import store as registers
from domain.kernel.time import BusinessZone
from server.database.transaction import Database

CLIENT = "FILED"
OF_A_CLAIM = 4
MEMORY_AIM_MIB = 250
STAGES = ("select", "number", "write", "execute", "publish")
TIMEOUT_S = 4 * 3_600
_ASKED_S = 30
_SETTINGS = {"log_level": "error"}


def accounting_files(options: Options) -> Iterator[Table]:
    """One file of all that waits, by server and worker; `--assignments` says how much that is."""
    rows = []
    for dialect in options.databases:
        with options.folder() as folder, open_databases(dialect, folder) as databases:
            url = databases.template("filed", partial(fill, assignments=options.assignments))
            print(f"a batch file on {dialect}", flush=True)
            rows.append([dialect, *_row(url, folder, options.assignments)])
    head = (
        "database",
        *(f"{stage}, s" for stage in STAGES),
        "in all, s",
        "server, peak MiB",
        "worker, peak MiB",
        "aim",
    )
    yield Table(f"A batch file of {options.assignments:,} operations, its execution included", head, rows)


def fill(url: str, *, assignments: int) -> None:
    """The shop, and a client of whom so many operations wait for a file, four in a claim."""
    shop.fill(url)
    database = Database(url)
    now_us = database.clock_us()
    database.write(partial(_add_client, now_us=now_us))
    database.dispose()
    execute(url, _statements(url, assignments, now_us))


def _add_client(tx: Connection, now_us: int) -> None:
    settings = ClientSettings(Calendar(BusinessZone("UTC"), ()), batch=BatchSettings(time(17), FileFormat.CSV, ""))
    registers.create(tx, CLIENTS, Client(CLIENT, "", settings, 1, now_us, now_us))
    registers.grow_version(tx, SHELF)


def _statements(url: str, count: int, now_us: int) -> list[str]:
    """SQL that records the operations as if each had been performed: `n` is its number, `c` that of its claim."""
    day = datetime.now(UTC).strftime("%Y%m%d")
    claim, operation = "'f' || CAST(c AS TEXT)", "'o' || CAST(1000000000 + n AS TEXT)"
    operations = {
        "claim_id": claim,
        "operation_id": operation,
        "dispute_id": f"'{shop.DISPUTE}'",
        "client_code": f"'{CLIENT}'",
        "kind": "'RULE'",
        "state": "'PENDING'",
        "workflow_point": f"'{shop.CREDIT}'",
        "rule_code": f"'{shop.CREDIT}'",
        "rule_version": "1",
        "debit_collection": "'MERCHANT'",
        "credit_collection": "'ACCOUNT_HOLDER'",
        "debit_account": "'merchant-' || CAST(c % 1000 AS TEXT)",
        "credit_account": "'holder-' || CAST(c AS TEXT)",
        "debit_distribution_code": "'GL-MERCHANT'",
        "credit_distribution_code": "'GL-ACCOUNT_HOLDER'",
        "amount_minor": "100 + n % 9991",
        "currency": "'USD'",
        "entry_reason": "'credit'",
        "accounting_day": day,
        "transaction_day": day,
        "performed_us": str(now_us),
        "performed_by": "'bench'",
    }
    assignments = {
        "claim_id": claim,
        "operation_id": operation,
        "client_code": f"'{CLIENT}'",
        "workflow_point": f"'{shop.CREDIT}'",
        "channel": "'BATCH'",
        "state": "'PENDING'",
        "accounting_day": day,
        "ready_us": str(now_us),
        "updated_us": str(now_us),
    }
    claims = {
        "claim_id": claim,
        "client_code": f"'{CLIENT}'",
        "claim_type_code": "'CARD'",
        "account": "'holder-' || CAST(c AS TEXT)",
        "attributes": "'{}'",
        "dates": "'{}'",
        "state": "'OPEN'",
        "created_us": str(now_us),
        "updated_us": str(now_us),
    }
    disputes = {
        "claim_id": claim,
        "dispute_id": f"'{shop.DISPUTE}'",
        "amount_minor": "1000000",
        "currency": "'USD'",
        "attributes": "'{}'",
        "amounts": "'{}'",
        "created_us": str(now_us),
        "updated_us": str(now_us),
    }
    return [
        _insert(url, "claim", claims, count, step=OF_A_CLAIM),
        _insert(url, "dispute", disputes, count, step=OF_A_CLAIM),
        _insert(url, "accounting_operation", operations, count),
        _insert(url, "assignment", assignments, count),
        *(_balances(collection, sign) for collection, sign in (("MERCHANT", "-"), ("ACCOUNT_HOLDER", ""))),
    ]


def _insert(url: str, table: str, columns: dict[str, str], count: int, *, step: int = 1) -> str:
    numbers = (
        f"WITH RECURSIVE number (n) AS (VALUES (0) UNION ALL SELECT n + {step} FROM number WHERE n < {count - step})"
        if url.startswith("sqlite")
        else f"WITH number AS (SELECT generate_series(0::bigint, {count - 1}, {step}) AS n)"
    )
    rows = f"SELECT {', '.join(columns.values())} FROM (SELECT n, n / {OF_A_CLAIM} AS c FROM number) AS numbered"
    return f"INSERT INTO {table} ({', '.join(columns)}) {numbers} {rows}"


def _balances(collection: str, sign: str) -> str:
    return (
        "INSERT INTO collection_balance "
        "(claim_id, dispute_id, collection_code, currency, pending_minor, pending_count) "
        f"SELECT claim_id, dispute_id, '{collection}', currency, {sign}sum(amount_minor), count(*) "
        "FROM accounting_operation GROUP BY claim_id, dispute_id, currency"
    )


def _row(url: str, folder: Path, count: int) -> list[str]:
    with serve(url, folder, **_SETTINGS) as product:
        processes = (product.server, product.worker)
        for process in processes:
            meter.reset_peak(process)
        batches = _generate(product)
        assert sum(each.operation_count for each in batches) == count, batches
        server, worker = (meter.memory_kib(process, "VmHWM") / 1024 for process in processes)
    left = query(url, "SELECT count(*) FROM assignment WHERE state <> 'COMPLETED'")
    assert left == [(0,)], left
    seconds = _stage_seconds(url)
    met = max(server, worker) < MEMORY_AIM_MIB
    aim = f"< {MEMORY_AIM_MIB} MiB: {verdict(met=met, reached=met)}"
    shown = [f"{seconds[stage]:.1f}" for stage in STAGES]
    return [*shown, f"{sum(seconds.values()):.0f}", f"{server:.0f}", f"{worker:.0f}", aim]


def _generate(product: Product) -> list[batches_pb2.WrittenAccountingBatch]:
    with grpc.insecure_channel(product.target) as channel:
        accounting = accounting_service_pb2_grpc.AccountingServiceStub(channel)
        operations = operations_pb2_grpc.OperationsStub(channel)
        request = batches_pb2.GenerateAccountingFilesRequest(client=f"clients/{CLIENT}")
        done = accounting.GenerateAccountingFiles(request)
        waiting = operations_pb2.WaitOperationRequest(name=done.name, timeout=Duration(seconds=_ASKED_S))
        for _ in range(TIMEOUT_S // _ASKED_S):
            done = operations.WaitOperation(waiting)
            metadata = batches_pb2.GenerateAccountingFilesMetadata()
            done.metadata.Unpack(metadata)
            told = (metadata.selected_count, metadata.written_count, metadata.executed_count)
            print("  selected, written, executed:", *told, flush=True)
            if done.done:
                break
        response = batches_pb2.GenerateAccountingFilesResponse()
        assert done.response.Unpack(response), done
        return list(response.accounting_batches)


def _stage_seconds(url: str) -> dict[str, float]:
    ((progress,),) = query(url, "SELECT progress FROM operation")
    stages = json.loads(progress)["stages"] if isinstance(progress, str) else progress["stages"]
    return {each["stage"]: (each["ended_us"] - each["started_us"]) / 1_000_000 for each in stages}
