"""What goes along with every call: request ids, tokens, retries, bounds."""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.longrunning import operations_pb2

from countinghouse.client import aio, connect, errors
from countinghouse.client.channel import Connection, Tls, _methods, is_safe_to_repeat
from countinghouse.gl_extraction.v1 import reference_pb2
from countinghouse.operations.v1 import operations_pb2 as watch_pb2
from tests.client.server import refuse, serve

MAIN = reference_pb2.CreateLedgerRequest(ledger=reference_pb2.Ledger(code="MAIN"))


@pytest.mark.rule("PLT-06")
def test_each_call_gets_a_request_id_of_its_own() -> None:
    """A message sent twice is two calls, not one and its repetition; an id that the caller gives is kept."""
    seen: list[str] = []

    def create(request: reference_pb2.CreateLedgerRequest, _context: object) -> reference_pb2.Ledger:
        seen.append(request.request_id)
        return request.ledger

    with serve(CreateLedger=create) as address, connect(address) as client:
        client.gl.create_ledger(MAIN)
        client.gl.create_ledger(MAIN)
        client.gl.create_ledger(reference_pb2.CreateLedgerRequest(ledger=MAIN.ledger, request_id="mine"))
    assert MAIN.request_id == ""
    assert all(seen)
    assert seen[0] != seen[1]
    assert seen[2] == "mine"


@pytest.mark.rule("PLT-06")
def test_a_write_is_repeated_under_one_request_id_while_the_server_is_unavailable() -> None:
    """A call whose answer was lost is made again, and the server can tell that it is the same."""
    seen: list[str] = []

    def create(request: reference_pb2.CreateLedgerRequest, context: grpc.ServicerContext) -> reference_pb2.Ledger:
        seen.append(request.request_id)
        if len(seen) < 3:
            refuse(context, grpc.StatusCode.UNAVAILABLE, "draining")
        return request.ledger

    with serve(CreateLedger=create) as address, connect(address) as client:
        assert client.gl.create_ledger(MAIN).code == "MAIN"
    assert len(seen) == 3
    assert len(set(seen)) == 1


def test_what_is_not_safe_to_repeat_is_sent_once() -> None:
    """Deleting has no request id: the client does not guess whether it happened."""
    calls: list[str] = []

    def delete(request: operations_pb2.DeleteOperationRequest, context: grpc.ServicerContext) -> None:
        calls.append(request.name)
        refuse(context, grpc.StatusCode.UNAVAILABLE, "draining")

    with serve(DeleteOperation=delete) as address, connect(address) as client, pytest.raises(errors.Unavailable):
        client.operations.handle("operations/a").delete()
    assert calls == ["operations/a"]


def test_every_unary_method_but_delete_is_safe_to_repeat() -> None:
    """The retry policy covers the whole contract; a new method that cannot be repeated shows up here."""
    unary = [method for method in _methods() if not (method.client_streaming or method.server_streaming)]
    assert [method.name for method in unary if not is_safe_to_repeat(method)] == ["DeleteOperation"]


def test_an_error_tells_the_request_id_to_repeat_the_call_with() -> None:
    """A caller who does not know whether a write happened can ask again under the same id."""

    def create(request: reference_pb2.CreateLedgerRequest, _context: object) -> reference_pb2.Ledger:
        time.sleep(1)
        return request.ledger

    request = reference_pb2.CreateLedgerRequest(ledger=MAIN.ledger, request_id="mine")
    with (
        serve(CreateLedger=create) as address,
        connect(address) as client,
        pytest.raises(errors.DeadlineExceeded) as caught,
    ):
        client.gl.create_ledger(request, timeout_s=0.2)
    assert caught.value.request_id == "mine"


@pytest.mark.rule("PLT-13")
def test_the_token_goes_along_and_is_asked_for_anew() -> None:
    """A token that is renewed while the client lives is sent as it is then."""
    seen: list[str] = []
    tokens = iter(["first", "second"])

    def get(request: reference_pb2.GetLedgerRequest, context: grpc.ServicerContext) -> reference_pb2.Ledger:
        seen.extend(
            str(value) for key, value in context.invocation_metadata() if key in {"authorization", "user-agent"}
        )
        return reference_pb2.Ledger(name=request.name)

    with serve(GetLedger=get) as address, connect(address, token=lambda: next(tokens)) as client:
        client.gl.get_ledger(reference_pb2.GetLedgerRequest(name="ledgers/MAIN"))
        client.gl.get_ledger(reference_pb2.GetLedgerRequest(name="ledgers/MAIN"))
    assert [value for value in seen if "Bearer" in value] == ["Bearer first", "Bearer second"]
    assert any(value.startswith("countinghouse-python/") for value in seen)


@pytest.mark.rule("PLT-13")
@pytest.mark.parametrize("target", ["127.0.0.1:50051", "localhost:50051", "[::1]:50051", "unix:/run/c.sock"])
def test_a_token_may_go_in_clear_text_on_this_machine(target: str) -> None:
    """Loopback and Unix sockets need no TLS."""
    assert Connection(target, token="t").metadata() == (("authorization", "Bearer t"),)


