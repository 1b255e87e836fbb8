"""Streams end soon after the token with which they began, and what was done stays done."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc

from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2
from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc as gl_grpc
from countinghouse.operations.v1 import operations_pb2 as watch_pb2
from countinghouse.operations.v1 import operations_pb2_grpc as watch_pb2_grpc
from server.database.transaction import Database
from tests.operations import tally
from tests.support.identity import AUDIENCE, ISSUER, KeyServer
from tests.support.server import Served, refusal_of, serving
from tests.support.waiting import wait_for
from tests.wire.identity.conftest import SIGNER
from tests.wire.identity.test_signed_tokens import bearer


@pytest.fixture
def working(database: Database, migrated_url: str, tmp_path: Path, keys: KeyServer) -> Iterator[Served]:
    """A server with an operation that nobody carries out."""
    tally.prepare(database)
    how: dict[str, Any] = {
        "jwt_keys_url": keys.url,
        "jwt_issuer": ISSUER,
        "jwt_audience": AUDIENCE,
        "jwt_leeway_s": 0,
    }
    with serving(migrated_url, tmp_path, carries_out=tally.JOBS, jobs=False, **how) as served:
        yield served


@pytest.mark.rule("PLT-13", "PLT-21")
@pytest.mark.parametrize("timeout_s", [None, 30])
def test_a_watch_ends_with_its_token(working: Served, database: Database, timeout_s: float | None) -> None:
    """Whether the caller has bound it in time or not; it is taken up again with another token."""
    name = f"operations/{tally.start(database, numbers=1, size=1)}"
    watching = working.stub(watch_pb2_grpc.OperationsServiceStub)
    expires = time.time() + 1.5
    began = watching.WatchOperation(
        watch_pb2.WatchOperationRequest(name=name), metadata=bearer(SIGNER.token(exp=expires)), timeout=timeout_s
    )
    seen: list[int] = []
    with pytest.raises(grpc.RpcError) as ended:
        seen.extend(event.sequence for event in began)
    assert seen
    assert 0 <= time.time() - expires < 5
    refused = refusal_of(ended.value)
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_EXPIRED")
    again = watching.WatchOperation(
        watch_pb2.WatchOperationRequest(name=name), metadata=bearer(SIGNER.token()), timeout=10
    )
    assert next(iter(again)).sequence > 0
    again.cancel()


@pytest.mark.rule("PLT-13")
def test_a_long_wait_ends_with_its_token(working: Served, database: Database) -> None:
    """It is a watch in all but its name."""
    name = f"operations/{tally.start(database, numbers=1, size=1)}"
    waiting = working.stub(operations_pb2_grpc.OperationsStub)
    token = SIGNER.token(exp=time.time() + 1)
    with pytest.raises(grpc.RpcError) as ended:
        waiting.WaitOperation(operations_pb2.WaitOperationRequest(name=name), metadata=bearer(token), timeout=30)
    assert refusal_of(ended.value).reason == "TOKEN_EXPIRED"


@pytest.mark.rule("PLT-13", "GLX-02")
def test_a_bulk_stream_ends_with_its_token_and_the_next_call_finds_room(working: Served) -> None:
    """Its seat is free again."""
    gl = working.stub(gl_grpc.GLExtractionServiceStub)
    finish = threading.Event()

    def slowly() -> Iterator[details_pb2.IngestAccountingDetailsRequest]:
        yield details_pb2.IngestAccountingDetailsRequest()
        finish.wait(20)

    stream = gl.IngestAccountingDetails.future(slowly(), metadata=bearer(SIGNER.token(exp=time.time() + 1)), timeout=30)
    error = stream.exception(20)
    finish.set()
    assert refusal_of(error).reason == "TOKEN_EXPIRED"
    wait_for(lambda: not working.server._gate._limits.uploads.taken)
    answer = gl.IngestAccountingDetails(iter([]), metadata=bearer(SIGNER.token()), timeout=10)
    assert answer.received_count == 0
