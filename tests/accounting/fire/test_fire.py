"""Thousands of operations under fire: in the end both ledgers say the same, operation by operation, each once."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from sqlalchemy import select

from countinghouse.accounting.v1 import assignments_pb2
from countinghouse.accounting.v1 import operations_pb2 as pb
from domain.accounting.tables import accounting_operation, assignment, collection_balance
from domain.gl_extraction.tables import accounting_detail
from server.database.transaction import Database
from tests.accounting.fire.world import Phoenix, Simulator, persistently, simulator
from tests.support.waiting import wait_for
from tests.wire.accounting.desk import Desk, entry
from tests.wire.accounting.samples import SYSTEM_OF_RECORD, Accounting, open_shop
from tests.wire.gl_extraction.samples import Gl

pytestmark = [pytest.mark.crash, pytest.mark.slow, pytest.mark.timeout(1_800)]

FAULTS = ("--latency-ms", "0:15", "--error-rate", "0.1", "--lose-answers", "0.08", "--reject-rate", "0.03")
CLIENTS = {
    "SERVICE": {
        "service": {
            "system_of_record": SYSTEM_OF_RECORD,
            "max_retries": 3,
            "timeout": "2s",
            "backoff": "0.010s",
            "backoff_max": "0.100s",
            "concurrency_max": 12,
        }
    }
}
BATCH = 25
CLAIMS = 6


@pytest.mark.rule("ACC-20", "ACC-21", "ACC-22", "ACC-23", "PLT-22")
def test_both_ledgers_agree_whatever_was_killed(
    database: Database, migrated_url: str, tmp_path: Path, crash_run: int, request: pytest.FixtureRequest
) -> None:
    """Errors, rejections, lost answers, and SIGKILL of server and worker at random instants."""
    operations = int(request.config.getoption("--fire-operations"))
    with simulator(tmp_path / "simulator", *FAULTS, "--seed", str(crash_run)) as outside:
        phoenix = _phoenix(tmp_path, migrated_url, outside, crash_run)
        with phoenix.alive(), grpc.insecure_channel(phoenix.address) as channel:
            open_shop(Accounting(channel), Gl(channel), clients=CLIENTS)
            desk = Desk(Accounting(channel))
            claims = [desk.claim("SERVICE", *["10.00 USD"] * BATCH) for _ in range(CLAIMS)]
        done = threading.Event()
        living = threading.Thread(target=phoenix.live, args=(done.is_set,), kwargs={"lives_s": (1.5, 4.0)})
        living.start()
        try:
            with grpc.insecure_channel(phoenix.address) as channel:
                _perform(Accounting(channel), claims, operations)
                _see_to_the_end(Accounting(channel), database, outside)
        finally:
            done.set()
            living.join(60)
    assert phoenix.kills > 0


def _phoenix(folder: Path, url: str, outside: Simulator, seed: int) -> Phoenix:
    connections = folder / "systems_of_record.toml"
    where = f'name = "{SYSTEM_OF_RECORD}"\nkind = "grpc"\ntarget = "{outside.address}"\ntls = false\n'
    connections.write_text(f"[[systems_of_record]]\n{where}")
    settings = {
        "database_url": url,
        "systems_of_record_file": connections,
        "systems_of_record_loopback": True,
        "lease_s": 3,
        "log_level": "warning",
    }
    return Phoenix(folder / "server", settings, random.Random(seed))


def _perform(accounting: Accounting, claims: list[str], operations: int) -> None:
    """Run so many operations, a batch a call, each call until it is answered, and with amounts of their own."""

    def batch(number: int) -> None:
        claim = claims[number % len(claims)]
        items = [
            pb.BatchExecuteAccountingRequest.Item(
                parent=claim,
                workflow_point="CREDIT",
                entries=[entry(claim, str(at + 1), None)],
                step_key=f"{number}-{at}",
            )
            for at in range(BATCH)
        ]
        request = pb.BatchExecuteAccountingRequest(items=items, request_id=f"batch-{number}")
        answer = persistently(accounting.BatchExecuteAccounting, request)
        assert all(not result.error.code and len(result.operations) == 1 for result in answer.results)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(batch, range(operations // BATCH)))


def _see_to_the_end(accounting: Accounting, database: Database, outside: Simulator) -> None:
    """As people would: retry what failed or is in doubt, until nothing is open; then compare the books."""
    until_s = time.monotonic() + 600
    while open_ones := _open(database):
        assert time.monotonic() < until_s, Counter(state for _, state, _ in open_ones)
        waiting = [name for name, state, reason in open_ones if _waits_for_a_person(state, reason)]
        if len(waiting) == len(open_ones):
            outside.be_well()
        for name in waiting:
            _retry(accounting, name)
        time.sleep(0.2)
    wait_for(lambda: _differences(database, outside) == [], 30, what=f"{_differences(database, outside)[:5]}")
    _compare_books(database)


def _waits_for_a_person(state: str, reason: str) -> bool:
    return state == "IN_DOUBT" or (state == "FAILED" and reason != "SERVICE_REJECTED")


def _open(database: Database) -> list[tuple[str, str, str]]:
    """Assignments that have not ended, but for those that were refused for good."""
    a = assignment.c
    query = select(a.claim_id, a.operation_id, a.state, a.reason).where(a.state.not_in(("COMPLETED", "CANCELED")))
    rows = database.read(lambda tx: tx.execute(query).all())
    return [
        (f"claims/{row[0]}/assignments/{row[1]}", row[2], row[3])
        for row in rows
        if (row[2], row[3]) != ("FAILED", "SERVICE_REJECTED")
    ]


def _retry(accounting: Accounting, name: str) -> None:
    try:
        persistently(accounting.RetryAssignment, assignments_pb2.RetryAssignmentRequest(name=name))
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.FAILED_PRECONDITION:  # it went on meanwhile
            raise


def _differences(database: Database, outside: Simulator) -> list[object]:
    """What is executed here and not posted there, or the other way round, or posted twice."""
    o = accounting_operation.c
    query = select(o.operation_id, o.debit_account, o.credit_account, o.amount_minor, o.currency, o.external_reference)
    rows = database.read(lambda tx: tx.execute(query.where(o.state == "EXECUTED")).all())
    ours = Counter(tuple(row) for row in rows)
    theirs = Counter(
        (
            each.request.idempotency_key,
            each.request.debit_account,
            each.request.credit_account,
            each.request.amount.units * 100 + each.request.amount.nanos // 10_000_000,
            each.request.amount.currency_code,
            each.posting.external_reference,
        )
        for each in outside.postings()
    )
    return [*(ours - theirs), *(theirs - ours)]


def _compare_books(database: Database) -> None:
    """Two details for each executed operation; balances are what operations come to, and sum to zero."""
    o, b, d = accounting_operation.c, collection_balance.c, accounting_detail.c
    operations = database.read(
        lambda tx: tx.execute(
            select(o.state, o.operation_id, o.debit_collection, o.credit_collection, o.amount_minor)
        ).all()
    )
    executed = [row for row in operations if row[0] == "EXECUTED"]
    details = database.read(lambda tx: tx.execute(select(d.external_id)).scalars().all())
    assert sorted(details) == sorted(f"{row[1]}/{side}" for row in executed for side in "CD")
    come_to: Counter[str] = Counter()
    for row in executed:
        come_to[row[2]] -= row[4]
        come_to[row[3]] += row[4]
    kept: Counter[str] = Counter()
    for code, minor in database.read(lambda tx: tx.execute(select(b.collection_code, b.executed_minor)).all()):
        kept[code] += minor
    assert {code: minor for code, minor in kept.items() if minor} == dict(come_to)
    assert sum(kept.values()) == 0