@pytest.mark.rule("PLT-13")
@pytest.mark.parametrize(
    "target", ["ledger.example:50051", "10.0.0.7:50051", "[2001:db8::1]:50051", "dns:///x.example:1"]
)
def test_a_token_is_not_sent_in_clear_text_over_a_network(target: str) -> None:
    """Whoever forgets TLS does not give the token away, unless they say that they mean it."""
    with pytest.raises(ValueError, match="in clear text"):
        Connection(target, token="t")
    assert Connection(target, token="t", plaintext_token=True).metadata()
    assert Connection(target, token="t", tls=Tls()).metadata()


def test_a_client_certificate_needs_its_key() -> None:
    """Half of a mutual TLS set-up is refused before any connection."""
    with pytest.raises(ValueError, match="go together"):
        Connection("ledger.example:1", tls=Tls(certificate=b"pem"))


class Gauge:
    """Counts calls in flight, at the server."""

    def __init__(self, pause_s: float) -> None:
        self.lock = threading.Lock()
        self.now = self.most = self.served = 0
        self.pause_s = pause_s

    def get(self, request: reference_pb2.GetLedgerRequest, _context: object) -> reference_pb2.Ledger:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(self.pause_s)
        with self.lock:
            self.now -= 1
            self.served += 1
        return reference_pb2.Ledger(name=request.name)


def test_two_thousand_calls_at_once_are_all_answered() -> None:
    """Whoever throws 2,000 calls at one channel loses none: they take turns."""
    gauge = Gauge(0)

    async def flood(address: str) -> list[str]:
        async with aio.connect(address) as client:
            asked = [reference_pb2.GetLedgerRequest(name=f"ledgers/{number}") for number in range(2000)]
            return [ledger.name for ledger in await asyncio.gather(*(client.gl.get_ledger(one) for one in asked))]

    with serve(GetLedger=gauge.get) as address:
        assert asyncio.run(flood(address)) == [f"ledgers/{number}" for number in range(2000)]
    assert gauge.served == 2000


@pytest.mark.parametrize("kind", ["sync", "aio"])
def test_calls_in_flight_stay_within_the_bound(kind: str) -> None:
    """The server never sees more calls at once from a channel than were agreed."""
    gauge = Gauge(0.02)
    request = reference_pb2.GetLedgerRequest(name="ledgers/MAIN")

    async def flood(address: str) -> None:
        async with aio.connect(address, calls_max=4) as client:
            await asyncio.gather(*(client.gl.get_ledger(request) for _ in range(40)))

    with serve(GetLedger=gauge.get) as address:
        if kind == "aio":
            asyncio.run(flood(address))
        else:
            with connect(address, calls_max=4) as client, ThreadPoolExecutor(20) as pool:
                list(pool.map(lambda _: client.gl.get_ledger(request), range(40)))
    assert gauge.served == 40
    assert gauge.most <= 4


def test_a_call_that_finds_no_place_in_its_time_is_refused() -> None:
    """Waiting for a turn is part of the timeout."""
    gauge = Gauge(0.6)
    request = reference_pb2.GetLedgerRequest(name="ledgers/MAIN")
    with serve(GetLedger=gauge.get) as address, connect(address, calls_max=1) as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.gl.get_ledger, request)
        while not gauge.now:
            time.sleep(0.01)
        with pytest.raises(errors.ResourceExhausted) as caught:
            client.gl.get_ledger(request, timeout_s=0.1)
        first.result()
    assert caught.value.reason == "CLIENT_CALLS_IN_FLIGHT"


@pytest.mark.rule("PLT-08")
def test_a_list_is_read_page_by_page_as_far_as_asked() -> None:
    """Items come in order over all pages, under the same filter, and no page more than needed is fetched."""
    asked: list[reference_pb2.ListAccountingPeriodsRequest] = []

    def periods(
        request: reference_pb2.ListAccountingPeriodsRequest, _context: object
    ) -> reference_pb2.ListAccountingPeriodsResponse:
        asked.append(request)
        first = int(request.page_token or 0)
        last = min(first + request.page_size, 7)
        found = [reference_pb2.AccountingPeriod(code=str(number)) for number in range(first, last)]
        return reference_pb2.ListAccountingPeriodsResponse(
            accounting_periods=found, next_page_token=str(last) if last < 7 else ""
        )

    request = reference_pb2.ListAccountingPeriodsRequest(parent="ledgers/MAIN", page_size=3)
    with serve(ListAccountingPeriods=periods) as address, connect(address) as client:
        everything = [period.code for period in client.gl.list_periods(request)]
        some = [period.code for period in client.gl.list_periods(request, limit=4)]
    assert everything == list("0123456")
    assert some == list("0123")
    assert [one.page_size for one in asked] == [3, 3, 3, 3, 1]
    assert {one.parent for one in asked} == {"ledgers/MAIN"}


