"""Invoices are looked at, listed, explained and said to be final; readers see what is published."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf.json_format import ParseDict

from countinghouse.invoicing.v1 import invoices_pb2 as pb
from countinghouse.invoicing.v1 import recipients_pb2
from tests.wire.invoicing.desk import Desk, refused, told, wrong
from tests.wire.invoicing.lines import CYCLE, SCHEDULE, Till, euros, line


@pytest.fixture
def till(desk: Desk, migrated_url: str) -> Till:
    """A billing cycle whose invoices take lines: of accounts A, B and C one each."""
    desk.issuer()
    desk.cycle(maximum_carries=2)
    till = Till(desk, migrated_url)
    till.send(*(line(account=f"accounts/{account}", net_amount=euros(str(n))) for n, account in enumerate("ABC", 9)))
    return till


@pytest.mark.rule("INV-11")
def test_a_running_invoice_is_told(till: Till) -> None:
    """With what its lines come to; nothing of tax before it is aggregated."""
    found = till.only()
    assert told(found) == {
        "account": "accounts/A",
        "billing_cycle": CYCLE,
        "invoice_schedule": SCHEDULE,
        "kind": "INVOICE_KIND_INVOICE",
        "state": "INVOICE_STATE_RUNNING",
        "currency_code": "EUR",
        "net_amount": {"currency_code": "EUR", "units": "9"},
        "line_count": 1,
    }
    assert till.get(found.name) == found
    missing = refused(lambda: till.get("accounts/A/invoices/none"))
    assert missing.code is grpc.StatusCode.NOT_FOUND


@pytest.mark.rule("INV-16", "INV-20")
def test_a_locked_invoice_is_told_with_its_taxes_number_and_days(till: Till) -> None:
    """Total is net and tax; the number has the issuer's prefix as of the lock."""
    name = till.only().name
    till.batch("B1", "ORDERED")
    lock = {"state": "LOCKED", "batch_id": "B1", "aggregated": 1, "tax_minor": 171, "number_no": 8}
    till.put(name, **lock, recipient_version=3)
    till.tax(name, "S", 190_000, 900, 171)
    found = told(till.get(name))
    assert {key: found[key] for key in found if key not in told(till.only("B")) or key == "state"} == {
        "state": "INVOICE_STATE_LOCKED",
        "tax_amount": {"currency_code": "EUR", "units": "1", "nanos": 710_000_000},
        "total_amount": {"currency_code": "EUR", "units": "10", "nanos": 710_000_000},
        "taxes": [
            {
                "tax_category": "S",
                "tax_percent": {"value": "19"},
                "net_amount": {"currency_code": "EUR", "units": "9"},
                "tax_amount": {"currency_code": "EUR", "units": "1", "nanos": 710_000_000},
            }
        ],
        "aggregated": True,
        "number": "SM-2026-00000008",
        "issue_date": {"year": 2026, "month": 4, "day": 30},
        "due_date": {"year": 2026, "month": 5, "day": 30},
        "invoice_batch": "invoiceBatches/B1",
        "recipient": "recipients/A",
        "recipient_etag": "3",
    }


@pytest.mark.rule("INV-15", "INV-17")
def test_a_locked_invoice_tells_to_whom_it_goes_as_of_the_lock(till: Till) -> None:
    """What became of the recipient since is not on it; who had none then is the one that came since."""
    name, etag = till.only().name, ""
    for city in ("Bern", "Basel", "Chur"):
        party = {"name": "Ada", "address": {"country_code": "CH", "city": city}}
        given = {"name": "recipients/A", "party": party, "reference": f"from {city}", "etag": etag}
        request = ParseDict({"recipient": given, "allow_missing": True}, recipients_pb2.UpdateRecipientRequest())
        etag = till.desk.client.invoicing.update_recipient(request).etag
    assert not till.get(name).HasField("recipient_party"), "a running one goes to whom it goes at its lock"
    till.batch("B1", "ORDERED")
    for version, city in ((2, "Basel"), (3, "Chur"), (0, "Chur")):
        till.put(name, state="LOCKED", batch_id="B1", number_no=8, recipient_version=version)
        for found in (till.get(name), till.only()):
            assert (found.recipient_party.address.city, found.recipient_reference) == (city, f"from {city}")
            assert found.recipient_party.name == "Ada"


