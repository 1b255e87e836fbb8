"""Trial balances by a real client: told, paged, as of an instant, checked."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.longrunning import operations_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details
from countinghouse.gl_extraction.v1 import balances_pb2 as pb
from tests.support.server import refusal
from tests.wire.gl_extraction.samples import Gl, messages, row, usd
from tests.wire.gl_extraction.test_extraction import Client, client, extracting

__all__ = ["client", "extracting"]

pytestmark = pytest.mark.rule("GLX-24")
NAME = "ledgers/MAIN/accountingPeriods/FY/trialBalance"


def told(gl: Gl, **asked: Any) -> pb.TrialBalance:
    answer: pb.TrialBalance = gl.GetTrialBalance(pb.GetTrialBalanceRequest(name=NAME, **asked), timeout=20)
    return answer


def checked(gl: Gl) -> pb.CheckTrialBalanceResponse:
    answer: pb.CheckTrialBalanceResponse = gl.CheckTrialBalance(pb.CheckTrialBalanceRequest(name=NAME), timeout=30)
    return answer


def undo(gl: Gl, subject: str) -> None:
    wanted = details.UndoSubject(subject_type=details.SUBJECT_TYPE_POLICY, subject=subject)
    gl.UndoAccountingDetails(details.UndoAccountingDetailsRequest(subject=wanted, reason="wrong"), timeout=30)


def lines(gl: Gl, page_size: int = 2, **asked: Any) -> Iterator[pb.TrialBalanceLine]:
    token = ""
    while True:
        request = pb.ListTrialBalanceLinesRequest(parent=NAME, page_size=page_size, page_token=token, **asked)
        answer = gl.ListTrialBalanceLines(request, timeout=20)
        yield from answer.trial_balance_lines
        token = answer.next_page_token
        if not token:
            return


def test_from_details_to_a_trial_balance(client: Client) -> None:
    """What is taken in is told at once; extracted, it moves to the other column; undone, it is gone; it checks out."""
    rows = [row(n, distribution_account=f"4{n % 3}", subject=f"P-{n % 2}") for n in range(6)]
    client.gl.IngestAccountingDetails(messages(rows), timeout=20)
    (total,) = told(client.gl).totals
    assert (total.currency_code, total.all.debit, total.all.closing) == ("USD", usd(600), usd(600))
    assert (total.unextracted.debit, total.extracted.debit) == (usd(600), usd(0))
    client.run(origin=details.ORIGIN_FINANCIAL)
    undo(client.gl, "P-1")
    client.gl.IngestAccountingDetails(messages([row(9, debit=None, credit=usd(50), distribution_account="40")]))
    balance = told(client.gl)
    (total,) = balance.totals
    assert (total.all.debit, total.all.credit, total.all.closing) == (usd(300), usd(50), usd(250))
    assert (total.extracted.debit, total.extracted.closing) == (usd(300), usd(300))
    assert (total.unextracted.credit, total.unextracted.closing) == (usd(50), usd(-50))
    assert (total.detail_count, total.extracted_count, balance.line_count) == (4, 3, 3)
    found = list(lines(client.gl, as_of_time=balance.as_of_time))
    assert [one.distribution_account for one in found] == ["40", "41", "42"]
    assert sum(one.all.closing.units for one in found) == 250
    assert [one.all.credit for one in lines(client.gl, distribution_account="40")] == [usd(50)]
    assert checked(client.gl) == pb.CheckTrialBalanceResponse(matches=True)


def test_a_balance_as_of_an_instant_is_the_same_ever_after(client: Client) -> None:
    """Asked for again, also by the pages of its lines, it has not changed, whatever was taken in since."""
    client.gl.IngestAccountingDetails(messages([row(1)]))
    first = told(client.gl)
    request = pb.ListTrialBalanceLinesRequest(parent=NAME, page_size=1)
    client.gl.IngestAccountingDetails(messages([row(2, distribution_account="5")]))
    page = client.gl.ListTrialBalanceLines(request)
    client.gl.IngestAccountingDetails(messages([row(3, distribution_account="6"), row(4)]))
    request.page_token = page.next_page_token
    second = client.gl.ListTrialBalanceLines(request)
    assert [one.distribution_account for one in second.trial_balance_lines] == ["5"]
    assert (second.next_page_token, second.as_of_time) == ("", page.as_of_time)
    assert told(client.gl, as_of_time=first.as_of_time) == first
    assert told(client.gl).totals[0].all.debit == usd(400)


def test_what_is_asked_amiss_is_refused(client: Client) -> None:
    """An unknown period is NOT_FOUND, the future OUT_OF_RANGE, an instant that is none INVALID_ARGUMENT."""
    later = Timestamp()
    later.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
    found = refusal(lambda: told(client.gl, as_of_time=later))
    assert (found.code, found.reason) == (grpc.StatusCode.OUT_OF_RANGE, "AS_OF_IN_FUTURE")
    found = refusal(lambda: told(client.gl, as_of_time=Timestamp(nanos=-7)))
    assert found.violations == [("as_of_time", "INSTANT_OUT_OF_RANGE")]
    for name in ("ledgers/MAIN/accountingPeriods/NO/trialBalance", "ledgers/NO/accountingPeriods/FY/trialBalance"):
        asked = pb.GetTrialBalanceRequest(name=name)
        found = refusal(lambda asked=asked: client.gl.GetTrialBalance(asked))  # type: ignore[misc]
        assert (found.code, found.reason) == (grpc.StatusCode.NOT_FOUND, "TRIAL_BALANCE_NOT_FOUND")
        check = pb.CheckTrialBalanceRequest(name=name)
        found = refusal(lambda check=check: client.gl.CheckTrialBalance(check))  # type: ignore[misc]
        assert found.code is grpc.StatusCode.NOT_FOUND


def ingesting(client: Client, writer: int) -> None:
    for turn in range(6):
        first = 10_000 * writer + 100 * turn
        told_apart = {"subject": f"P-{writer}-{turn % 2}"}
        some = [row(first + n, distribution_account=f"4{n % 5}", debit=usd(1 + n), **told_apart) for n in range(100)]
        client.gl.IngestAccountingDetails(messages(some), timeout=30)


def undoing(client: Client) -> None:
    for turn in range(6):
        try:
            undo(client.gl, f"P-{turn % 2}-{turn % 3 % 2}")
        except grpc.RpcError as error:
            assert error.code() in {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAVAILABLE}, error  # noqa: PT017


def extracting_again(client: Client) -> None:
    for turn in range(3):
        operation = client.start(origin=details.ORIGIN_FINANCIAL, incremental=turn != 1)
        if turn == 2:
            client.operations.CancelOperation(operations_pb2.CancelOperationRequest(name=operation.name))
        client.wait(operation)


def test_balances_check_out_while_everything_changes(client: Client) -> None:
    """Ingest, undo, extraction and cancel at once, while balances are told and checked: each check holds."""
    with ThreadPoolExecutor(4) as pool:
        work = [
            pool.submit(ingesting, client, 0),
            pool.submit(ingesting, client, 1),
            pool.submit(undoing, client),
            pool.submit(extracting_again, client),
        ]
        checks = 0
        while not all(one.done() for one in work):
            answer = checked(client.gl)
            assert answer.matches, str(answer)
            balance = told(client.gl)
            assert told(client.gl, as_of_time=balance.as_of_time) == balance
            checks += 1
        for one in work:
            one.result()
    assert checks > 3
    assert checked(client.gl).matches
