"""Service agreement types over the wire: what they use, what they are charged on, and what they are refused for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import ParseDict

from countinghouse.billing.v1 import service_agreement_types_pb2 as pb
from tests.support.server import refusal
from tests.wire.billing.office import Office
from tests.wire.billing.tariffs import ENERGY, TYPE, Given, Tariffs, component, number, stepped, told

SITES: Given = {"service_agreement_type_codes": ["POWER"], "measure": "kWh"}


def wrong(call: Callable[[], object]) -> list[tuple[str, str]]:
    """Fields, below the type, and reasons for which a call is refused."""
    refused = refusal(call)
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    return [(field.removeprefix("service_agreement_type."), reason) for field, reason in refused.violations]


def measured(name: str = "ENERGY", profile_type: str = "HOURLY", **given: Any) -> Given:
    return {"name": name, "measured": {"profile_type_code": profile_type, **given}}


@pytest.mark.rule("BIL-01", "BIL-04", "BIL-16", "BIL-21", "PLT-06")
def test_a_type_is_read_as_it_was_given(tariffs: Tariffs) -> None:
    """With what it leaves out: periods of a month from its first day, missing data as errors, no sequence."""
    bare = tariffs.type("NEW", description="bare")
    assert (bare.period_months, bare.anchor_day, bare.HasField("processing_sequence")) == (1, 1, False)
    assert bare.usage[0].measured.missing_data == pb.MISSING_DATA_ERROR
    says: Given = {
        "processing_sequence": "0",
        "period_months": 3,
        "anchor_day": 28,
        "rate_code": "HEAD_OFFICE",
        "usage": [
            {"name": "SITES", "charged_on": {"service_agreement_type_codes": ["LATE"], "measure": "kWh"}},
            {
                "name": "OTHER",
                "measured": {
                    "profile_type_code": "HOURLY",
                    "time_of_use_scheme_code": "DAY_NIGHT",
                    "maximum": True,
                    "missing_data": "MISSING_DATA_ESTIMATE",
                },
            },
        ],
        "plausible_range": {"segments": 6, "low_percent": number("12.5"), "high_percent": number("300")},
    }
    late = wrong(lambda: tariffs.type("FULL", **says))
    assert late == [("usage[0].charged_on.service_agreement_type_codes[0]", "SERVICE_AGREEMENT_TYPE_UNKNOWN")]
    says["usage"][0]["charged_on"]["service_agreement_type_codes"] = ["POWER"]
    says["processing_sequence"] = "7"
    tariffs.type("FULL", request={"validate_only": True}, **says)
    assert refusal(lambda: tariffs.get_type("FULL")).code is grpc.StatusCode.NOT_FOUND
    made = tariffs.type("FULL", request={"request_id": "t"}, **says)
    assert tariffs.type("FULL", request={"request_id": "t"}, **says) == made == tariffs.get_type("FULL")
    assert {name: told(made)[name] for name in says} == says
    assert refusal(lambda: tariffs.type("FULL")).reason == "CODE_TAKEN"
    names = [
        each.name
        for each in tariffs.billing.ListServiceAgreementTypes(
            pb.ListServiceAgreementTypesRequest()
        ).service_agreement_types
    ]
    assert names == sorted(names)
    assert {made.name, bare.name} < set(names)


@pytest.mark.rule("BIL-01", "PLT-10")
def test_a_type_is_changed_by_who_saw_it_last(tariffs: Tariffs) -> None:
    """What the mask names, or what is not empty; a sequence can be taken away."""
    before = tariffs.type("NEW", processing_sequence=4)
    changed = tariffs.change_type("NEW", anchor_day=15, processing_sequence=0)
    assert (changed.anchor_day, changed.processing_sequence, changed.usage) == (15, 0, before.usage)
    assert changed.HasField("processing_sequence")
    assert not tariffs.change_type("NEW", mask="processingSequence").HasField("processing_sequence")
    stale = {"service_agreement_type": {"name": before.name, "etag": before.etag, "anchor_day": 2}}
    request = ParseDict(stale, pb.UpdateServiceAgreementTypeRequest())
    assert refusal(lambda: tariffs.billing.UpdateServiceAgreementType(request)).reason == "ETAG_STALE"
    request.service_agreement_type.etag = ""
    bare = refusal(lambda: tariffs.billing.UpdateServiceAgreementType(request))
    assert bare.violations == [("service_agreement_type.etag", "ETAG_REQUIRED")]


@pytest.mark.rule("BIL-01", "BIL-16", "BIL-23", "PLT-07")
def test_everything_that_is_wrong_with_a_type_is_told_at_once(tariffs: Tariffs) -> None:
    """Each by its field."""
    use = {"moment": "ALGORITHM_MOMENT_COMPLETION", "algorithm": "NONE"}
    found = wrong(
        lambda: tariffs.type(
            "BAD",
            description="\x07",
            processing_sequence=-1,
            period_months=13,
            anchor_day=29,
            rate_code="NONE",
            receivable_distribution_code="NONE",
            usage=[measured(profile_type="NONE", time_of_use_scheme_code="NONE"), measured(), measured(name="")],
            plausible_range={"segments": 0, "low_percent": number("x"), "high_percent": number("-1")},
            algorithms=[use],
        )
    )
    assert sorted(found) == sorted(
        [
            ("description", "CHARACTER_REFUSED"),
            ("processing_sequence", "PROCESSING_SEQUENCE_NEGATIVE"),
            ("period_months", "PERIOD_MONTHS_OUT_OF_RANGE"),
            ("anchor_day", "ANCHOR_DAY_OUT_OF_RANGE"),
            ("rate_code", "RATE_UNKNOWN"),
            ("receivable_distribution_code", "DISTRIBUTION_CODE_UNKNOWN"),
            ("usage[0].measured.profile_type_code", "PROFILE_TYPE_UNKNOWN"),
            ("usage[0].measured.time_of_use_scheme_code", "TIME_OF_USE_SCHEME_UNKNOWN"),
            ("usage[1].name", "USAGE_TWICE"),
            ("usage[2].name", "FIELD_REQUIRED"),
            ("plausible_range.segments", "PLAUSIBLE_RANGE_UNSOUND"),
            ("plausible_range.low_percent", "PLAUSIBLE_RANGE_UNSOUND"),
            ("plausible_range.high_percent", "PLAUSIBLE_RANGE_UNSOUND"),
            ("algorithms[0].algorithm", "ALGORITHM_UNKNOWN"),
        ]
    )
    above = {"segments": 1, "low_percent": number("100"), "high_percent": number("100")}
    crossed = wrong(lambda: tariffs.type("BAD", plausible_range=above))
    assert crossed == [("plausible_range.high_percent", "PLAUSIBLE_RANGE_UNSOUND")]
    fine = {"segments": 1, "low_percent": number("1e-19")}
    assert wrong(lambda: tariffs.type("BAD", plausible_range=fine)) == [
        ("plausible_range.low_percent", "PLAUSIBLE_RANGE_UNSOUND")
    ]
    nothing = wrong(lambda: tariffs.type("BAD", plausible_range={"segments": 1}))
    assert nothing == [("plausible_range.high_percent", "PLAUSIBLE_RANGE_UNSOUND")]
    beyond = wrong(lambda: tariffs.type("BAD", processing_sequence=2**31))
    assert beyond == [("processing_sequence", "PROCESSING_SEQUENCE_TOO_LARGE")]
    sourceless = refusal(lambda: tariffs.type("BAD", usage=[{"name": "ENERGY"}]))
    assert sourceless.code is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.rule("BIL-04")
def test_a_type_is_charged_on_types_of_lower_sequences_alone(tariffs: Tariffs) -> None:
    """Also when the other's sequence is changed, and also for what the other can come to."""

    def head(sequence: int, measure: str = "kWh", *codes: str) -> Given:
        charged_on = {"service_agreement_type_codes": list(codes or ("SITE",)), "measure": measure}
        usage = [{"name": "SITES", "charged_on": charged_on}]
        return {"rate_code": "HEAD_OFFICE", "usage": usage, "processing_sequence": sequence}

    tariffs.type("SITE", processing_sequence=2)
    where = "usage[0].charged_on.service_agreement_type_codes[0]"
    assert wrong(lambda: tariffs.type("HEAD", **head(2))) == [(where, "CHARGE_SOURCE_AT_EQUAL_SEQUENCE")]
    assert wrong(lambda: tariffs.type("HEAD", **head(1))) == [(where, "CHARGE_SOURCE_LATER")]
    assert wrong(lambda: tariffs.type("HEAD", **head(3, "kWh", "HEAD"))) == [(where, "CHARGE_SOURCE_AT_EQUAL_SEQUENCE")]
    other = wrong(lambda: tariffs.type("HEAD", **head(3, "m3")))
    assert other == [("usage[0].charged_on.measure", "CHARGE_MEASURE_MISSING"), ("usage[0]", "RATE_USAGE_UNIT_DIFFERS")]
    tariffs.type("HEAD", **head(3))
    for sequence, reason in ((3, "CHARGE_SOURCE_AT_EQUAL_SEQUENCE"), (4, "CHARGE_SOURCE_LATER")):
        moved = wrong(lambda: tariffs.change_type("SITE", processing_sequence=sequence))  # noqa: B023
        assert moved == [("processing_sequence", reason)]
    unused = wrong(lambda: tariffs.change_type("SITE", mask="rateCode,usage", rate_code="STANDING"))
    assert unused == [("usage", "CHARGE_MEASURE_MISSING")]
    assert tariffs.change_type("SITE", processing_sequence=1).processing_sequence == 1
    tariffs.rate("SHARE", stepped({"price": number("0.02")}, usage="SITES", unit="EUR"))
    share = tariffs.type("SHARE", **{**head(3, "EUR"), "rate_code": "SHARE"})
    assert share.usage[0].charged_on.measure == "EUR"


