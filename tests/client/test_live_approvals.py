"""The two-person rule through the command line and both clients, against a real server on both databases."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.type.date_pb2 import Date

from countinghouse.client import aio, connect
from countinghouse.client.errors import CountinghouseError
from countinghouse.gl_extraction.v1 import reference_pb2
from countinghouse.operations.v1 import approvals_pb2 as pb
from tests.client.command import run as run_command
from tests.support.server import Served, serving

NAMES = ("ann", "ben")


@pytest.fixture
def guarded(migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    """A server on which reopening a period takes two people; a ledger with a closed period."""
    tokens = tmp_path / "tokens.toml"
    entry = '[[tokens]]\ncaller="{0}"\ntoken="the-token-of-{0}"\npermissions=["*"]\n'
    tokens.write_text("".join(map(entry.format, NAMES)))
    tokens.chmod(0o600)
    with serving(migrated_url, tmp_path, token_file=tokens, two_person="ReopenAccountingPeriod") as served:
        with connect(served.target, token="the-token-of-ann") as client:
            client.gl.create_ledger(reference_pb2.CreateLedgerRequest(ledger=reference_pb2.Ledger(code="L")))
            period = reference_pb2.AccountingPeriod(
                code="FY", start_date=Date(year=2026, month=1, day=1), end_date=Date(year=2026, month=12, day=31)
            )
            client.gl.create_period(
                reference_pb2.CreateAccountingPeriodRequest(parent="ledgers/L", accounting_period=period)
            )
            client.gl.close_period(reference_pb2.CloseAccountingPeriodRequest(name="ledgers/L/accountingPeriods/FY"))
        yield served


def run(served: Served, who: str, *arguments: str) -> Any:
    return run_command(served.target, "--token", f"the-token-of-{who}", *arguments)


@pytest.mark.rule("PLT-10")
def test_two_people_reopen_a_period_by_commands(guarded: Served) -> None:
    """The first is told what to do; the second looks, and agrees; the first repeats the same command."""
    command = ("gl", "periods", "reopen", "L", "FY", "--reason", "a late invoice")
    first = run(guarded, "ann", *command)
    assert first.exit_code != 0
    assert "APPROVAL_NEEDED" in first.output
    assert "countinghouse approvals get approvals/" in first.output
    (waiting,) = json.loads(run(guarded, "ben", "approvals", "list", "--state", "pending", "-o", "json").stdout)
    assert run(guarded, "ben", "approvals", "list").stdout.count("ReopenAccountingPeriod") == 1
    looked = run(guarded, "ben", "approvals", "get", waiting["name"])
    assert looked.exit_code == 0, looked.output
    assert "a late invoice" in looked.stdout
    own = run(guarded, "ann", "approvals", "approve", waiting["name"])
    assert "APPROVAL_OWN" in own.output
    agreed = run(guarded, "ben", "approvals", "approve", waiting["name"], "--reason", "seen it")
    assert agreed.exit_code == 0, agreed.output
    done = run(guarded, "ann", *command)
    assert done.exit_code == 0, done.output
    rejected = run(guarded, "ben", "approvals", "reject", waiting["name"])
    assert "APPROVAL_STATE" in rejected.output


def test_both_clients_know_approvals(guarded: Served) -> None:
    """The synchronous one asks, the asynchronous one refuses."""
    request = reference_pb2.ReopenAccountingPeriodRequest(name="ledgers/L/accountingPeriods/FY", reason="r")
    with connect(guarded.target, token="the-token-of-ann") as client:
        with pytest.raises(CountinghouseError) as refused:
            client.gl.reopen_period(request)
        name = refused.value.metadata["approval"]
        assert asyncio.run(_refused(guarded.target, name)) == pb.APPROVAL_STATE_REJECTED
        assert client.approvals.get(pb.GetApprovalRequest(name=name)).decider == "ben"


async def _refused(target: str, name: str) -> int:
    async with aio.connect(target, token="the-token-of-ben") as client:
        found = [one.name async for one in client.approvals.list(pb.ListApprovalsRequest())]
        assert found == [name]
        return (await client.approvals.reject(pb.RejectApprovalRequest(name=name))).state
