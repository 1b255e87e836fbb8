"""`google.longrunning.Operations` and WatchOperation, as any client sees them."""

from __future__ import annotations

import pytest

from countinghouse.operations.v1 import operations_pb2 as watch_pb2
from countinghouse.operations.v1 import operations_pb2_grpc as watch_pb2_grpc
from server.database.transaction import Database
from tests.operations import tally
from tests.support.server import Served


@pytest.mark.rule("PLT-20", "PLT-21")
def test_a_watch_tells_each_change_and_ends_when_the_operation_does(tallying: Served, database: Database) -> None:
    """The state at once, then growing sequences, and the last event is the end."""
    operation_id = tally.start(database, numbers=40, size=10, pause_s="0.05")
    stub = watch_pb2_grpc.OperationsServiceStub(tallying.channel)
    request = watch_pb2.WatchOperationRequest(name=f"operations/{operation_id}")
    events = list(stub.WatchOperation(request, timeout=20))
    sequences = [event.sequence for event in events]
    assert sequences == sorted(set(sequences))
    assert [event.operation.done for event in events].index(True) == len(events) - 1
    progress = watch_pb2.OperationProgress()
    events[-1].operation.metadata.Unpack(progress)
    assert progress.state == watch_pb2.OPERATION_STATE_SUCCEEDED
    assert [(stage.stage, stage.items_done, stage.done) for stage in progress.stages] == [
        ("enter", 40, True),
        ("close", 1, True),
    ]
