"""A database that goes away and comes back under a server that stays."""

from __future__ import annotations

import time
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2

from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc as gl_grpc
from countinghouse.gl_extraction.v1 import reference_pb2
from countinghouse.operations.v1 import operations_pb2 as watch_pb2
from countinghouse.operations.v1 import operations_pb2_grpc as watch_pb2_grpc
from server.database.migrate import migrate
from server.database.transaction import Database
from tests.operations import tally
from tests.support.postgres import Cluster
from tests.support.server import refusal, serving
from tests.support.waiting import wait_for

BOUND_S = 15


@pytest.mark.slow
@pytest.mark.rule("PLT-07", "PLT-21")
def test_calls_are_unavailable_meanwhile_and_a_watch_lives_through_it(own_cluster: Cluster, tmp_path: Path) -> None:
    """Calls say so within a bounded time and tell when to try again; afterwards everything goes on by itself."""
    with own_cluster.database() as name:
        url = own_cluster.url(name)
        migrate(url)
        database = Database(url)
        tally.prepare(database)
        with serving(url, tmp_path, carries_out=tally.JOBS) as served:
            gl = served.stub(gl_grpc.GLExtractionServiceStub)
            operation_id = tally.start(database, numbers=30, size=1, pause_s="0.1")
            request = watch_pb2.WatchOperationRequest(name=f"operations/{operation_id}")
            events = iter(watch_pb2_grpc.OperationsServiceStub(served.channel).WatchOperation(request, timeout=90))
            next(events)
            own_cluster.stop()
            began = time.monotonic()
            away = refusal(lambda: gl.ListLedgers(reference_pb2.ListLedgersRequest()))
            assert time.monotonic() - began < BOUND_S
            assert away.code is grpc.StatusCode.UNAVAILABLE
            assert away.detail(error_details_pb2.RetryInfo).retry_delay.seconds
            assert str(tmp_path) not in away.message
            own_cluster.start()
            wait_for(lambda: _answers(gl), timeout_s=30)
            listener = served.server._watcher._listener
            assert listener is not None
            wait_for(lambda: listener.hears, what="the listener to hear again")
            assert list(events)[-1].operation.done
            assert tally.tally_of(database, operation_id) == tally.whole(30)
        database.dispose()


def _answers(gl: gl_grpc.GLExtractionServiceStub) -> bool:
    try:
        gl.ListLedgers(reference_pb2.ListLedgersRequest(), timeout=5)
    except grpc.RpcError:
        return False
    return True
