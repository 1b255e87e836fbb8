"""What became of sending a batch's file: the batch says so, and a person looks where it did not arrive (ACC-35)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from domain.accounting.batches import attention
from domain.accounting.batches.model import Batch, BatchFile
from domain.accounting.batches.states import BatchState, may_become
from domain.accounting.batches.store import batches
from domain.accounting.execution.outcomes import CALLER
from domain.deliveries import service as deliveries
from domain.deliveries.model import Delivery, Kind, Outcome, State
from domain.kernel import events, scopes
from domain.kernel.call import Call

_METHOD = "accounting.transmissions"


class Transmissions:
    """Records outcomes of transmissions of batch files (`Recorder` of their handler)."""

    def __init__(self, clock_us: Callable[[], int]) -> None:
        self._clock_us = clock_us

    def record(self, tx: Connection, pairs: Sequence[tuple[Delivery, Outcome]]) -> None:
        """Change the batches whose newest files have arrived, or were given up. The deliveries are locked.

        A batch is transmitted once its file has arrived wherever it goes. Cost: one statement for each transmission
        that has ended, about eight more where it is a batch's.
        """
        ended = [delivery for delivery, _ in pairs if delivery.state is not State.PENDING]
        named = [(_file(tx, delivery), delivery) for delivery in ended]
        known = [(file, delivery) for file, delivery in named if file is not None]
        for file, delivery in sorted(known, key=lambda pair: (pair[0].client_code, pair[0].batch_no)):
            self._end(tx, file, delivery)

    def _end(self, tx: Connection, file: BatchFile, delivery: Delivery) -> None:
        batch = batches.find(tx, file.client_code, file.batch_no, lock=True)
        assert batch is not None, "batches are never deleted"
        if file.rerun_no != batch.rerun_no:
            return  # a later file has taken its place
        call = Call(CALLER, _METHOD, "", self._clock_us(), file.run_id)
        sent = deliveries.about(tx, Kind.TRANSMISSION, [delivery.subject])
        failed = [each for each in sent if each.state is State.GIVEN_UP]
        if failed:
            _change(tx, call, batch, BatchState.TRANSMISSION_FAILED, delivery)
            attention.ask(tx, call, batch, reason=failed[0].reason, message=failed[0].message)
        elif all(each.state is State.DELIVERED for each in sent):
            _change(tx, call, batch, BatchState.TRANSMITTED, delivery)
            attention.end(tx, call, batch, outcome="TRANSMITTED")


def _file(tx: Connection, delivery: Delivery) -> BatchFile | None:
    return batches.file_named(tx, delivery.payload["set_code"], delivery.payload["file_name"])


def _change(tx: Connection, call: Call, before: Batch, state: BatchState, delivery: Delivery) -> None:
    if before.state is state:
        return
    assert may_become(before.state, state), (before.state, state)
    batches.change(tx, replace(before, state=state, updated_us=call.now_us))
    told = {"from": {"state": before.state.value}, "to": {"state": state.value}, "target": delivery.target}
    scope_id = scopes.intern(tx, scopes.of_clients((before.client_code,)))
    events.append(tx, call, before.name, "accounting_batch.transmission", told, scope_id=scope_id)
