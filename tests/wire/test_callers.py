"""No caller takes what is for all: calls in flight and bulk streams have a bound for each."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from sqlalchemy import Connection

from countinghouse.client import connect
from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2
from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc as gl_grpc
from countinghouse.gl_extraction.v1 import reference_pb2
from domain.gl_extraction.reference import service as registers
from tests.support.server import Served, refusal, refusal_of, serving
from tests.support.waiting import wait_for

LIST = reference_pb2.ListLedgersRequest()
GREEDY, MODEST = "token-of-the-greedy-one", "token-of-the-modest-one"


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "tokens.toml"
    entries = {"greedy": GREEDY, "modest": MODEST}
    path.write_text(
        "".join(
            f'[[tokens]]\ncaller = "{caller}"\ntoken = "{token}"\npermissions = ["*"]\n'
            for caller, token in entries.items()
        )
    )
    return path


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Lists of ledgers wait until it is set."""
    done, ledgers = threading.Event(), registers.list_page

    def slowly(tx: Connection, *rest: Any, **more: Any) -> Any:
        assert done.wait(20)
        return ledgers(tx, *rest, **more)

    monkeypatch.setattr(registers, "list_page", slowly)
    yield done
    done.set()


def calls_in_flight(served: Served) -> int:
    return served.server._gate._limits.calls.taken


@pytest.mark.rule("PLT-12", "PLT-07")
def test_one_caller_has_only_so_many_calls_in_flight(
    migrated_url: str, tmp_path: Path, token_file: Path, slow: threading.Event
) -> None:
    """One more is RESOURCE_EXHAUSTED with a time to come back, others do not notice, and room comes back."""
    with serving(migrated_url, tmp_path, token_file=token_file, calls_per_caller_max=3, connections=8) as served:
        gl = served.stub(gl_grpc.GLExtractionServiceStub)
        futures = [gl.ListLedgers.future(LIST, metadata=bearer(GREEDY), timeout=30) for _ in range(3)]
        wait_for(lambda: calls_in_flight(served) == 3)
        get = reference_pb2.GetLedgerRequest(name="ledgers/L1")
        shed = refusal(lambda: gl.GetLedger(get, metadata=bearer(GREEDY)))
        assert (shed.code, shed.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_CALLS")
        assert shed.detail(error_details_pb2.RetryInfo).retry_delay.seconds
        assert refusal(lambda: gl.GetLedger(get, metadata=bearer(MODEST))).code == grpc.StatusCode.NOT_FOUND
        slow.set()
        assert [list(future.result(20).ledgers) for future in futures] == [[], [], []]
        wait_for(lambda: not calls_in_flight(served))
        assert refusal(lambda: gl.GetLedger(get, metadata=bearer(GREEDY))).code == grpc.StatusCode.NOT_FOUND


@pytest.mark.rule("PLT-12", "GLX-02")
def test_one_caller_never_holds_all_bulk_streams(migrated_url: str, tmp_path: Path, token_file: Path) -> None:
    """By default half of them at most: another finds room."""
    with serving(migrated_url, tmp_path, token_file=token_file, uploads_max=4) as served:
        gl, finish = served.stub(gl_grpc.GLExtractionServiceStub), threading.Event()

        def slowly() -> Iterator[details_pb2.IngestAccountingDetailsRequest]:
            yield details_pb2.IngestAccountingDetailsRequest()
            assert finish.wait(20)

        def begin(token: str) -> Any:
            before = served.server._gate._limits.uploads.taken
            stream = gl.IngestAccountingDetails.future(slowly(), metadata=bearer(token), timeout=30)
            wait_for(lambda: stream.done() or served.server._gate._limits.uploads.taken > before)
            return stream

        greedy = [begin(GREEDY) for _ in range(2)]
        assert refusal_of(begin(GREEDY).exception(20)).reason == "TOO_MANY_STREAMS"
        modest = [begin(MODEST) for _ in range(2)]
        finish.set()
        assert [stream.result(20).received_count for stream in [*greedy, *modest]] == [0, 0, 0, 0]


@pytest.mark.rule("PLT-07", "PLT-06")
def test_our_client_comes_back_to_a_server_that_sheds_load(migrated_url: str, tmp_path: Path, token_file: Path) -> None:
    """Ten times what one caller may have at once: everything is done, each once, without an error seen."""
    with (
        serving(migrated_url, tmp_path, token_file=token_file, calls_per_caller_max=2, connections=8) as served,
        connect(served.target, token=GREEDY, timeout_s=60) as client,
        ThreadPoolExecutor(20) as pool,
    ):

        def create(number: int) -> str:
            ledger = reference_pb2.Ledger(code=f"L{number:02}")
            return client.gl.create_ledger(reference_pb2.CreateLedgerRequest(ledger=ledger)).code

        made = sorted(pool.map(create, range(20)))
        assert made == [ledger.code for ledger in client.gl.list_ledgers(LIST)]
        assert len(made) == 20
