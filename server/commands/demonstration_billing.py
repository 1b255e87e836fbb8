"""The accounts of `countinghouse demo`: three months are billed, left in every state there is, and invoiced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import typer

from countinghouse import demo_accounts, demo_invoices, demo_usage
from countinghouse import demo_tariffs as tariffs
from countinghouse.billing.v1 import (
    bill_corrections_pb2,
    bill_cycles_pb2,
    bill_segments_pb2,
    billing_runs_pb2,
    bills_pb2,
)
from countinghouse.cli.exits import OTHER
from countinghouse.cli.output import Column, say, show_table
from countinghouse.cli.progress import Display, Meter
from countinghouse.client.errors import NotFound
from countinghouse.configuring import apply, parse
from countinghouse.configuring_billing import KINDS
from countinghouse.configuring_invoicing import KINDS as KINDS_OF_INVOICING
from countinghouse.demo_accounts import Case, Fate
from countinghouse.importing.mapping import Ledger, Periods, Reference
from countinghouse.importing.reference import ensure
from server.commands import demonstration_invoicing

if TYPE_CHECKING:
    from countinghouse.client import Client

_RUN_S = 120.0
_KNOWN = "USAGE_DIFFERS"


def run(client: Client, *, count: int) -> None:
    """Make `count` accounts and live their stories, unless they are there already.

    What has a request id or an identity of its own is done once: telling it again after it was cut short is safe.
    """
    if not count:
        return
    if _is_there(client):
        say("The accounts were made before.")
        return
    cases = list(demo_accounts.cases(count))
    _configure(client, tariffs.configuration())
    list(apply(client, parse(demo_invoices.configuration(), KINDS_OF_INVOICING)))
    with Display() as display:
        meter = Meter(display, "bill", "months")
        meter.begin(len(tariffs.WINDOWS))
        _take_in(client, cases)
        for done, window in enumerate(tariffs.WINDOWS, start=1):
            if window == tariffs.WINDOWS[-1]:
                _configure(client, tariffs.new_price())
            _run(client, window)
            meter.reach(done)
        meter.end()
    _correct(client, cases)
    demonstration_invoicing.run(client, cases)
    _configure(client, tariffs.next_window())  # last of all: it is there when all is
    _show(cases)


def _is_there(client: Client) -> bool:
    name = f"billCycles/{tariffs.CYCLE}/windows/{tariffs.NEXT_WINDOW}"
    try:
        client.billing.get_window(bill_cycles_pb2.GetBillCycleWindowRequest(name=name))
    except NotFound:
        return False
    return True


def _configure(client: Client, document: Mapping[str, Any]) -> None:
    today = datetime.now(UTC).date()
    first, last = date(min(today, tariffs.STARTS[0]).year, 1, 1), date(max(today, tariffs.STARTS[0]).year, 12, 31)
    ensure(
        client.gl, Reference((Ledger(tariffs.LEDGER, "Bills of a small utility", Periods(first, last, "%Y-%m")),), ())
    )
    list(apply(client, parse(document, KINDS)))


def _take_in(client: Client, cases: Sequence[Case]) -> None:
    demonstration_invoicing.take_in(client, cases)
    accounts = client.billing.import_accounts(case.to_import() for case in cases)
    if accounts.refused_count:
        _stop("accounts", accounts.refused_count_by_reason)
    usage = client.billing.ingest_usage(demo_usage.rows(cases))
    if refused := {reason: n for reason, n in usage.refused_count_by_reason.items() if reason != _KNOWN}:
        _stop("usage", refused)


def _stop(what: str, refused: Mapping[str, int]) -> None:
    say(f"Some of the {what} were refused: {dict(refused)}")
    raise typer.Exit(OTHER)


def _run(client: Client, window: str) -> None:
    """Bill the whole cycle."""
    name = f"billCycles/{tariffs.CYCLE}/windows/{window}"
    request = billing_runs_pb2.RunBillingRequest(window=name, outside_window=True, request_id=f"demo-{window}")
    client.billing.run_billing(request).wait(_RUN_S)


def _correct(client: Client, cases: Iterable[Case]) -> None:
    """Rebill and give back what the stories say."""
    does: dict[Fate, Callable[[Client, Case], None]] = {Fate.REBILLED: _rebill, Fate.CREDITED: _give_back}
    for case in cases:
        if case.story.fate in does:
            does[case.story.fate](client, case)


def _rebill(client: Client, case: Case) -> None:
    pb = bill_corrections_pb2
    client.billing.ingest_usage(demo_usage.correction(case), correction=True)
    account = f"accounts/{case.account_id}"
    frozen = bill_segments_pb2.ListBillSegmentsRequest(
        parent=account, state=bill_segments_pb2.BILL_SEGMENT_STATE_FROZEN
    )
    for segment in client.billing.list_segments(frozen):
        if segment.stale:
            request = pb.RebillBillSegmentRequest(name=segment.name, reason="the meter was read wrong")
            client.billing.rebill_segment(request)
    pending = bills_pb2.ListBillsRequest(parent=account, state=bills_pb2.BILL_STATE_PENDING)
    for bill in client.billing.list_bills(pending):
        client.billing.complete_bill(pb.CompleteBillRequest(name=bill.name))


def _give_back(client: Client, case: Case) -> None:
    bills = list(client.billing.list_bills(bills_pb2.ListBillsRequest(parent=f"accounts/{case.account_id}")))
    if all(bill.kind == bills_pb2.BILL_KIND_REGULAR for bill in bills):
        last = max(bills, key=lambda bill: bill.name)
        request = bill_corrections_pb2.CreateCreditNoteRequest(bill=last.name, reason="the power was out for days")
        client.billing.create_credit_note(request)


def _show(cases: Sequence[Case]) -> None:
    """How many accounts there are of each story, the first of each, and where to look."""
    first = {case.story: case.account_id for case in reversed(cases)}
    counts = Counter(case.story for case in cases)
    columns = (Column("ACCOUNTS", str, right=True), Column("THE FIRST", str), Column("", str))
    print()
    show_table(columns, [[str(counts[story]), first[story], story.told] for story in counts])
    print()
    print(f"Look at one: countinghouse billing account {cases[0].account_id}")
    print(f"What is to be worked off: countinghouse billing exceptions --cycle {tariffs.CYCLE}")
    demonstration_invoicing.show()
