"""From a file to the general ledger through the command line, against a real server on both databases."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from countinghouse import demo
from countinghouse.client import Snapshot, aio, connect
from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2
from countinghouse.gl_extraction.v1 import extraction_pb2, reference_pb2
from countinghouse.importing.reference import ensure
from countinghouse.importing.totals import Entry, Totals
from tests.client.command import run
from tests.client.test_import_mapping import LEDGER, MAPPING
from tests.support.server import Served

Sums = dict[tuple[str, str], tuple[int, str, str]]


def extract(address: str, *criteria: str) -> Any:
    """The response of an extraction that must succeed."""
    result = run(address, "gl", "extract", *criteria, "--watch", "-o", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["response"]


def fetched(address: str, response: Any, folder: Path) -> tuple[Sums, list[Any]]:
    """The sums of the manifest by bulking group and currency, and the elements of the messages."""
    result = run(address, "files", "download", response["dataFileSet"], "-d", str(folder))
    assert result.exit_code == 0, result.output
    documents = {path.name: json.loads(path.read_text()) for path in folder.iterdir()}
    (manifest,) = (document for name, document in documents.items() if name.endswith("manifest.json"))
    messages = [message for document in documents.values() for message in document.get("messages", ())]
    sums = {
        (group.get("bulkingGroupGLFile", ""), group["currencyCode"]): (
            group["detailCount"],
            group["amountDebit"],
            group["amountCredit"],
        )
        for group in manifest["bulkingGroups"]
    }
    return sums, [element for message in messages for element in message["accountingDetails"]]


@pytest.mark.rule("GLX-16", "GLX-18", "GLX-23", "PLT-31")
def test_every_cent_of_the_demo_ledger_arrives(server: Served, tmp_path: Path) -> None:
    """Ingest, dry run, extraction, download, resend and reconciliation tell the same sums as the ledger itself."""
    books = Totals()
    with connect(server.target) as client:
        ensure(client.gl, demo.reference())
        assert client.gl.ingest(demo.details(1, 5_000)).created_count == 5_000
    for detail in demo.details(1, 5_000):
        if detail.origin == details_pb2.ORIGIN_FINANCIAL:
            books.add(Entry.of(detail))
    tried = run(server.target, "gl", "extract", "--origin", "financial", "--validate-only", "-o", "json")
    response = extract(server.target, "--origin", "financial", "--set", "first")
    assert json.loads(tried.stdout)["response"]["totals"] == response["totals"]
    sums, elements = fetched(server.target, response, tmp_path / "first")
    counted = {(one.bulking_group, one.currency): one for one in books.by_bulking_group()}
    assert {key: count for key, (count, _, _) in sums.items()} == {k: one.detail_count for k, one in counted.items()}
    for key, (_, debit, credit) in sums.items():
        digits = 0 if key[1] == "JPY" else 2
        assert (debit, credit) == (f"{counted[key].debit:.{digits}f}", f"{counted[key].credit:.{digits}f}")
    batch = response["extractionBatch"].rpartition("/")[2]
    assert run(server.target, "gl", "reconcile", batch).exit_code == 0
    resent = extract(server.target, "--batch", batch)
    again, elements_again = fetched(server.target, resent, tmp_path / "again")
    assert (again, elements_again) == (sums, elements)
    nothing = extract(server.target, "--origin", "financial")
    assert "dataFileSet" not in nothing
    assert "detailCount" not in nothing


@pytest.mark.rule("GLX-18")
@pytest.mark.skipif(not LEDGER.exists(), reason=f"the real ledger is not there: {LEDGER.name}")
def test_the_manifest_of_the_real_ledger_is_its_sound_rows_to_the_cent(server: Served, tmp_path: Path) -> None:
    """Per fund, what the general ledger gets is what the file holds."""
    imported = run(
        server.target,
        *("gl", "import", str(LEDGER), "--mapping", str(MAPPING), "--create-reference"),
        *("--allow-refused", "15", "-o", "json"),
    )
    assert imported.exit_code == 0
    funds = json.loads(imported.stdout)["totalsByBulkingGroup"]
    sums, elements = fetched(server.target, extract(server.target, "--origin", "financial"), tmp_path / "out")
    assert sums == {
        (one["bulkingGroup"], one["currencyCode"]): (one["detailCount"], one["debit"], one["credit"]) for one in funds
    }
    assert len(funds) == len(elements) == 22
    for element in elements:
        group = sums[element["bulkingGroupGLFile"], element["currencyCode"]]
        assert (element["amountDebit"], element["amountCredit"]) == group[1:]


@pytest.mark.rule("PLT-07")
def test_more_violations_than_fit_are_counted(server: Served) -> None:
    """Whoever sees a part of what is wrong is told how much more there is."""
    result = run(server.target, "gl", "details", "reverse", "--reason", "r", *(f"Wrong-{n}" for n in range(200)))
    assert result.exit_code == 3
    *told, more = result.stderr.splitlines()
    assert "names[0]: " in told[1]
    assert more == f"  … and {200 - len(told[1:])} more"


def test_two_thousand_calls_at_once_lose_none(server: Served) -> None:
    """On one channel to a real server, with its queues and bounds, every call is answered."""

    async def flood() -> set[str]:
        async with aio.connect(server.target) as client:
            ledger = reference_pb2.Ledger(code="MAIN")
            name = (await client.gl.create_ledger(reference_pb2.CreateLedgerRequest(ledger=ledger))).name
            request = reference_pb2.GetLedgerRequest(name=name)
            answers = await asyncio.gather(*(client.gl.get_ledger(request) for _ in range(2_000)))
            return {answer.name for answer in answers}

    assert asyncio.run(flood()) == {"ledgers/MAIN"}


@contextmanager
def process(url: str, folder: Path, port: int, *options: str, end: int = signal.SIGKILL) -> Iterator[None]:
    """`countinghouse serve` as a process, ended by a signal."""
    environment = {
        **os.environ,
        "COUNTINGHOUSE_DATABASE_URL": url,
        "COUNTINGHOUSE_DATA_FILES_FOLDER": str(folder / "files"),
        "COUNTINGHOUSE_LISTEN": f"127.0.0.1:{port}",
    }
    command = [sys.executable, "-c", "from countinghouse.cli.main import main; main()", "serve", *options]
    with (folder / "serve.log").open("ab") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            with connect(f"127.0.0.1:{port}") as client:
                client.wait_for_ready(30)
            yield
        finally:
            server.send_signal(end)
            server.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
@pytest.mark.rule("PLT-21", "PLT-22", "PLT-43")
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "drained"])
def test_a_watch_outlives_its_server(migrated_url: str, tmp_path: Path, end: signal.Signals) -> None:
    """The server goes away in the middle, another takes its place and does the work: the watcher sees its end."""
    port, seen = free_port(), list[Snapshot[Any, Any]]()
    with connect(f"127.0.0.1:{port}") as client:
        with process(migrated_url, tmp_path, port, "--no-jobs", end=end):
            ensure(client.gl, demo.reference())
            client.gl.ingest(demo.details(1, 1_000))
            request = extraction_pb2.GenerateAccountingMessageRequest(origin=details_pb2.ORIGIN_FINANCIAL)
            started = client.gl.generate_accounting_message(request)
            watcher = Thread(target=lambda: seen.extend(started.watch(patience_s=60)))
            watcher.start()
            while not seen and watcher.is_alive():
                watcher.join(0.05)
        with process(migrated_url, tmp_path, port, end=signal.SIGTERM):
            watcher.join(60)
            assert not watcher.is_alive()
            assert started.get().done
    assert not seen[0].done
    assert seen[-1].result().detail_count > 0
    assert [one.sequence for one in seen] == sorted({one.sequence for one in seen})
