"""Servers die while usage comes in: what the client sends again is stored once, as if nothing had happened."""

from __future__ import annotations

import random
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.decimal_pb2 import Decimal
from sqlalchemy import func, select

from countinghouse.billing.v1 import usage_pb2 as pb
from countinghouse.client import connect
from countinghouse.client.usage import UsageRow
from domain.billing.tables import interval_data
from server.database.transaction import Database
from tests.billing.usage.shop import kept, open_shop
from tests.support.process import free_address, serve
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.crash, pytest.mark.slow, pytest.mark.timeout(300)]

ACCOUNTS = ("A", "B", "C")
HOURS = 12_000  # of each
START = datetime(2025, 1, 1, tzinfo=UTC)


def rows(chance: random.Random) -> list[UsageRow]:
    """The hours of all accounts, one in fifty of them twice."""
    found: list[UsageRow] = []
    for number in range(HOURS):
        at = Timestamp()
        at.FromDatetime(START + timedelta(hours=number))
        for account in ACCOUNTS:
            quantity = Decimal(value=f"{number % 97}.{account.encode().hex()}")
            row = pb.IntervalData(start_time=at, quantity=quantity)
            found += [(f"accounts/{account}/profiles/HOURLY", row)] * (2 if chance.random() < 0.02 else 1)
    return found


def stored(database: Database) -> int:
    return int(database.read(lambda tx: tx.execute(select(func.count()).select_from(interval_data)).scalar_one()))


@pytest.mark.rule("BIL-24", "PLT-22")
def test_a_stream_that_was_cut_by_the_servers_death_is_sent_again(
    database: Database, migrated_url: str, tmp_path: Path, crash_run: int
) -> None:
    """Killed twice while rows come in: each is there once, with its value, as of a stream that nobody cut."""
    chance = random.Random(crash_run)
    sent = rows(chance)
    open_shop(database, ACCOUNTS)
    address, whole = free_address(), HOURS * len(ACCOUNTS)
    settings = {"database_url": migrated_url, "listen": address, "log_level": "error"}
    retries: list[str] = []
    with ThreadPoolExecutor(1) as pool, connect(address) as client, ExitStack() as servers:
        server = servers.enter_context(serve(tmp_path / "0", "--no-jobs", **settings))
        server.ready()
        done = pool.submit(
            client.billing.ingest_usage, sent, patience_s=120, on_retry=lambda error, _: retries.append(error.reason)
        )
        for death in range(1, 3):
            reached = stored(database) + chance.randrange(1, whole // 5)
            wait_for(lambda: stored(database) >= reached or done.done(), 60, "rows")  # noqa: B023 - at once
            assert server.end(signal.SIGKILL) == -signal.SIGKILL
            server = servers.enter_context(serve(tmp_path / str(death), "--no-jobs", **settings))
            server.ready()
        totals = done.result(120)
    assert retries, "no stream was cut"
    assert (totals.received_count, totals.refused_count) == (len(sent), 0)
    assert totals.accepted_count + totals.duplicate_count == len(sent)
    by_dying = kept(database, interval_data)
    assert len(by_dying) == whole
    _forget(database)
    with serve(tmp_path / "undisturbed", "--no-jobs", **settings) as server, connect(server.ready()) as client:
        totals = client.billing.ingest_usage(sent)
    assert (totals.accepted_count, totals.duplicate_count) == (whole, len(sent) - whole)
    assert kept(database, interval_data) == by_dying


def _forget(database: Database) -> None:
    database.write(lambda tx: tx.execute(interval_data.delete()))
