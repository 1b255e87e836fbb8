"""Hookpoints by a real client: listed, tried, and asked over the network, also where the hook is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from countinghouse.invoicing.v1 import hookpoints_pb2 as pb
from server.database.transaction import Database
from tests.hooks.packages import install_hookpoints
from tests.invoicing.batches.house import IN_APRIL, House
from tests.support.hook import hooking, hooks_file
from tests.support.server import refusal, serving
from tests.wire.invoicing.batching import Batching, word

CLOSED = pb.INVOICE_BATCH_POINT_CLOSED
SENDING = pb.INVOICE_BATCH_POINT_READY_FOR_SENDING


@pytest.fixture
def hooked(
    database: Database, migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Batching]:
    """A server with a package that offers hookpoints, and the sample hook; the cycle asks the hook."""
    house = House(database, hookpoint="plausible-totals")
    monkeypatch.syspath_prepend(install_hookpoints(tmp_path))
    with hooking() as target:
        path = hooks_file(tmp_path, target, hookpoints='["plausible-totals", "unknown-there"]', timeout_s="2")
        chosen: dict[str, Any] = {"hooks_file": path, "hooks_loopback": True, "clock_us": lambda: house.now_us}
        with serving(migrated_url, tmp_path, **chosen) as served:
            yield Batching(served, house)


def tried(hooked: Batching, key: str, batch: str, point: pb.InvoiceBatchPoint.ValueType) -> pb.TestHookpointResponse:
    """What a hook would say."""
    request = pb.TestHookpointRequest(name=f"hookpoints/{key}", invoice_batch=batch, point=point)
    return hooked.stub.TestHookpoint(request, timeout=20)


@pytest.mark.rule("INV-10")
def test_a_hook_over_the_network_decides(hooked: Batching) -> None:
    """The sample holds a batch that closes nothing; without a hook it goes on, and fails for having no invoices."""
    hooked.house.put_cycle(minimum_usage={"EUR": 1_000})
    hooked.house.charge({"A": 400})
    hooked.house.now_us = IN_APRIL
    batch = hooked.close()
    assert hooked.engine().started_count == 1
    held = hooked.get(batch.name)
    assert (word(held.state), held.hold.reason) == ("CLOSED", "INVOICE_BATCH_HOOK_REFUSES")
    assert held.hold.message == "hook plausible-totals: not one invoice has closed"
    why = hooked.explain(batch.name)
    assert (why.reason, why.message) == (held.hold.reason, held.hold.message)
    hooked.house.put_cycle(hookpoint="")
    hooked.engine()
    failed = hooked.get(batch.name)
    assert (word(failed.state), failed.counts.moved_count) == ("ERROR", 1)
    assert failed.hold.reason == "INVOICE_BATCH_NO_INVOICES"


@pytest.mark.rule("INV-10")
def test_hookpoints_are_listed_and_tried(hooked: Batching) -> None:
    """Wherever they come from; whatever one does, it is told, and nothing comes of it."""
    listed = hooked.stub.ListHookpoints(pb.ListHookpointsRequest(), timeout=20).hookpoints
    assert [each.key for each in listed] == ["always", "breaks", "plausible-totals", "unknown-there"]
    assert [each.origin for each in listed] == [
        "the entry point offered of acme-points 1.0",
        "the entry point offered of acme-points 1.0",
        "hook sample",
        "hook sample",
    ]
    page = hooked.stub.ListHookpoints(pb.ListHookpointsRequest(page_size=3), timeout=20)
    rest = pb.ListHookpointsRequest(page_size=3, page_token=page.next_page_token)
    assert [each.key for each in hooked.stub.ListHookpoints(rest, timeout=20).hookpoints] == ["unknown-there"]
    hooked.house.charge({"A": 400})
    hooked.house.now_us = IN_APRIL
    batch = hooked.close()
    assert tried(hooked, "always", batch.name, CLOSED).goes_on
    assert tried(hooked, "plausible-totals", batch.name, CLOSED).goes_on
    broken = tried(hooked, "breaks", batch.name, SENDING)
    assert (broken.goes_on, broken.reason) == (False, "INVOICE_BATCH_HOOK_FAILED")
    assert "secret" not in broken.message
    unknown = tried(hooked, "unknown-there", batch.name, CLOSED)
    assert (unknown.reason, "HOOKPOINT_NOT_SERVED" in unknown.message) == ("INVOICE_BATCH_HOOK_FAILED", True)
    refused = refusal(lambda: tried(hooked, "nobody", batch.name, CLOSED))
    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "HOOKPOINT_NOT_FOUND")
    assert word(hooked.get(batch.name).state) == "CLOSED"


@pytest.mark.rule("INV-10", "INV-13")
def test_a_hook_that_is_gone_holds_its_batch(database: Database, migrated_url: str, tmp_path: Path) -> None:
    """It says that there is no connection, and is tried again at the next run."""
    house = House(database, hookpoint="plausible-totals")
    with hooking() as target:
        pass
    path = hooks_file(tmp_path, target, hookpoints='["plausible-totals"]', timeout_s="0.5")
    chosen: dict[str, Any] = {"hooks_file": path, "hooks_loopback": True, "clock_us": lambda: house.now_us}
    with serving(migrated_url, tmp_path, **chosen) as served:
        batching = Batching(served, house)
        house.charge({"A": 5_000})
        house.now_us = IN_APRIL
        batch = batching.close()
        for _ in range(2):
            assert batching.engine().started_count == 1
        held = batching.get(batch.name)
    assert (word(held.state), held.hold.reason) == ("CLOSED", "INVOICE_BATCH_HOOK_FAILED")
    assert "no connection" in held.hold.message
