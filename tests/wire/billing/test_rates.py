"""Rates over the wire: final versions, and what they are refused for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import ParseDict

from countinghouse.billing.v1 import rates_pb2 as pb
from countinghouse.operations.v1 import audit_pb2, audit_pb2_grpc
from tests.support.server import Served, refusal
from tests.wire.billing.tariffs import FLAT, JANUARY, Given, Tariffs, by_time, component, number, stepped, told, version

ALL: list[Given] = [
    component("fixed", "STANDING", price=number("-12.5"), condition="account.customer_class == 'HOME'"),
    stepped(
        {"price": number("0.30"), "limit": number("100"), "description": "up to 100 kWh"},
        {"price": number("0.000000000000000001")},
        code="STEPS",
        description="Electricity",
        rounding="ROUNDING_MODE_HALF_UP",
    ),
    {**by_time(PEAK="0.40", OFF_PEAK="0.20"), "code": "BY_TIME"},
    component(
        "time_of_use",
        "WORDED",
        usage="ENERGY",
        unit="kWh",
        prices=[
            {"bucket": "PEAK", "price": number("1"), "description": "peak hours"},
            {"bucket": "OFF_PEAK", "price": number("2")},
        ],
    ),
    component("demand", "DEMAND", usage="PEAKS", unit="kW", price=number("3")),
    component("minimum", "LEAST", amount=number("20"), component_codes=["STANDING", "STEPS"]),
    component("percentage", "LEVY", percent=number("2.5"), component_codes=["STEPS"]),
    component("tax", "VAT", percent=number("19"), component_codes=["LEVY"], distribution_code="TAXES"),
    component("discount", "LOYAL", percent=number("100"), component_codes=["STANDING"]),
]
"""A component of every kind."""


def wrong(call: Callable[[], object], below: str) -> list[tuple[str, str]]:
    """Fields, below one, and reasons for which a call is refused."""
    refused = refusal(call)
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert all(field.startswith(below) for field, _ in refused.violations)
    return [(field.removeprefix(below), reason) for field, reason in refused.violations]


@pytest.mark.rule("BIL-20", "PLT-02", "PLT-06")
def test_a_rate_is_read_as_it_was_given(tariffs: Tariffs) -> None:
    """Every kind of component, to the last decimal; taxes round half-up, all else half-even unless said otherwise."""
    tariffs.rate("NEW", *ALL, request={"validate_only": True})
    assert refusal(lambda: tariffs.get_rate("NEW")).code is grpc.StatusCode.NOT_FOUND
    made = tariffs.rate("NEW", *ALL, description="all", request={"request_id": "r"})
    assert tariffs.rate("NEW", *ALL, description="all", request={"request_id": "r"}) == made == tariffs.get_rate("NEW")
    first = told(made.newest_version)
    roundings = [each.pop("rounding") for each in first["components"]]
    assert roundings == [
        *("ROUNDING_MODE_HALF_EVEN", "ROUNDING_MODE_HALF_UP", *["ROUNDING_MODE_HALF_EVEN"] * 5),
        *("ROUNDING_MODE_HALF_UP", "ROUNDING_MODE_HALF_EVEN"),
    ]
    assert first["components"] == [{name: each[name] for name in each if name != "rounding"} for each in ALL]
    assert (first["name"], first["version"], first["effective_date"]) == ("rates/NEW/versions/1", "1", JANUARY)
    assert (made.currency_code, made.description) == ("EUR", "all")
    assert refusal(lambda: tariffs.rate("NEW", FLAT)).reason == "CODE_TAKEN"


@pytest.mark.rule("BIL-20", "PLT-10", "PLT-11")
def test_a_change_is_a_new_version_and_the_old_one_stays(utility: Served, tariffs: Tariffs) -> None:
    """Versions are listed, the newest first; who saw an older etag is refused."""
    before = tariffs.rate("NEW", FLAT)
    july = {"year": 2026, "month": 7, "day": 1}
    changed = tariffs.version("NEW", *ALL, effective_date=july)
    assert (changed.version, changed.name, changed.effective_date.month) == (2, "rates/NEW/versions/2", 7)
    after = tariffs.get_rate("NEW")
    assert (after.newest_version, after.etag != before.etag) == (changed, True)
    listed = tariffs.billing.ListRateVersions(pb.ListRateVersionsRequest(parent="rates/NEW"))
    assert list(listed.rate_versions) == [changed, before.newest_version]
    one = pb.GetRateVersionRequest(name=before.newest_version.name)
    assert tariffs.billing.GetRateVersion(one) == before.newest_version
    stale = refusal(lambda: tariffs.version("NEW", FLAT, etag=before.etag))
    assert (stale.code, stale.reason) == (grpc.StatusCode.ABORTED, "ETAG_STALE")
    assert refusal(lambda: tariffs.version("NEW", FLAT, etag="")).violations == [("etag", "ETAG_REQUIRED")]
    trail = utility.stub(audit_pb2_grpc.AuditServiceStub)
    entries = trail.ListAuditEntries(audit_pb2.ListAuditEntriesRequest(resource="rates/NEW")).audit_entries
    assert [entry.type for entry in entries] == [
        "rate.version_created",
        "rate.changed",
        "rate.version_created",
        "rate.created",
    ]
    assert told(entries[0])["changes"]["to"]["components"][0]["price"] == "-12.5"


@pytest.mark.rule("BIL-20", "PLT-10")
def test_the_description_alone_of_a_rate_can_be_changed(tariffs: Tariffs) -> None:
    """What it charges is told by versions."""
    made = tariffs.rate("NEW", FLAT)

    def update(**given: Any) -> pb.Rate:
        return tariffs.billing.UpdateRate(ParseDict({"rate": {"name": made.name, **given}}, pb.UpdateRateRequest()))

    changed = update(description="cheap", etag=made.etag)
    assert (changed.description, changed.newest_version) == ("cheap", made.newest_version)
    assert update(etag=changed.etag, currency_code="USD").currency_code == "EUR"
    assert refusal(lambda: update(description="x", etag=made.etag)).reason == "ETAG_STALE"
    assert refusal(lambda: update(description="x")).violations == [("rate.etag", "ETAG_REQUIRED")]
    seen = tariffs.get_rate("NEW").etag
    bell = refusal(lambda: update(description="\x07", etag=seen))
    assert bell.violations == [("rate.description", "CHARACTER_REFUSED")]
    price = {"bucket": "PEAK", "price": number("1"), "description": "\x07"}
    worded = component("time_of_use", description="\x07", usage="ENERGY", unit="kWh", prices=[price])
    steps = stepped({"price": number("1"), "description": "\x07"}, code="S")
    assert wrong(lambda: tariffs.version("NEW", worded, steps, etag=seen), "rate_version.components") == [
        ("[0].description", "CHARACTER_REFUSED"),
        ("[0].time_of_use.prices[0].description", "CHARACTER_REFUSED"),
        ("[1].stepped.steps[0].description", "CHARACTER_REFUSED"),
    ]


@pytest.mark.rule("BIL-20", "PLT-08")
def test_rates_and_versions_are_listed_page_by_page(tariffs: Tariffs) -> None:
    """None twice, none left out; what there is not is not found."""
    for price in range(2, 5):
        tariffs.version("GREEN", stepped({"price": number(str(price))}))
    codes, numbers, token = [], [], ""
    while True:
        page = tariffs.billing.ListRates(pb.ListRatesRequest(page_size=2, page_token=token))
        codes += [rate.code for rate in page.rates]
        token = page.next_page_token
        if not token:
            break
    assert codes == sorted(codes)
    assert {"GREEN", "POWER", "STANDING"} < set(codes)
    while True:
        request = pb.ListRateVersionsRequest(parent="rates/GREEN", page_size=3, page_token=token)
        found = tariffs.billing.ListRateVersions(request)
        numbers += [each.version for each in found.rate_versions]
        token = found.next_page_token
        if not token:
            break
    assert numbers == [4, 3, 2, 1]
    none = pb.ListRateVersionsRequest(parent="rates/NONE")
    assert refusal(lambda: tariffs.billing.ListRateVersions(none)).code is grpc.StatusCode.NOT_FOUND
    for name in ("rates/GREEN/versions/9", "rates/NONE/versions/1"):
        missing = pb.GetRateVersionRequest(name=name)
        assert refusal(lambda: tariffs.billing.GetRateVersion(missing)).code is grpc.StatusCode.NOT_FOUND  # noqa: B023


@pytest.mark.rule("BIL-20", "PLT-07")
def test_everything_that_is_wrong_with_a_rate_is_told_at_once(tariffs: Tariffs) -> None:
    """By the fields of the contract, whatever the kind of component."""
    bad = [
        component("fixed", "A", price=number("1_0"), condition="account.code == 1.5"),
        stepped({"price": number(""), "limit": number("5")}, {"price": number("NaN"), "limit": number("4")}, code="A"),
        {**by_time(PEAK="0.0000000000000000001", NOON="1"), "code": "", "distribution_code": "NONE"},
        component("demand", "D", price=number("1"), condition="premise.area > 2"),
        component("minimum", "M", amount=number("-1"), component_codes=["D", "D", "M"]),
        component("percentage", "P", percent=number("1e16"), component_codes=["X"]),
        component("tax", "T", percent=number("1"), distribution_code="", condition="segment.days"),
        component("discount", "O", percent=number("101"), component_codes=["T"]),
        component("tax", "U", percent=number("19"), component_codes=["O"], tax_category="E"),
        component("tax", "V", percent=number("0"), component_codes=["O"], tax_category="S"),
    ]
    date = {"year": 2026, "month": 2, "day": 30}
    call = lambda: tariffs.rate("BAD", newest_version=version(*bad, effective_date=date), currency_code="XXX")  # noqa: E731
    found = wrong(call, "rate.")
    assert {(field.removeprefix("newest_version."), reason) for field, reason in found} == {
        ("currency_code", "CURRENCY_UNKNOWN"),
        ("effective_date", "DATE_INVALID"),
        ("components[0].fixed.price", "RATE_NUMBER_MALFORMED"),
        ("components[0].condition", "CONDITION_HAS_DOUBLE"),
        ("components[1].code", "RATE_COMPONENT_TWICE"),
        ("components[1].stepped.steps[0].price", "RATE_NUMBER_MALFORMED"),
        ("components[1].stepped.steps[1].price", "RATE_NUMBER_MALFORMED"),
        ("components[1].stepped.steps[1].limit", "RATE_STEP_LIMIT_MISPLACED"),
        ("components[1].stepped.steps[1].limit", "RATE_STEPS_NOT_GROWING"),
        ("components[2].code", "FIELD_REQUIRED"),
        ("components[2].distribution_code", "DISTRIBUTION_CODE_UNKNOWN"),
        ("components[2].time_of_use.prices[0].price", "RATE_NUMBER_TOO_FINE"),
        ("components[2].time_of_use.prices[1].bucket", "RATE_BUCKET_UNKNOWN"),
        ("components[3].demand.usage", "FIELD_REQUIRED"),
        ("components[3].demand.unit", "FIELD_REQUIRED"),
        ("components[3].condition", "CONDITION_FIELD_UNKNOWN"),
        ("components[4].minimum.amount", "RATE_NUMBER_NEGATIVE"),
        ("components[4].minimum.component_codes[1]", "RATE_REFERENCE_TWICE"),
        ("components[4].minimum.component_codes[2]", "RATE_REFERENCE_NOT_EARLIER"),
        ("components[5].percentage.percent", "RATE_NUMBER_TOO_LARGE"),
        ("components[5].percentage.component_codes[0]", "RATE_REFERENCE_UNKNOWN"),
        ("components[6].tax.component_codes", "FIELD_REQUIRED"),
        ("components[6].distribution_code", "FIELD_REQUIRED"),
        ("components[6].condition", "CONDITION_NOT_BOOLEAN"),
        ("components[7].discount.percent", "RATE_DISCOUNT_ABOVE_ALL"),
        ("components[8].tax.tax_category", "RATE_TAX_CATEGORY_UNFIT"),
        ("components[9].tax.tax_category", "RATE_TAX_CATEGORY_UNFIT"),
    }
    empty = lambda: tariffs.version("POWER", effective_date=JANUARY)  # noqa: E731
    assert wrong(empty, "rate_version.") == [("components", "RATE_VERSION_EMPTY")]
    kindless = {"code": "K", "distribution_code": "REVENUE"}
    assert refusal(lambda: tariffs.rate("BAD", kindless)).code is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.rule("BIL-20")
def test_a_version_that_does_not_charge_what_a_type_uses_is_refused(tariffs: Tariffs) -> None:
    """Types that use the rate stay sound; versions that hold no more are not asked."""
    refused = refusal(lambda: tariffs.version("POWER", stepped({"price": number("1")}, usage="GAS")))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "SERVICE_AGREEMENT_TYPE_UNSOUND")
    assert refused.metadata["resource_name"].startswith("serviceAgreementTypes/POWER")
    assert "'GAS'" in refused.message
    early = {"year": 2025, "month": 6, "day": 1}
    now = {"year": 2026, "month": 11, "day": 1}
    assert tariffs.version("POWER", FLAT, effective_date=now).version == 2
    unused = stepped({"price": number("1")}, usage="GAS")
    assert tariffs.version("POWER", unused, effective_date=early).version == 3
    lacking = refusal(lambda: tariffs.version("POWER_BY_TIME", by_time(PEAK="1")))
    assert (lacking.reason, "OFF_PEAK" in lacking.message) == ("SERVICE_AGREEMENT_TYPE_UNSOUND", True)


@pytest.mark.rule("BIL-20")
def test_numbers_are_told_without_exponents(tariffs: Tariffs) -> None:
    """However they were written."""
    for code, given, plain in (("A", "1.5e3", "1500"), ("B", "+.5E-17", "0.000000000000000005"), ("C", "0e9999", "0")):
        made = tariffs.rate(code, component("fixed", price=number(given)))
        assert made.newest_version.components[0].fixed.price.value == plain
        assert tariffs.get_rate(code) == made
