"""A connection that breaks at the commit: before PostgreSQL hears of it, or before anybody hears the answer."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2_grpc as gl_grpc
from countinghouse.gl_extraction.v1 import reference_pb2
from countinghouse.operations.v1 import audit_pb2, audit_pb2_grpc
from server.database.transaction import Database
from tests.operations import tally
from tests.support.cut import Way, When, way
from tests.support.postgres import Cluster
from tests.support.server import Served, refusal, serving
from tests.support.waiting import wait_for

Gl = gl_grpc.GLExtractionServiceStub


@pytest.fixture
def breaking(postgres_cluster: Cluster) -> Iterator[Way]:
    """A way to the run's PostgreSQL that can be cut."""
    with (
        tempfile.TemporaryDirectory() as folder,  # pytest's own names are too long for a socket
        way(Path(folder), postgres_cluster.folder / "data") as opened,
    ):
        yield opened


def _create(request_id: str) -> reference_pb2.CreateLedgerRequest:
    return reference_pb2.CreateLedgerRequest(ledger=reference_pb2.Ledger(code="L1"), request_id=request_id)


def _entries(served: Served) -> int:
    audit = served.stub(audit_pb2_grpc.AuditServiceStub)
    return len(audit.ListAuditEntries(audit_pb2.ListAuditEntriesRequest()).audit_entries)


@pytest.mark.rule("PLT-06", "PLT-07")
def test_what_was_committed_is_answered_though_its_answer_was_lost(
    breaking: Way, migrated_postgresql_url: str, tmp_path: Path
) -> None:
    """The server looks for the request id, finds what it did, and gives the answer as if nothing had happened."""
    with serving(breaking.url(migrated_postgresql_url), tmp_path) as served:
        breaking.cut("after", having=b"INSERT INTO ledger")
        first = served.stub(Gl).CreateLedger(_create("r1"))
        assert breaking.cuts == 1
        assert (first.name, _entries(served)) == ("ledgers/L1", 1)
        assert served.stub(Gl).CreateLedger(_create("r1")) == first
        assert _entries(served) == 1


@pytest.mark.rule("PLT-06", "PLT-07")
def test_what_was_not_committed_may_be_asked_again(breaking: Way, migrated_postgresql_url: str, tmp_path: Path) -> None:
    """The caller is told that the outcome is not known; the same request id then has its one effect."""
    with serving(breaking.url(migrated_postgresql_url), tmp_path) as served:
        breaking.cut("before", having=b"INSERT INTO ledger")
        refused = refusal(lambda: served.stub(Gl).CreateLedger(_create("r1")))
        assert breaking.cuts == 1
        assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "OUTCOME_UNKNOWN")
        assert _entries(served) == 0
        assert served.stub(Gl).CreateLedger(_create("r1")).name == "ledgers/L1"
        assert _entries(served) == 1


@pytest.mark.rule("PLT-07")
@pytest.mark.parametrize(("when", "there"), [("before", 0), ("after", 1)])
def test_without_a_request_id_nobody_claims_to_know(
    breaking: Way, migrated_postgresql_url: str, tmp_path: Path, when: When, there: int
) -> None:
    """Nothing is run again by itself: the change may be there."""
    with serving(breaking.url(migrated_postgresql_url), tmp_path) as served:
        breaking.cut(when, having=b"INSERT INTO ledger")
        refused = refusal(lambda: served.stub(Gl).CreateLedger(_create("")))
        assert (breaking.cuts, refused.reason) == (1, "OUTCOME_UNKNOWN")
        assert _entries(served) == there


@pytest.mark.rule("PLT-22")
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", [b"UPDATE chunk", b"INSERT INTO tally_entry", b"INSERT INTO tally_total"])
def test_a_chunk_whose_commit_broke_has_its_effect_once(
    breaking: Way, migrated_postgresql_url: str, tmp_path: Path, when: When, at: bytes
) -> None:
    """Whether it was its claim, its work or its end: the operation ends whole, without anybody's help."""
    database = Database(migrated_postgresql_url)
    tally.prepare(database)
    with serving(breaking.url(migrated_postgresql_url), tmp_path, carries_out=tally.JOBS):
        breaking.cut(when, having=at)
        operation_id = tally.start(database, numbers=20, size=4)
        wait_for(lambda: tally.look(database, operation_id).ended_us, timeout_s=60)
        assert breaking.cuts == 1
        assert tally.tally_of(database, operation_id) == tally.whole(20)
    database.dispose()
