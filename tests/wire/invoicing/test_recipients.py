"""Recipients by the client: one by one, and in bulk."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from countinghouse.client import CountinghouseError, RecipientRefusal, RecipientsTotals, aio
from countinghouse.client import recipients as packing
from countinghouse.client.errors import Aborted, InvalidArgument, NotFound
from countinghouse.invoicing.v1 import recipients_pb2 as pb
from countinghouse.operations.v1 import audit_pb2
from domain.invoicing.configuration import recipient_store
from server.database.transaction import Database
from tests.support.server import Served
from tests.wire.invoicing.desk import Desk, Fields, refused, told, wrong

BUYER: Fields = {
    "party": {
        "name": "Bäckerei Meier",
        "address": {"country_code": "DE", "street": "Ringstraße 2", "city": "Musterstadt", "postal_code": "12345"},
        "electronic_address": "buchhaltung@meier.example",
        "electronic_address_scheme": "EM",
    },
    "reference": "04011000-1234512345-06",
}


def put(desk: Desk, account: str = "A-1", *, allow_missing: bool = True, **changes: Any) -> pb.Recipient:
    """Create a recipient, or change it."""
    request = {"recipient": {"name": f"recipients/{account}", **changes}, "allow_missing": allow_missing}
    return desk.client.invoicing.update_recipient(ParseDict(request, pb.UpdateRecipientRequest()))


def get(desk: Desk, account: str = "A-1") -> pb.Recipient:
    """The recipient of an account."""
    return desk.client.invoicing.get_recipient(pb.GetRecipientRequest(name=f"recipients/{account}"))


def row(account: str, **changes: Any) -> pb.RecipientToImport:
    """A row of an import; `changes` are fields of the party."""
    party = {**BUYER["party"], **changes}
    return ParseDict({"account_id": account, "recipient": {**BUYER, "party": party}}, pb.RecipientToImport())


def counts(totals: RecipientsTotals) -> tuple[int, int, int, int, int]:
    """Received, created, changed, unchanged, refused."""
    assert totals.received_count == (
        totals.created_count + totals.changed_count + totals.unchanged_count + totals.refused_count
    )
    return (
        totals.received_count,
        totals.created_count,
        totals.changed_count,
        totals.unchanged_count,
        totals.refused_count,
    )


def versions(database: Database, account: str) -> list[tuple[int, str]]:
    """The versions of a recipient that there are, with the names that they have."""
    found = (database.read(lambda tx, n=number: recipient_store.find_version(tx, account, n)) for number in range(1, 9))  # type: ignore[misc]
    return [(each.version, each.settings.party.name) for each in found if each]


@pytest.mark.rule("INV-15", "PLT-10", "PLT-11")
def test_a_recipient_is_put_and_what_it_was_is_kept(desk: Desk, database: Database) -> None:
    """What was locked with it can still be shown."""
    made = put(desk, **BUYER)
    assert told(made) == BUYER
    assert get(desk) == made
    changed = put(desk, etag=made.etag, party={**BUYER["party"], "name": "Meier GmbH"})
    assert (changed.party.name, changed.reference) == ("Meier GmbH", BUYER["reference"])
    assert changed.create_time == made.create_time
    assert versions(database, "A-1") == [(1, "Bäckerei Meier"), (2, "Meier GmbH")]
    put(desk, "A-0", **BUYER)
    listed = desk.client.invoicing.list_recipients(pb.ListRecipientsRequest(page_size=1))
    assert [each.name for each in listed] == ["recipients/A-0", "recipients/A-1"]
    trail = desk.client.audit.list_entries(audit_pb2.ListAuditEntriesRequest(resource=made.name))
    assert [entry.type for entry in trail] == ["recipient.changed", "recipient.created"]


@pytest.mark.rule("PLT-10")
def test_a_recipient_is_changed_by_who_has_seen_it_last(desk: Desk, database: Database) -> None:
    """And created by who asks for that alone."""
    refused(partial(put, desk, allow_missing=False, etag="1", **BUYER), NotFound)
    refused(partial(put, desk, etag="1", **BUYER), NotFound)
    refused(partial(get, desk), NotFound)
    made = put(desk, **BUYER)
    assert wrong(partial(put, desk, **BUYER)) == [("recipient.etag", "ETAG_REQUIRED")]
    put(desk, etag=made.etag, reference="x")
    assert refused(partial(put, desk, etag=made.etag, reference="y"), Aborted).reason == "ETAG_STALE"
    assert [number for number, _ in versions(database, "A-1")] == [1, 2]


@pytest.mark.rule("INV-15", "PLT-07")
def test_what_no_recipient_can_be_is_refused_with_all_that_is_wrong(desk: Desk) -> None:
    """And nothing is kept of it, not even that it was asked for."""
    wrongs = wrong(partial(put, desk, party={"vat_id": "X1", "tax_number": "1"}, reference="a\u0001"))
    assert wrongs == [
        ("recipient.party.name", "FIELD_REQUIRED"),
        ("recipient.party.address.country_code", "COUNTRY_UNKNOWN"),
        ("recipient.party.vat_id", "VAT_ID_MALFORMED"),
        ("recipient.party.tax_number", "TAX_NUMBER_OF_BUYER"),
        ("recipient.reference", "CHARACTER_REFUSED"),
    ]
    refused(partial(get, desk), NotFound)
    refused(partial(put, desk, "a b", **BUYER), InvalidArgument)
    nameless = pb.UpdateRecipientRequest(recipient=pb.Recipient(reference="x"))
    assert wrong(lambda: desk.client.invoicing.update_recipient(nameless)) == [("recipient.name", "FIELD_REQUIRED")]
    put(desk, **BUYER)


@pytest.mark.rule("INV-15", "PLT-11")
def test_recipients_come_in_bulk_and_again_change_nothing(desk: Desk, database: Database) -> None:
    """Bad rows are refused alone, each with its place and all that is wrong; the trail has one entry a message."""
    put(desk, "A-3", **BUYER)
    rows = [row("A-1"), row("A-2", name=""), row("A-3", name="Neu"), row("b b"), row("A-4"), row("A-1", name="Später")]
    refusals: list[RecipientRefusal] = []
    totals = desk.client.invoicing.import_recipients(rows, on_refusal=refusals.append)
    assert counts(totals) == (6, 2, 2, 0, 2)
    assert [(each.row, each.account_id) for each in refusals] == [(1, "A-2"), (3, "b b")]
    assert [each.field for each in refusals[0].violations] == ["recipient.party.name"]
    assert refusals[1].violations[0].field == "account_id"
    assert get(desk).party.name == "Später"
    assert versions(database, "A-1") == [(1, "Bäckerei Meier"), (2, "Später")]
    assert versions(database, "A-3") == [(1, "Bäckerei Meier"), (2, "Neu")]
    refused(partial(get, desk, "A-2"), NotFound)
    again = [rows[2], rows[4], rows[5]]
    assert counts(desk.client.invoicing.import_recipients(again)) == (3, 0, 0, 3, 0)
    trail = desk.client.audit.list_entries(audit_pb2.ListAuditEntriesRequest(type="recipients.imported"))
    (entry,) = trail
    assert entry.changes["changed_count"] == 2


@pytest.mark.rule("INV-15")
def test_streams_are_cut_and_counted_as_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many fit into a message, and a stream."""
    monkeypatch.setattr(packing, "MESSAGE_RECIPIENTS_MAX", 3)
    monkeypatch.setattr(packing, "STREAM_RECIPIENTS_MAX", 7)
    rows = [row(f"A-{number}", name="" if number == 8 else "Kunde") for number in range(10)]
    refusals: list[RecipientRefusal] = []
    totals = desk.client.invoicing.import_recipients(rows, on_refusal=refusals.append)
    assert counts(totals) == (10, 9, 0, 0, 1)
    assert [each.row for each in refusals] == [8]


