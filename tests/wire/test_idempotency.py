"""The same request id: the first answer, and no second effect (PLT-06)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import grpc
import pytest
from google.type.date_pb2 import Date
from sqlalchemy import Connection

from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc as gl_grpc
from countinghouse.gl_extraction.v1 import reference_pb2
from countinghouse.operations.v1 import audit_pb2, audit_pb2_grpc
from domain.kernel import idempotency
from server.database.transaction import Database
from tests.support.server import Served, refusal, serving
from tests.support.waiting import wait_for

Gl = gl_grpc.GLExtractionServiceStub
DAY_US = 86_400_000_000


def _create(code: str, request_id: str, description: str = "") -> reference_pb2.CreateLedgerRequest:
    ledger = reference_pb2.Ledger(code=code, description=description)
    return reference_pb2.CreateLedgerRequest(ledger=ledger, request_id=request_id)


def _changes(served: Served) -> int:
    audit = served.stub(audit_pb2_grpc.AuditServiceStub)
    return len(audit.ListAuditEntries(audit_pb2.ListAuditEntriesRequest(page_size=1_000)).audit_entries)


@pytest.mark.rule("PLT-06")
def test_the_same_call_gives_the_first_answer_and_changes_nothing(server: Served, gl: Gl) -> None:
    """The answer is the same to the byte, also once what it created has changed."""
    first = gl.CreateLedger(_create("L1", "r1"))
    changed = reference_pb2.Ledger(name=first.name, code="L1", description="changed", etag=first.etag)
    gl.UpdateLedger(reference_pb2.UpdateLedgerRequest(ledger=changed))
    before = _changes(server)
    assert gl.CreateLedger(_create("L1", "r1")) == first
    assert _changes(server) == before


@pytest.mark.rule("PLT-06", "PLT-07")
def test_the_same_id_with_other_content_is_refused(gl: Gl) -> None:
    """ALREADY_EXISTS with the reason REQUEST_ID_REUSED, and the other content is not carried out."""
    gl.CreateLedger(_create("L1", "r1"))
    refused = refusal(lambda: gl.CreateLedger(_create("L2", "r1")))
    assert (refused.code, refused.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    assert refused.metadata == {"request_id": "r1"}
    assert refusal(lambda: gl.GetLedger(reference_pb2.GetLedgerRequest(name="ledgers/L2"))).code is (
        grpc.StatusCode.NOT_FOUND
    )


@pytest.mark.rule("PLT-06")
def test_it_holds_across_restarts_and_servers(migrated_url: str, tmp_path: Path) -> None:
    """Another server on the same database, at the same time or later, gives the answer of the first."""
    with serving(migrated_url, tmp_path) as one, serving(migrated_url, tmp_path) as two:
        first = one.stub(Gl).CreateLedger(_create("L1", "r1"))
        assert two.stub(Gl).CreateLedger(_create("L1", "r1")) == first
    with serving(migrated_url, tmp_path) as later:
        assert later.stub(Gl).CreateLedger(_create("L1", "r1")) == first


@pytest.mark.rule("PLT-06")
def test_twenty_at_once_have_one_effect(server: Served, gl: Gl) -> None:
    """Whoever loses the race is given the winner's answer."""
    with ThreadPoolExecutor(20) as callers:
        answers = list(callers.map(lambda _: gl.CreateLedger(_create("L1", "r1")), range(20)))
    assert all(answer == answers[0] for answer in answers)
    assert _changes(server) == 1


@pytest.mark.rule("PLT-06")
def test_ids_belong_to_a_caller_and_a_method(migrated_url: str, tmp_path: Path) -> None:
    """Two callers, or two methods, may use the same id for different things."""
    tokens = tmp_path / "tokens.toml"
    names = ("ann", "ben")
    tokens.write_text(
        "".join(f'[[tokens]]\ncaller="{n}"\ntoken="the-token-of-{n}"\npermissions=["*"]\n' for n in names)
    )
    ann, ben = ((("authorization", f"Bearer the-token-of-{name}"),) for name in names)
    with serving(migrated_url, tmp_path, token_file=tokens) as served:
        gl = served.stub(Gl)
        gl.CreateLedger(_create("L1", "r1"), metadata=ann)
        gl.CreateLedger(_create("L2", "r1"), metadata=ben)
        group = reference_pb2.GroupAccount(code="G1")
        request = reference_pb2.CreateGroupAccountRequest(group_account=group, request_id="r1")
        gl.CreateGroupAccount(request, metadata=ann)


@pytest.mark.rule("PLT-06")
def test_a_refused_call_may_be_repeated_once_its_cause_is_mended(gl: Gl) -> None:
    """Only a committed success is remembered."""
    period = reference_pb2.CreateAccountingPeriodRequest(
        parent="ledgers/L1",
        accounting_period=reference_pb2.AccountingPeriod(
            code="P1", start_date=Date(year=2026, month=1, day=1), end_date=Date(year=2026, month=1, day=31)
        ),
        request_id="r1",
    )
    assert refusal(lambda: gl.CreateAccountingPeriod(period)).code is grpc.StatusCode.NOT_FOUND
    gl.CreateLedger(_create("L1", "another"))
    assert gl.CreateAccountingPeriod(period).code == "P1"


@pytest.mark.rule("PLT-06")
def test_answers_older_than_the_setting_are_forgotten_when_a_server_starts(
    database: Database, migrated_url: str, tmp_path: Path
) -> None:
    """Thirty days and a second are too old, thirty days less a minute are not."""
    now_us = database.clock_us()
    for name, age_us in (("old", 30 * DAY_US + 1_000_000), ("kept", 30 * DAY_US - 60_000_000)):
        at_us = now_us - age_us
        database.write(partial(_remember, name, at_us))

    def kept(name: str) -> bool:
        return database.read(lambda tx: idempotency.recall(tx, "caller", "method", name, b"digest")) is not None

    with serving(migrated_url, tmp_path, idempotency_days=30):
        wait_for(lambda: not kept("old"))
        assert kept("kept")


def _remember(name: str, at_us: int, tx: Connection) -> None:
    idempotency.remember(tx, "caller", "method", name, digest=b"digest", answer=b"answer", now_us=at_us)