@pytest.mark.rule("BIL-20", "BIL-21")
def test_a_type_uses_what_its_rate_charges(tariffs: Tariffs) -> None:
    """By name, unit, bucket, and as a sum or a maximum."""
    tariffs.rate("DEMAND", component("demand", usage="ENERGY", unit="kWh", price=number("1")))
    tariffs.rate("ON_PEAK", component("demand", usage="ENERGY", unit="kWh", price=number("1"), bucket="PEAK"))
    tariffs.rate("GAS", stepped({"price": number("1")}, unit="m3"))
    by_time = {"time_of_use_scheme_code": "DAY_NIGHT"}
    scheme = "usage[0].measured.time_of_use_scheme_code"
    for rate, usage, found in (
        ("POWER", measured(name="OTHER"), ("usage", "RATE_USAGE_MISSING")),
        ("GAS", measured(), ("usage[0]", "RATE_USAGE_UNIT_DIFFERS")),
        ("DEMAND", measured(), ("usage[0].measured.maximum", "RATE_USAGE_NO_MAXIMUM")),
        ("POWER", measured(maximum=True), ("usage[0].measured.maximum", "RATE_USAGE_NO_SUM")),
        ("POWER_BY_TIME", measured(), ("usage[0]", "RATE_USAGE_UNPRICED")),
        ("ON_PEAK", measured(maximum=True), (scheme, "RATE_BUCKET_MISSING")),
        ("DEMAND", measured(maximum=True, **by_time), (scheme, "RATE_BUCKET_MISSING")),
        (
            "POWER",
            measured(profile_type="REGISTER", **by_time),
            ("usage[0].measured.time_of_use_scheme_code", "USAGE_NEEDS_INTERVALS"),
        ),
        (
            "DEMAND",
            measured(profile_type="REGISTER", maximum=True),
            ("usage[0].measured.maximum", "USAGE_NEEDS_INTERVALS"),
        ),
        (
            "POWER",
            measured(profile_type="DAILY", **by_time),
            ("usage[0].measured.time_of_use_scheme_code", "USAGE_INTERVALS_TOO_LONG"),
        ),
    ):
        assert wrong(lambda: tariffs.type("BAD", rate_code=rate, usage=[usage])) == [found]  # noqa: B023
    tariffs.type("DEMAND", rate_code="DEMAND", usage=[measured(maximum=True)])
    tariffs.type("ON_PEAK", rate_code="ON_PEAK", usage=[measured(maximum=True, **by_time)])
    tariffs.type("BY_TIME", rate_code="POWER_BY_TIME", usage=[measured(**by_time)])
    assert TYPE["usage"] == [ENERGY]
    tariffs.type("FLAT")


