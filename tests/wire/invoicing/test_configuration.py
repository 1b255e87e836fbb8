"""Issuers and billing cycles by the client."""

from __future__ import annotations

import base64
import struct
import zlib
from functools import partial
from typing import Any

import pytest

from countinghouse.client.errors import Aborted, AlreadyExists, InvalidArgument, NotFound
from countinghouse.invoicing.v1 import billing_cycles_pb2, issuers_pb2
from tests.wire.invoicing.desk import CYCLE, ISSUER, Desk, refused, told, wrong


def png(width: int = 1, height: int = 1, padding: int = 0) -> str:
    """A black PNG as JSON says it; with `padding` bytes behind its end."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(1 + 3 * width) * height)),
        (b"IEND", b""),
    )
    written = (
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(written) + bytes(padding)).decode()


def party(**changes: Any) -> dict[str, Any]:
    """The seller, with changes."""
    return {"party": {**ISSUER["party"], **changes}}


def country(code: str) -> dict[str, Any]:
    """The seller in another country."""
    return party(address={"country_code": code})


@pytest.mark.rule("INV-15", "PLT-10")
def test_an_issuer_is_what_it_was_given_as_and_is_changed_with_its_etag(desk: Desk) -> None:
    """Whoever has an older etag is told so."""
    made = desk.issuer(logo=png())
    assert told(made) == {**ISSUER, "logo": png()}
    assert desk.client.invoicing.get_issuer(issuers_pb2.GetIssuerRequest(name=made.name)) == made
    changed = desk.update("issuer", made, note="Danke.", iban="")
    assert told(changed) == {name: value for name, value in told(made).items() if name != "iban"} | {"note": "Danke."}
    assert refused(partial(desk.update, "issuer", made, note="x"), Aborted).reason == "ETAG_STALE"
    assert refused(desk.issuer, AlreadyExists).reason == "CODE_TAKEN"
    desk.issuer(code="OTHER")
    listed = desk.client.invoicing.list_issuers(issuers_pb2.ListIssuersRequest(page_size=1))
    assert [issuer.code for issuer in listed] == ["OTHER", "STADTWERKE"]


@pytest.mark.rule("INV-15", "INV-20", "PLT-07")
@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        (party(name=""), "party.name", "FIELD_REQUIRED"),
        (party(name="a\u0000b"), "party.name", "CHARACTER_REFUSED"),
        (country("XX"), "party.address.country_code", "COUNTRY_UNKNOWN"),
        (country("de"), "party.address.country_code", "COUNTRY_UNKNOWN"),
        (party(vat_id="123456789"), "party.vat_id", "VAT_ID_MALFORMED"),
        (party(vat_id="XX123456789"), "party.vat_id", "VAT_ID_MALFORMED"),
        (party(vat_id="DE 12345678"), "party.vat_id", "VAT_ID_MALFORMED"),
        (party(electronic_address_scheme=""), "party.electronic_address_scheme", "FIELD_REQUIRED"),
        (party(electronic_address=""), "party.electronic_address", "FIELD_REQUIRED"),
        (party(electronic_address_scheme="XX"), "party.electronic_address_scheme", "ELECTRONIC_SCHEME_UNKNOWN"),
        (party(electronic_address_scheme="0001"), "party.electronic_address_scheme", "ELECTRONIC_SCHEME_UNKNOWN"),
        ({"number_prefix": "A/B"}, "number_prefix", "NUMBER_PREFIX_INVALID"),
        ({"credit_note_number_prefix": "Ä"}, "credit_note_number_prefix", "NUMBER_PREFIX_INVALID"),
        ({"credit_note_number_prefix": "SM-"}, "credit_note_number_prefix", "NUMBER_PREFIXES_ALIKE"),
        ({"iban": "DE89370400440532013001"}, "iban", "IBAN_INVALID"),
        ({"iban": "DE89 3704 0044 0532 0130 00"}, "iban", "IBAN_INVALID"),
        ({"bic": "COBA"}, "bic", "BIC_MALFORMED"),
        ({"note": "a\u0007b"}, "note", "CHARACTER_REFUSED"),
        ({"exemption_reasons": {"S": "none"}}, 'exemption_reasons["S"]', "TAX_CATEGORY_NOT_EXEMPT"),
        ({"exemption_reasons": {"E": ""}}, 'exemption_reasons["E"]', "FIELD_REQUIRED"),
        ({"exemption_reasons": {"E": "\u0001"}}, 'exemption_reasons["E"]', "CHARACTER_REFUSED"),
        ({"logo": base64.b64encode(b"GIF89a").decode()}, "logo", "LOGO_INVALID"),
        ({"logo": png()[:40]}, "logo", "LOGO_INVALID"),
        ({"logo": png()[:44]}, "logo", "LOGO_INVALID"),
        ({"logo": png(100, 100)[:72]}, "logo", "LOGO_INVALID"),
        ({"logo": png(4_001)}, "logo", "LOGO_INVALID"),
        ({"logo": png(0)}, "logo", "LOGO_INVALID"),
        ({"logo": png(padding=200_000)}, "logo", "LOGO_INVALID"),
    ],
)
def test_what_no_issuer_can_be_is_refused_by_its_field(
    desk: Desk, changes: dict[str, Any], field: str, reason: str
) -> None:
    """As it is created, and as it is changed; nothing is kept of it."""
    assert wrong(partial(desk.issuer, **changes)) == [(f"issuer.{field}", reason)]
    made = desk.issuer()
    assert wrong(partial(desk.update, "issuer", made, **changes)) == [(f"issuer.{field}", reason)]
    assert desk.client.invoicing.get_issuer(issuers_pb2.GetIssuerRequest(name=made.name)) == made


@pytest.mark.rule("PLT-07")
def test_all_that_is_wrong_with_an_issuer_is_told_at_once(desk: Desk) -> None:
    """In the order of its fields."""
    wrongs = wrong(partial(desk.issuer, **party(name="", vat_id="1"), iban="X", bic="X", number_prefix="/"))
    assert [field for field, _ in wrongs] == [
        "issuer.party.name",
        "issuer.party.vat_id",
        "issuer.number_prefix",
        "issuer.iban",
        "issuer.bic",
    ]


@pytest.mark.rule("PLT-06")
def test_an_issuer_is_created_once_and_only_tried_if_asked(desk: Desk) -> None:
    """The same request gives the first answer; one that is only tried leaves nothing."""
    desk.issuer({"validate_only": True})
    first = desk.issuer({"request_id": "r-1"})
    assert desk.issuer({"request_id": "r-1"}) == first
    assert refused(partial(desk.issuer, {"request_id": "r-1"}, note="x"), AlreadyExists).reason == "REQUEST_ID_REUSED"


@pytest.mark.rule("INV-03", "PLT-10")
def test_a_cycle_is_what_it_was_given_as_and_is_changed_with_its_etag(desk: Desk) -> None:
    """What is not given has the defaults of the contract."""
    desk.issuer()
    made = desk.cycle()
    assert told(made) == CYCLE
    get = billing_cycles_pb2.GetBillingCycleRequest(name=made.name)
    assert desk.client.invoicing.get_cycle(get) == made
    given = {"minimum_usage": [{"currency_code": "JPY", "units": "1000"}], "payment_days": 0}
    changed = desk.update("cycle", made, **given)
    assert told(changed) == {**CYCLE, **given}
    assert refused(partial(desk.update, "cycle", made, description="x"), Aborted).reason == "ETAG_STALE"
    plain = desk.update("cycle", changed, "period_unit", "period_count", "payment_days", "export_workflow")
    assert (plain.period_unit, plain.period_count) == (billing_cycles_pb2.PERIOD_UNIT_MONTHS, 1)
    assert (plain.payment_days, plain.export_workflow) == (14, "data-files")


@pytest.mark.rule("INV-03", "INV-06", "PLT-01", "PLT-07")
@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"issuer_code": "NOBODY"}, "issuer_code", "ISSUER_UNKNOWN"),
        ({"issuer_code": ""}, "issuer_code", "ISSUER_UNKNOWN"),
        ({"currency_code": "EUX"}, "currency_code", "CURRENCY_UNKNOWN"),
        ({"time_zone": "Berlin"}, "time_zone", "TIME_ZONE_UNKNOWN"),
        ({"period_count": -1}, "period_count", "PERIOD_COUNT_OUT_OF_RANGE"),
        ({"period_count": 367}, "period_count", "PERIOD_COUNT_OUT_OF_RANGE"),
        ({"maximum_carries": -1}, "maximum_carries", "MAXIMUM_CARRIES_OUT_OF_RANGE"),
        ({"payment_days": 367}, "payment_days", "PAYMENT_DAYS_OUT_OF_RANGE"),
        (
            {"minimum_usage": [{"currency_code": "JPY", "nanos": 500_000_000}]},
            "minimum_usage[0]",
            "AMOUNT_FINER_THAN_MINOR_UNIT",
        ),
        ({"minimum_usage": [{"currency_code": "EUR", "units": -1}]}, "minimum_usage", "MINIMUM_USAGE_NEGATIVE"),
        (
            {"minimum_usage": [{"currency_code": "EUR", "units": 1}, {"currency_code": "EUR", "units": 2}]},
            "minimum_usage[1].currency_code",
            "MINIMUM_USAGE_TWICE",
        ),
        ({"hookpoint_key": "a b"}, "hookpoint_key", "HOOKPOINT_KEY_INVALID"),
        ({"export_workflow": "a b"}, "export_workflow", "EXPORT_WORKFLOW_INVALID"),
        ({"export_formats": []}, "export_formats", "EXPORT_FORMATS_MISSING"),
        ({"export_formats": ["EXPORT_FORMAT_PDF"] * 2}, "export_formats", "EXPORT_FORMAT_TWICE"),
        (
            {"receivable_distribution_code": "NONE"},
            "receivable_distribution_code",
            "DISTRIBUTION_CODE_UNKNOWN",
        ),
        ({"receivable_distribution_code": ""}, "receivable_distribution_code", "DISTRIBUTION_CODE_UNKNOWN"),
        ({"tax_distribution_codes": {"S": "NONE"}}, 'tax_distribution_codes["S"]', "DISTRIBUTION_CODE_UNKNOWN"),
        ({"tax_distribution_codes": {"X": "VAT"}}, 'tax_distribution_codes["X"]', "TAX_CATEGORY_UNKNOWN"),
    ],
)
def test_what_no_cycle_can_be_is_refused_by_its_field(
    desk: Desk, changes: dict[str, Any], field: str, reason: str
) -> None:
    """As it is created, and as it is changed; nothing is kept of it."""
    desk.issuer()
    assert wrong(partial(desk.cycle, **changes)) == [(f"billing_cycle.{field}", reason)]
    made = desk.cycle()
    assert wrong(partial(desk.update, "cycle", made, **changes)) == [(f"billing_cycle.{field}", reason)]


@pytest.mark.rule("INV-06")
def test_a_cycle_that_exports_nothing_needs_no_format(desk: Desk) -> None:
    """Nor do workflows that this server does not have stand in the way: the batch will say so."""
    desk.issuer()
    assert not desk.cycle(export_workflow="no-export", export_formats=[]).export_formats
    assert desk.cycle(code="OTHER", export_workflow="print-shop").export_workflow == "print-shop"


@pytest.mark.rule("PLT-07")
def test_what_there_is_not_is_not_found(desk: Desk) -> None:
    """By its name."""
    invoicing = desk.client.invoicing
    get = issuers_pb2.GetIssuerRequest(name="issuers/NONE")
    assert "issuers/NONE does not exist" in str(refused(partial(invoicing.get_issuer, get), NotFound))
    missing = billing_cycles_pb2.GetBillingCycleRequest(name="billingCycles/NONE")
    assert "billingCycles/NONE does not exist" in str(refused(partial(invoicing.get_cycle, missing), NotFound))
    refused(partial(desk.issuer, code=""), InvalidArgument)