@pytest.mark.rule("PLT-08")
def test_invoices_are_listed_by_what_is_asked(till: Till) -> None:
    """By account, cycle, schedule, batch, state, kind and number, page by page."""
    till.batch("B1", "ORDERED")
    till.put(till.only("B").name, state="LOCKED", batch_id="B1", number_no=9)

    def accounts(**wanted: object) -> list[str]:
        return [each.account[-1:] for each in till.listed(**wanted)]

    assert accounts() == accounts(billing_cycle=CYCLE) == accounts(invoice_schedule=SCHEDULE) == ["A", "B", "C"]
    assert accounts(account="accounts/B") == accounts(account="accounts/B", billing_cycle=CYCLE) == ["B"]
    assert accounts(invoice_batch="invoiceBatches/B1") == accounts(number="SM-2026-00000009") == ["B"]
    assert accounts(states=["INVOICE_STATE_RUNNING"]) == accounts(billing_cycle=CYCLE, states=[1, 5]) == ["A", "C"]
    assert accounts(states=["INVOICE_STATE_LOCKED"], kinds=["INVOICE_KIND_INVOICE"]) == ["B"]
    for nothing in (
        {"billing_cycle": "billingCycles/NONE"},
        {"kinds": ["INVOICE_KIND_CREDIT_NOTE"]},
        {"number": "SM-2026-00000009", "kinds": ["INVOICE_KIND_CREDIT_NOTE"]},
        {"number": "SM-2026-00000008"},
        {"number": "XX-2026-00000009"},
        {"number": "SM-2025-00000009"},
        {"number": "anything"},
        {"states": ["INVOICE_STATE_PUBLISHED"]},
    ):
        assert accounts(**nothing) == []
    two = {"billing_cycle": "billingCycles/NONE", "invoice_schedule": SCHEDULE}
    assert wrong(lambda: till.listed(**two)) == [("filter.invoice_schedule", "INVOICE_SCHEDULE_OF_OTHER_CYCLE")]


@pytest.mark.rule("PLT-08")
def test_pages_neither_skip_nor_repeat_what_is_added_meanwhile(till: Till) -> None:
    """They go on behind the last one that was seen."""
    for cycle in ("", CYCLE):
        request = pb.ListInvoicesRequest(page_size=2, filter=pb.InvoiceFilter(billing_cycle=cycle))
        pages = till.desk.client.invoicing.list_invoices(request)
        seen = [next(pages).account for _ in range(2)]
        till.send(line(account="accounts/AA"), line(account="accounts/D"))
        assert [*seen, *(each.account for each in pages)] == [f"accounts/{each}" for each in _seen(cycle)]


def _seen(cycle: str) -> list[str]:
    return ["A", "AA", "B", "C", "D"] if cycle else ["A", "B", "C", "D"]


@pytest.mark.rule("INV-08", "PLT-12")
def test_readers_see_an_invoice_once_its_batch_is_published(till: Till) -> None:
    """Neither it nor its lines before; and not a word about those that are not."""
    name = till.only().name
    till.batch("B1", "READY_FOR_PUBLISH")
    till.put(name, state="LOCKED", batch_id="B1", number_no=7)

    def listed() -> list[str]:
        return [each.name for each in till.call("list_published_invoices", "ListPublishedInvoicesRequest")]

    def get() -> Any:
        return till.call("get_published_invoice", "GetPublishedInvoiceRequest", name=name)

    def lines() -> list[str]:
        request = {"parent": name}
        found = till.call("list_published_lines", "ListPublishedInvoiceLinesRequest", **request)
        return [each.description for each in found]

    assert listed() == []
    for call in (get, lines):
        assert refused(call).code is grpc.StatusCode.NOT_FOUND
    till.set_batch("B1", state="PUBLISHED")
    assert listed() == [name]
    assert get().state == pb.INVOICE_STATE_PUBLISHED
    assert lines() == ["Meter reading on site"]
    assert [each.name for each in till.listed(states=["INVOICE_STATE_PUBLISHED"])] == [name]
    assert till.listed(states=["INVOICE_STATE_LOCKED"]) == []
    chosen = {"states": ["INVOICE_STATE_RUNNING"]}
    request = ("list_published_invoices", "ListPublishedInvoicesRequest")
    assert wrong(lambda: list(till.call(*request, filter=chosen))) == [("filter.states", "STATES_NOT_CHOSEN")]