@pytest.mark.rule("BIL-20")
def test_an_agreement_has_a_rate_of_its_own_only_if_it_charges_what_its_type_uses(
    tariffs: Tariffs, office: Office
) -> None:
    """What does not fit is refused by the field that names it, when it is named."""
    tariffs.rate("GAS", stepped({"price": number("1")}, usage="GAS"))
    office.account()
    refused = wrong(lambda: office.agreement(rate_code="GAS"))
    assert refused == [("service_agreement.rate_code", "RATE_USAGE_MISSING")]
    assert office.agreement(rate_code="GREEN").rate_code == "GREEN"


@pytest.mark.rule("BIL-20", "BIL-21")
def test_what_agreements_are_charged_by_a_rate_of_their_own_stays_possible(tariffs: Tariffs, office: Office) -> None:
    """Whatever changes: the rate, the type's usage, the scheme. Agreements that are over stand in nobody's way."""
    by_time = measured(time_of_use_scheme_code="DAY_NIGHT")
    tariffs.type("TIMED", rate_code="POWER_BY_TIME", usage=[by_time, measured("OTHER")])
    tariffs.rate("OWN", stepped({"price": number("1")}, usage="OTHER"))
    office.account()
    name = office.agreement("S-1", type_code="TIMED", rate_code="OWN").name
    refused = refusal(lambda: tariffs.version("OWN", stepped({"price": number("1")}, usage="GONE")))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "SERVICE_AGREEMENT_TYPE_UNSOUND")
    for words in (
        "serviceAgreementTypes/TIMED",
        "agreements of the type have a rate of their own",
        "rates/OWN",
        "'GONE'",
    ):
        assert words in refused.message
    assert wrong(lambda: tariffs.change_type("TIMED", "usage", usage=[by_time])) == [("usage", "RATE_USAGE_MISSING")]
    tariffs.change_type("TIMED", "usage", usage=[by_time, measured("OTHER", time_of_use_scheme_code="DAY_NIGHT")])
    prices = [{"bucket": bucket, "price": number("1")} for bucket in ("PEAK", "OFF_PEAK")]
    tariffs.version("OWN", component("time_of_use", usage="OTHER", unit="kWh", prices=prices))
    office.update("ServiceAgreement", name=name, etag="1", end_date={"year": 2026, "month": 2, "day": 1})
    tariffs.version("OWN", stepped({"price": number("1")}, usage="GONE"))


@pytest.mark.rule("BIL-20", "BIL-21")
def test_no_version_of_a_rate_charges_a_maximum_as_a_sum(tariffs: Tariffs) -> None:
    """Also one that does not hold any more: days that it held for may still be billed."""
    later = {"year": 2026, "month": 6, "day": 1}
    tariffs.rate("LOAD", stepped({"price": number("1")}, usage="LOAD"))
    peak = component("demand", usage="PEAK_LOAD", unit="kWh", price=number("1"))
    tariffs.version("LOAD", peak, effective_date=later)
    maximum = [measured("LOAD", maximum=True), measured("PEAK_LOAD", maximum=True)]
    refused = wrong(lambda: tariffs.type("LOAD", rate_code="LOAD", usage=maximum))
    assert refused == [("usage[0].measured.maximum", "RATE_USAGE_NO_SUM")]
    tariffs.type("LOAD", rate_code="LOAD", usage=[measured("PEAK_LOAD", maximum=True)])
