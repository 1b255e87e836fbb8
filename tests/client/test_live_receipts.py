"""Balances and receipts through the command line, against a real server on both databases."""

from __future__ import annotations

import json

import pytest

from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details
from countinghouse.gl_extraction.v1 import balances_pb2
from tests.client.command import fixed, money, run
from tests.client.server import serve
from tests.support.server import Served
from tests.wire.gl_extraction.samples import messages, row, usd
from tests.wire.gl_extraction.test_extraction import Client, client, extracting

__all__ = ["client", "extracting"]

FOUR = 4  # messages of the batch that `sent` makes, with the ids from 1


@pytest.fixture
def sent(client: Client, extracting: Served) -> str:
    """The address of a server with one batch of four messages, and one detail that is in none."""
    rows = [row(n, bulking_group=f"B{n}", distribution_account=f"4{n % 2}") for n in range(10)]
    client.gl.IngestAccountingDetails(messages(rows), timeout=20)
    done = client.run(origin=details.ORIGIN_FINANCIAL)
    assert (done.first_message_id, done.message_count) == (1, FOUR)
    late = row(10, debit=None, credit=usd(30), distribution_account="41")
    client.gl.IngestAccountingDetails(messages([late]), timeout=20)
    return extracting.target


def shown(address: str, *arguments: str) -> list[str]:
    """The lines that a command prints; it must not fail."""
    told = run(address, "gl", *arguments)
    assert told.exit_code == 0, told.output
    return [" ".join(line.split()) for line in told.stdout.splitlines()]


@pytest.mark.rule("GLX-25")
def test_messages_are_acknowledged_and_rejected_by_commands(sent: str) -> None:
    """By id, by range, and all; what is said again changes nothing, and one message is not called messages."""
    (waiting,) = json.loads(run(sent, "gl", "awaited", "-o", "json").stdout)
    assert (waiting["extractionBatch"], waiting["counts"]["openCount"]) == ("extractionBatches/1", "4")
    assert shown(sent, "awaited", "--older-than", "1")[1:] == []
    assert shown(sent, "acknowledge", "1", "2", "--reference", "R-1") == [
        "1 message acknowledged",
        "of 4: 1 acknowledged, 0 rejected, 3 open",
    ]
    assert shown(sent, "acknowledge", "1", "2-3")[0] == "1 message acknowledged, 1 was before"
    rejected = run(sent, "gl", "reject", "1", "4", "--reason", "period closed")
    assert rejected.exit_code == 0, rejected.output
    assert rejected.stdout.splitlines() == ["1 message rejected", "of 4: 2 acknowledged, 1 rejected, 1 open"]
    assert "countinghouse gl extract --batch 1" in rejected.stderr
    listed = json.loads(run(sent, "gl", "receipts", "1", "--state", "acknowledged", "-o", "json").stdout)
    assert [(one["firstMessageId"], one["lastMessageId"], one.get("reference", "")) for one in listed] == [
        ("2", "2", "R-1"),
        ("3", "3", ""),
    ]
    assert "period closed" in run(sent, "gl", "receipts", "1").stdout
    (batch,) = json.loads(run(sent, "gl", "awaited", "--rejected", "-o", "json").stdout)
    assert batch["counts"]["rejectedCount"] == "1"


@pytest.mark.rule("GLX-25")
def test_all_messages_of_a_batch_are_acknowledged_at_once(sent: str) -> None:
    """Then nothing is awaited any more, and none of them can be rejected."""
    assert shown(sent, "acknowledge", "1", "--all")[0] == "4 messages acknowledged"
    assert shown(sent, "acknowledge", "1", "--all")[0] == "0 messages acknowledged, 4 were before"
    assert json.loads(run(sent, "gl", "awaited", "-o", "json").stdout) == []
    late = run(sent, "gl", "reject", "1", "--all", "--reason", "too late")
    assert late.exit_code != 0
    assert "MESSAGE_RECEIPT_FINAL" in late.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("acknowledge", "1"), "give message ids, or --all"),
        (("acknowledge", "1", "3", "--all"), "give message ids, or --all"),
        (("acknowledge", "1", "3-x"), "'3-x' is neither a message id nor a range"),
        (("reject", "1", "3"), "--reason"),
    ],
)
def test_a_slip_of_the_pen_is_told_before_anything_is_asked(arguments: tuple[str, ...], says: str) -> None:
    """The command itself says what is wrong."""
    told = run("127.0.0.1:1", "gl", *arguments)
    assert told.exit_code == 2
    assert says in told.output


@pytest.mark.rule("GLX-24")
def test_a_trial_balance_is_shown_by_a_command(sent: str) -> None:
    """A line for each account, totals, and what of them is extracted; the check adds up the details themselves."""
    heading, *lines = shown(sent, "balance", "MAIN", "FY")
    assert heading == "ACCOUNT CURRENCY OPENING DEBIT CREDIT CLOSING EXTRACTED NOT EXTRACTED DETAILS"
    assert lines[:3] == [
        "40 USD 0.00 500.00 0.00 500.00 500.00 0.00 5",
        "41 USD 0.00 500.00 30.00 470.00 500.00 -30.00 6",
        "TOTAL USD 0.00 1,000.00 30.00 970.00 1,000.00 -30.00 11",
    ]
    assert lines[3].startswith("as of ")
    assert [line.split()[0] for line in shown(sent, "balance", "MAIN", "FY", "--account", "41")[1:3]] == ["41", "TOTAL"]
    assert [line.split()[0] for line in shown(sent, "balance", "MAIN", "FY", "--totals")[1:]] == ["TOTAL", "as"]
    cut = run(sent, "gl", "balance", "MAIN", "FY", "--limit", "1")
    assert "1 more lines; --limit 0 shows all" not in cut.stderr
    assert "1 more line; --limit 0 shows all" in cut.stderr
    told = json.loads(run(sent, "gl", "balance", "MAIN", "FY", "-o", "json").stdout)
    assert [line["distributionAccount"] for line in told["trialBalanceLines"]] == ["40", "41"]
    assert shown(sent, "balance", "MAIN", "FY", "--check") == ["the trial balance is what its details come to"]
    lost = run(sent, "gl", "balance", "MAIN", "1999")
    assert lost.exit_code != 0
    assert "1999" in lost.stderr


def test_a_balance_that_is_not_what_its_details_come_to_is_a_finding() -> None:
    """Both sums stand under each other, and the exit code says that something was found."""
    sums = balances_pb2.BalanceSums(debit=money("EUR", 5), credit=money("EUR", 0), detail_count=1)
    found = balances_pb2.BalanceSums(debit=money("EUR", 7), credit=money("EUR", 0), detail_count=2)
    difference = balances_pb2.TrialBalanceDifference(currency_code="EUR", recorded=sums, found=found)
    answer = balances_pb2.CheckTrialBalanceResponse(difference_count=1, differences=[difference])
    with serve(CheckTrialBalance=fixed(answer)) as address:
        told = run(address, "gl", "balance", "MAIN", "FY", "--check")
    assert told.exit_code == 9
    rows = [" ".join(line.split()) for line in told.stdout.splitlines()[1:]]
    assert rows == ["(none) EUR told 5.00 0.00 1 0", "(none) EUR details 7.00 0.00 2 0"]
    assert "In 1 account or currency" in told.stderr