@pytest.mark.rule("INV-03", "PLT-06", "PLT-10", "PLT-11")
def test_a_running_invoice_is_said_to_be_final(till: Till) -> None:
    """And not to be; under an etag that is stale it is not, nor once it does not run."""
    seen = till.only()
    final = till.update(seen.name, final=True, etag=seen.etag)
    assert final.final
    assert final.etag != seen.etag
    assert refused(lambda: till.update(seen.name, final=True, etag=seen.etag)).code is grpc.StatusCode.ABORTED
    assert till.update(seen.name) == final
    mask = {"update_mask": "final"}
    assert not till.update(seen.name, mask).final
    assert wrong(lambda: till.update(seen.name, {"update_mask": "reason"})) == [("update_mask", "FIELD_IMMUTABLE")]
    assert wrong(lambda: till.update(seen.name, {"update_mask": "nothing"})) == [("update_mask", "UPDATE_MASK_INVALID")]
    till.batch("B1", "CLOSED", locked_us=0)
    till.put(seen.name, state="CLOSED", batch_id="B1")
    closed = refused(lambda: till.update(seen.name, final=True))
    assert (closed.code, closed.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "INVOICE_NOT_RUNNING")


@pytest.mark.rule("INV-03", "INV-11")
def test_it_is_explained_whether_a_running_invoice_closes(till: Till) -> None:
    """By what it comes to and the minimum, by carries, or as it is final; and what its schedule waits for."""

    def codes(account: str) -> tuple[bool, list[str]]:
        told = till.explain(till.only(account).name)
        assert all(each.description for each in told.reasons)
        return told.closes, [each.code for each in told.reasons]

    waiting = ["SCHEDULE_NOT_ENDED", "SCHEDULE_NOT_BATCHED"]
    assert codes("A") == (False, ["BELOW_MINIMUM", *waiting])
    assert codes("B") == (True, ["MINIMUM_MET", *waiting])
    found = till.explain(till.only().name)
    assert (found.minimum_amount.units, found.maximum_carries) == (10, 2)
    assert found.schedule_end_time.ToJsonString() == "2026-04-30T22:00:00Z"
    till.put(till.only("A").name, carried_count=2)
    assert codes("A") == (True, ["BELOW_MINIMUM", "CARRIED_OFTEN_ENOUGH", *waiting])
    till.update(till.only("A").name, final=True)
    assert codes("A")[1][0] == "FINAL"
    till.delete(f"{till.only('C').name}/lines/1")
    assert codes("C") == (False, ["NO_LINES", *waiting])


def test_it_is_explained_where_an_invoice_stands_that_does_not_run(till: Till) -> None:
    """In its batch, locked, published, merged, or a credit note."""
    name = till.only().name

    def codes() -> list[str]:
        return [each.code for each in till.explain(name).reasons]

    till.batch("B1", "ORDERED")
    till.put(name, state="CLOSED", batch_id="B1")
    assert codes() == ["IN_BATCH", "NOT_AGGREGATED"]
    till.put(name, state="LOCKED", aggregated=1)
    assert codes() == ["LOCKED"]
    till.set_batch("B1", state="PUBLISHED")
    assert codes() == ["PUBLISHED"]
    till.put(name, kind="CREDIT_NOTE", credits_id="x", slot="x")
    assert codes() == ["CREDIT_NOTE", "PUBLISHED"]
    till.put(name, kind="INVOICE", state="MERGED", merged_into="older")
    assert codes() == ["MERGED"]
