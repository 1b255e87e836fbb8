"""What was sent and turns out wrong: reversed, or undone, resent and made again; through a server with its worker."""

from __future__ import annotations

import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.duration_pb2 import Duration

from countinghouse.gl_extraction.v1 import accounting_details_pb2 as pb
from countinghouse.gl_extraction.v1 import extraction_pb2, reference_pb2
from tests.support.server import Served, refusal
from tests.wire.gl_extraction.samples import Gl, listed, messages, open_books, row, usd


def extracted(server: Served, **wanted: object) -> extraction_pb2.GenerateAccountingMessageResponse:
    """Run an extraction to its end."""
    request = extraction_pb2.GenerateAccountingMessageRequest(**wanted)  # type: ignore[arg-type]
    started = server.stub(Gl).GenerateAccountingMessage(request)
    wait = operations_pb2.WaitOperationRequest(name=started.name, timeout=Duration(seconds=60))
    ended = server.stub(operations_pb2_grpc.OperationsStub).WaitOperation(wait)
    assert ended.done, ended
    answer = extraction_pb2.GenerateAccountingMessageResponse()
    assert ended.response.Unpack(answer), ended
    return answer


def made(gl: Gl, *rows: pb.AccountingDetail) -> pb.IngestAccountingDetailsResponse:
    return gl.IngestAccountingDetails(messages(rows))


def number(batch: str) -> str:
    return batch.rpartition("/")[2]


@pytest.mark.rule("GLX-03", "GLX-14")
def test_what_was_sent_is_undone_resent_and_only_then_made_again(server: Served, gl: Gl) -> None:
    """Undo names the batch to resend; until the resend, the same external ids are refused; after it, they are free."""
    open_books(gl)
    made(gl, row(1), row(2), row(3, subject="P-2"))
    first = extracted(server, origin=pb.ORIGIN_FINANCIAL)
    assert first.detail_count == 3
    assert {detail.extraction_batch for detail in listed(gl)} == {first.extraction_batch}

    undo = pb.UndoAccountingDetailsRequest(subject=pb.UndoSubject(subject="P-1"), reason="wrong rate")
    undone = gl.UndoAccountingDetails(undo)
    (resend,) = undone.to_resend
    assert (undone.voided_count, undone.stamped_count) == (2, 2)
    assert (resend.extraction_batch, resend.detail_count) == (first.extraction_batch, 2)
    assert set(resend.sample) == {detail.name for detail in listed(gl, void=True)}

    mended = [row(1, debit=usd(90)), row(2, debit=usd(80))]
    refused = made(gl, *mended)
    assert (refused.created_count, dict(refused.refused_count_by_reason)) == (0, {"EXTERNAL_ID_AWAITS_RESEND": 2})
    assert first.extraction_batch in refused.refused_rows[0].violations[0].description

    second = extracted(server, gl_extraction_batch_id=number(first.extraction_batch))
    assert second.detail_count == 1
    assert made(gl, *mended).created_count == 2
    third = extracted(server, origin=pb.ORIGIN_FINANCIAL)
    assert third.detail_count == 2
    stamps = {(detail.external_id, detail.void): detail.extraction_batch for detail in listed(gl)}
    assert stamps == {
        ("line-1", True): first.extraction_batch,
        ("line-2", True): first.extraction_batch,
        ("line-3", False): second.extraction_batch,
        ("line-1", False): third.extraction_batch,
        ("line-2", False): third.extraction_batch,
    }
    by_batch = listed(gl, extraction_batch=first.extraction_batch)
    assert {detail.external_id for detail in by_batch} == {"line-1", "line-2"}


@pytest.mark.rule("GLX-03", "GLX-04", "GLX-16")
def test_a_sent_detail_is_taken_back_by_its_reversal(server: Served, gl: Gl) -> None:
    """A reversal of what was sent is sent by the next run, with sides swapped; then the period closes without force."""
    open_books(gl, last="2099-12-31")
    made(gl, row(1))
    extracted(server, origin=pb.ORIGIN_FINANCIAL)
    (detail,) = listed(gl)
    close = reference_pb2.CloseAccountingPeriodRequest(name="ledgers/MAIN/accountingPeriods/FY")
    gl.ReverseAccountingDetails(pb.ReverseAccountingDetailsRequest(names=[detail.name], reason="wrong"))
    assert refusal(lambda: gl.CloseAccountingPeriod(close)).metadata["unextracted_count"] == "1"
    sent = extracted(server, origin=pb.ORIGIN_FINANCIAL)
    assert [(total.debit, total.credit) for total in sent.totals] == [(usd(0), usd(100))]
    assert gl.CloseAccountingPeriod(close).state == reference_pb2.ACCOUNTING_PERIOD_STATE_CLOSED
    reversal = listed(gl, reversal=True)[0]
    assert (reversal.extraction_batch, reversal.reverses) == (sent.extraction_batch, detail.name)