def test_a_proxy_of_the_network_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a company's proxy the server beside the client is reached all the same."""
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)
    with (
        serve(GetLedger=lambda request, _context: reference_pb2.Ledger(name=request.name)) as address,
        connect(address) as client,
    ):
        assert client.gl.get_ledger(reference_pb2.GetLedgerRequest(name="ledgers/MAIN")).name == "ledgers/MAIN"


def test_two_thousand_threads_at_once_are_all_answered() -> None:
    """A client may be shared by any number of threads: their calls take turns, and none is lost."""
    gauge = Gauge(0)

    def ask(number: int) -> str:
        return client.gl.get_ledger(reference_pb2.GetLedgerRequest(name=f"ledgers/{number}")).name

    with serve(GetLedger=gauge.get) as address, connect(address) as client, ThreadPoolExecutor(2000) as pool:
        assert list(pool.map(ask, range(2000))) == [f"ledgers/{number}" for number in range(2000)]
    assert gauge.most <= 200


class Ended:
    """A server whose calls last until somebody ends them; tells when the first has come."""

    def __init__(self) -> None:
        self.begun, self.over = threading.Event(), threading.Event()

    def get(self, request: reference_pb2.GetLedgerRequest, context: grpc.ServicerContext) -> reference_pb2.Ledger:
        context.add_callback(self.over.set)
        self.begun.set()
        self.over.wait(20)
        return reference_pb2.Ledger(name=request.name)

    def watch(self, _request: object, context: grpc.ServicerContext) -> Iterator[watch_pb2.WatchOperationResponse]:
        yield watch_pb2.WatchOperationResponse(sequence=1, operation=operations_pb2.Operation(name="operations/a"))
        self.get(reference_pb2.GetLedgerRequest(), context)


@pytest.mark.parametrize("kind", ["call", "watch"])
def test_closing_a_client_ends_its_calls_with_an_error_of_their_own(kind: str) -> None:
    """Another thread waits for an answer or watches: it is told that the client is closed, and nothing is retried."""
    ended, request = Ended(), reference_pb2.GetLedgerRequest(name="ledgers/MAIN")
    with serve(GetLedger=ended.get, WatchOperation=ended.watch) as address, ThreadPoolExecutor(1) as pool:
        client = connect(address)
        waiting = pool.submit(
            (lambda: client.gl.get_ledger(request))
            if kind == "call"
            else (lambda: list(client.operations.handle("operations/a").watch()))
        )
        assert ended.begun.wait(10)
        client.close()
        assert isinstance(waiting.exception(10), errors.ClientClosed)
        with pytest.raises(errors.ClientClosed):
            client.gl.get_ledger(request)


@pytest.mark.parametrize("kind", ["call", "watch"])
def test_closing_an_asynchronous_client_cancels_no_task(kind: str) -> None:
    """A task that waits for an answer gets an error that it can handle, not a cancellation that nobody asked for."""
    ended, request = Ended(), reference_pb2.GetLedgerRequest(name="ledgers/MAIN")

    async def run(address: str) -> BaseException | None:
        client = aio.connect(address)

        async def wait() -> object:
            if kind == "call":
                return await client.gl.get_ledger(request)
            return [snapshot async for snapshot in client.operations.handle("operations/a").watch()]

        task = asyncio.create_task(wait())
        await asyncio.to_thread(ended.begun.wait, 10)
        await client.close()
        with pytest.raises(errors.ClientClosed):
            await client.gl.get_ledger(request)
        await asyncio.wait({task}, timeout=10)
        return task.exception()

    with serve(GetLedger=ended.get, WatchOperation=ended.watch) as address:
        assert isinstance(asyncio.run(run(address)), errors.ClientClosed)


def test_a_canceled_task_is_canceled() -> None:
    """Whoever gives up a call of the asynchronous client does: no error stands in the way of the cancellation."""
    ended = Ended()

    async def run(address: str) -> None:
        async with aio.connect(address) as client:
            task = asyncio.create_task(client.gl.get_ledger(reference_pb2.GetLedgerRequest(name="ledgers/MAIN")))
            await asyncio.to_thread(ended.begun.wait, 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with serve(GetLedger=ended.get) as address:
        asyncio.run(run(address))
    assert ended.over.is_set()


@pytest.mark.rule("PLT-13")
@pytest.mark.parametrize("token", ["two\nlines", "tab\t", "schlüssel"])
def test_a_token_that_no_header_carries_is_told_before_any_call(token: str) -> None:
    """A file with more than the token in it is found out at once, and its content is not repeated."""
    with pytest.raises(ValueError, match="no header carries") as caught:
        Connection("127.0.0.1:50051", token=token)
    assert token not in str(caught.value)
    with pytest.raises(ValueError, match="no header carries"):
        Connection("127.0.0.1:50051", token=lambda: token).metadata()
    with pytest.raises(ValueError, match="the token is empty"):
        Connection("127.0.0.1:50051", token="")