@pytest.mark.rule("INV-15")
def test_the_asynchronous_client_does_the_same(books: Served, desk: Desk) -> None:
    """With the same totals."""

    async def send() -> RecipientsTotals:
        async with aio.connect(books.target) as client:
            await client.invoicing.update_recipient(
                pb.UpdateRecipientRequest(recipient=_resource("A-9"), allow_missing=True)
            )
            return await client.invoicing.import_recipients([row("A-1"), row("A-9")])

    assert counts(asyncio.run(send())) == (2, 1, 0, 1, 0)
    assert get(desk).party.name == BUYER["party"]["name"]


@pytest.mark.rule("PLT-10")
def test_of_two_who_create_one_comes_first(desk: Desk, database: Database) -> None:
    """The other is told that there is one by now."""
    outcomes: list[object] = []

    def race() -> None:
        try:
            outcomes.append(put(desk, "A-7", **BUYER).etag)
        except CountinghouseError as error:
            outcomes.append(error.reason)

    async def both() -> None:
        await asyncio.gather(asyncio.to_thread(race), asyncio.to_thread(race))

    asyncio.run(both())
    assert sorted(map(str, outcomes)) == ["1", "ETAG_REQUIRED"]
    assert [number for number, _ in versions(database, "A-7")] == [1]


def _resource(account: str) -> pb.Recipient:
    return ParseDict({"name": f"recipients/{account}", **BUYER}, pb.Recipient())
