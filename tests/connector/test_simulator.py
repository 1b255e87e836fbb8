"""`countinghouse simulator`: a real process that keeps the contract, and fails as it is told."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from countinghouse.connector.v1 import simulator_pb2, system_of_record_pb2
from countinghouse.connector.v1.simulator_pb2_grpc import SimulatorServiceStub
from countinghouse.connector.v1.system_of_record_pb2_grpc import SystemOfRecordServiceStub
from server.outbound.system_of_record.grpc_connector import request_of
from server.outbound.system_of_record.http_connector import document_of
from server.outbound.system_of_record.model import adjustment_from
from server.simulator.faults import permille_of, span_of
from tests.connector.adjusting import payload
from tests.support.process import COUNTINGHOUSE, END_S, environment, run
from tests.support.simulator import simulating

_LISTENS = re.compile(r"listens on (\S+) and (\S+)")


@contextmanager
def simulator(*options: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """The process, its address for gRPC, and its URL for HTTP."""
    command = [str(COUNTINGHOUSE), "simulator", "--listen", "127.0.0.1:0", "--http", "0", *options]
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        found = _LISTENS.search(process.stdout.readline())
        assert found
        yield process, found[1], found[2]
    finally:
        process.kill()
        process.wait(END_S)
        process.stdout.close()


def post(target: str, key: str, **changed: Any) -> system_of_record_pb2.PostResponse:
    with grpc.insecure_channel(target) as channel:
        request = request_of(adjustment_from(payload(key, **changed)))
        answer: system_of_record_pb2.PostResponse = SystemOfRecordServiceStub(channel).Post(request, timeout=10)
        return answer


def totals(target: str) -> simulator_pb2.Totals:
    with grpc.insecure_channel(target) as channel:
        answer: simulator_pb2.Totals = SimulatorServiceStub(channel).GetTotals(
            simulator_pb2.GetTotalsRequest(), timeout=10
        )
        return answer


@pytest.mark.rule("ACC-20", "ACC-21")
def test_it_posts_each_key_once_by_whatever_way_and_remembers_it(tmp_path: Path) -> None:
    """By gRPC, then by HTTP, then after SIGTERM in another process: one posting, one reference, exact totals."""
    ledger = ("--ledger", str(tmp_path / "ledger.db"))
    with simulator(*ledger) as (process, target, url):
        reference = post(target, "op-1").posting.external_reference
        body = document_of(adjustment_from(payload("op-1")))
        again = httpx.post(f"{url}/postings", json=body, headers={"idempotency-key": "op-1"}, timeout=10)
        assert (again.status_code, again.json()["externalReference"]) == (200, reference)
        post(target, "op-2", amount_minor=1, currency="JPY")
        process.send_signal(signal.SIGTERM)
        assert process.wait(END_S) == 0
    with simulator(*ledger) as (_, target, url):
        assert post(target, "op-1").posting.external_reference == reference
        found = httpx.get(f"{url}/postings/op-1?client=acme", timeout=10)
        assert (found.status_code, found.json()["externalReference"]) == (200, reference)
        unknown = httpx.get(f"{url}/postings/op-3?client=acme", timeout=10)
        assert (unknown.status_code, unknown.json()["reason"]) == (404, "NOT_POSTED")
        sums = {
            each.currency_code: (each.count, each.amount.units, each.amount.nanos) for each in totals(target).currencies
        }
        assert sums == {"JPY": (1, 1, 0), "USD": (1, 150, 0)}


@pytest.mark.rule("ACC-21")
def test_a_key_with_other_content_is_refused() -> None:
    """It would be another adjustment under an old name."""
    with simulating() as ledger:
        post(ledger.target, "op-1")
        with pytest.raises(grpc.RpcError) as refused:
            post(ledger.target, "op-1", amount_minor=15_001)
        assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert len(ledger.postings()) == 1


@pytest.mark.rule("ACC-21")
def test_one_key_many_times_at_once_is_one_posting() -> None:
    """Whoever asks while the first is under way gets the first one's posting."""
    with simulating(latency_min_ms=5, latency_max_ms=20) as ledger, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(ledger.target, "op-1"), range(24)))
        assert len({each.posting.external_reference for each in answers}) == 1
        assert (len(ledger.postings()), ledger.totals().posts_repeated) == (1, 23)


