"""What the simulated system does with a call, whatever way it came."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from countinghouse.connector.v1 import simulator_pb2, system_of_record_pb2
from domain.kernel.amounts import amount_fault, minor_of
from domain.kernel.errors import Invalid
from server.gate.validation import validate
from server.simulator.faults import Fate, Faults
from server.simulator.ledger import Ledger, Posted

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that fails: for good, or until later; `retry_after_ms` is how long the system wants to be left alone."""

    reason: str
    message: str
    for_good: bool = False
    retry_after_ms: int = 0


class Hangs(Exception):
    """There is no answer to this call."""


class BookKeeping:
    """Posts and looks up, as the contract has it and as the faults want it; for one event loop."""

    def __init__(self, ledger: Ledger, faults: Faults, *, seed: int) -> None:
        self.ledger = ledger
        self._faults: dict[str, Faults] = {"": faults}
        self._chance = random.Random(seed)  # noqa: S311 - the same seed gives the same faults
        self._running: Counter[Key] = Counter()  # posts that may post yet
        self.under_way = 0
        self.concurrency_max = 0
        self.posts_received = 0
        self.posts_repeated = 0
        self.lookups_received = 0

    def configure(self, client: str, faults: Faults) -> None:
        """Fail so from now on; for all clients (empty) that have no faults of their own, or for one."""
        self._faults[client] = faults

    async def post(self, request: system_of_record_pb2.PostRequest) -> Posted | Refusal:
        """Post once for each key. Raises: Hangs."""
        key = (request.client, request.idempotency_key)
        faults = self._of(request.client)
        fate = faults.fate(self._chance)
        with self._counted():
            if fate is Fate.HANGS:
                raise Hangs
            with self._may_post(key):
                await _rest(faults.latency_s(self._chance))
                answer = self._post(key, request, fate, faults)
        if fate is Fate.LOSES_ITS_ANSWER and isinstance(answer, Posted):
            raise Hangs
        return answer

    async def lookup(self, request: system_of_record_pb2.LookupRequest) -> Posted | Refusal | None:
        """What became of a key; None when nothing is posted and nothing received before will be."""
        self.lookups_received += 1
        faults = self._of(request.client)
        await _rest(faults.latency_s(self._chance))
        if faults.fails_lookup(self._chance):
            return Refusal("SIMULATED_FAULT", "told to fail", retry_after_ms=faults.retry_after_ms)
        key = (request.client, request.idempotency_key)
        if self._running[key]:
            return Refusal("POST_RUNNING", "a post with this key is running")
        return self.ledger.find(*key)

    def totals(self) -> simulator_pb2.Totals:
        """What was asked; the sums are the ledger's."""
        return simulator_pb2.Totals(
            posts_received=self.posts_received,
            posts_repeated=self.posts_repeated,
            lookups_received=self.lookups_received,
            concurrency_max=self.concurrency_max,
        )

    def _post(
        self, key: Key, request: system_of_record_pb2.PostRequest, fate: Fate, faults: Faults
    ) -> Posted | Refusal:
        content = request.SerializeToString(deterministic=True)
        found = self.ledger.find(*key)
        if found is not None:
            self.posts_repeated += 1
            if found.request != content:
                return Refusal("KEY_REUSED", "the key was used for other content", for_good=True)
            return found if fate is not Fate.FAILS else _failing(faults)
        if fate is Fate.FAILS:
            return _failing(faults)
        if fault := _fault(request):
            return fault
        if fate is Fate.REJECTED:
            return Refusal("SIMULATED_REJECTION", "told to refuse", for_good=True)
        return self.ledger.post(
            *key,
            content,
            currency=request.amount.currency_code,
            amount_minor=minor_of((request.amount.currency_code, request.amount.units, request.amount.nanos)),
            posted_us=time.time_ns() // 1_000,
        )

    def _of(self, client: str) -> Faults:
        return self._faults.get(client) or self._faults[""]

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self.posts_received += 1
        self.under_way += 1
        self.concurrency_max = max(self.concurrency_max, self.under_way)
        try:
            yield
        finally:
            self.under_way -= 1

    @contextmanager
    def _may_post(self, key: Key) -> Iterator[None]:
        self._running[key] += 1
        try:
            yield
        finally:
            self._running[key] -= 1
            if not self._running[key]:
                del self._running[key]


async def _rest(seconds: float) -> None:
    if seconds:
        await asyncio.sleep(seconds)


def _failing(faults: Faults) -> Refusal:
    return Refusal("SIMULATED_FAULT", "told to fail", retry_after_ms=faults.retry_after_ms)


def _fault(request: system_of_record_pb2.PostRequest) -> Refusal | None:
    """What is wrong with a request, as a real system would say."""
    try:
        validate(request)
    except Invalid as error:
        return Refusal("REQUEST_INVALID", error.message, for_good=True)
    amount = (request.amount.currency_code, request.amount.units, request.amount.nanos)
    if fault := amount_fault(amount):
        return Refusal(*fault, for_good=True)
    if minor_of(amount) <= 0:
        return Refusal("AMOUNT_NOT_POSITIVE", "the amount must be positive", for_good=True)
    if request.debit_account == request.credit_account:
        return Refusal("ACCOUNTS_EQUAL", "the two accounts must differ", for_good=True)
    return None