@pytest.mark.rule("ACC-22")
def test_a_lookup_never_says_not_posted_while_the_post_runs() -> None:
    """What was received before the lookup may be posted yet."""
    with simulating(latency_min_ms=600, latency_max_ms=600) as ledger, ThreadPoolExecutor(1) as pool:
        posting = pool.submit(post, ledger.target, "op-1")
        deadline = time.monotonic() + 10
        while not ledger.totals().posts_received and time.monotonic() < deadline:
            time.sleep(0.01)
        ledger.configure()
        with grpc.insecure_channel(ledger.target) as channel:
            request = system_of_record_pb2.LookupRequest(client="acme", idempotency_key="op-1")
            with pytest.raises(grpc.RpcError) as refused:
                SystemOfRecordServiceStub(channel).Lookup(request, timeout=10)
            assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
            posting.result(10)
            found = SystemOfRecordServiceStub(channel).Lookup(request, timeout=10)
            assert found.state == system_of_record_pb2.POSTING_STATE_POSTED


@pytest.mark.rule("ACC-20")
@pytest.mark.parametrize(
    "changed", [{"debit_account": "HOLDER-1"}, {"currency": "XXX"}, {"claim": ""}, {"idempotency_key": "a b"}]
)
def test_it_refuses_what_the_contract_does_not_allow(changed: dict[str, str]) -> None:
    """Equal accounts, a currency without minor units, a missing case, a key of another form."""
    with simulating() as ledger:
        request = request_of(adjustment_from(payload("op-1")))
        if "currency" in changed:
            request.amount.currency_code = changed["currency"]
        else:
            for name, value in changed.items():
                setattr(request, name, value)
        with pytest.raises(grpc.RpcError) as refused:
            SystemOfRecordServiceStub(ledger.channel).Post(request, timeout=10)
        assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert not ledger.postings()


def test_postings_are_listed_in_pages() -> None:
    """Every one once, in the order of posting, of one client if asked."""
    with simulating() as ledger:
        keys = [f"op-{number}" for number in range(5)]
        for key in keys:
            post(ledger.target, key, client="acme" if key != "op-2" else "other")
        seen, token = [], ""
        while True:
            page = ledger.switches.ListPostings(
                simulator_pb2.ListPostingsRequest(page_size=2, page_token=token), timeout=10
            )
            seen += [each.request.idempotency_key for each in page.postings]
            token = page.next_page_token
            if not token:
                break
        assert seen == keys
        assert len(ledger.postings("other")) == 1


def test_faults_can_be_of_one_client() -> None:
    """Its calls fail, the others' do not; both can be changed while it runs."""
    with simulating() as ledger:
        ledger.configure("other", error_permille=1_000)
        post(ledger.target, "op-1")
        with pytest.raises(grpc.RpcError) as refused:
            post(ledger.target, "op-2", client="other")
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        ledger.configure("other")
        post(ledger.target, "op-2", client="other")


def test_rates_are_exact() -> None:
    """A rate is a share of a thousand, never a float; what is none is refused."""
    assert (permille_of("0.25"), permille_of("1"), permille_of("0.001"), permille_of("0")) == (250, 1_000, 1, 0)
    assert (span_of("5"), span_of("5:20")) == ((5, 5), (5, 20))
    for text in ("1.5", "-0.1", "0.0001", "many", "nan"):
        with pytest.raises(ValueError, match="is no share"):
            permille_of(text)
    for text in ("20:5", "a", "1:2:3"):
        with pytest.raises(ValueError, match="is no span"):
            span_of(text)


def test_a_bad_option_is_told_in_a_line(tmp_path: Path) -> None:
    """And so is an address that is taken."""
    refused = run(tmp_path, "simulator", "--error-rate", "2")
    assert (refused.returncode, "is no share" in refused.stderr) == (2, True)
    with simulating() as ledger:
        taken = run(tmp_path, "simulator", "--listen", ledger.target)
    assert taken.returncode == 1
    assert f"cannot listen on {ledger.target}" in taken.stderr
    assert "Traceback" not in taken.stderr
