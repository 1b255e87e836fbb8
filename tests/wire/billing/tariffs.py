"""Rates and service agreement types over the wire in few words: requests as JSON says them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict

from countinghouse.billing.v1 import rates_pb2
from countinghouse.billing.v1 import service_agreement_types_pb2 as types_pb2
from countinghouse.billing.v1.billing_service_pb2_grpc import BillingServiceStub

Given = dict[str, Any]

JANUARY: Given = {"year": 2026, "month": 1, "day": 1}
_OWN = ("rounding", "condition", "distribution_code", "description")


def component(charge: str, code: str = "C", **given: Any) -> Given:
    """A component that feeds REVENUE; what is in `_OWN` is the component's, the rest is the charge's."""
    own: Given = {name: given.pop(name) for name in _OWN if name in given}
    return {"code": code, "distribution_code": "REVENUE", **own, charge: given}


def number(text: str) -> Given:
    """A decimal."""
    return {"value": text}


def stepped(*steps: Given, usage: str = "ENERGY", unit: str = "kWh", **given: Any) -> Given:
    """A price for each unit used, by steps."""
    return component("stepped", usage=usage, unit=unit, steps=list(steps), **given)


def by_time(usage: str = "ENERGY", **prices: str) -> Given:
    """A price for each bucket."""
    told = [{"bucket": bucket, "price": number(price)} for bucket, price in prices.items()]
    return component("time_of_use", usage=usage, unit="kWh", prices=told)


def version(*components: Given, effective_date: Given = JANUARY) -> Given:
    """What a version says."""
    return {"effective_date": effective_date, "components": list(components)}


FLAT = stepped({"price": number("0.30")})
ENERGY: Given = {"name": "ENERGY", "measured": {"profile_type_code": "HOURLY"}}
TYPE: Given = {"rate_code": "POWER", "receivable_distribution_code": "RECEIVABLE", "usage": [ENERGY]}


def told(message: Any) -> Given:
    """A message as JSON says it."""
    return MessageToDict(message, preserving_proto_field_name=True)


@dataclass(frozen=True, slots=True)
class Tariffs:
    """Calls on rates and on service agreement types."""

    billing: BillingServiceStub

    def rate(self, code: str, *components: Given, request: Given | None = None, **given: Any) -> rates_pb2.Rate:
        """Create a rate, in EUR from January on unless said otherwise."""
        first = {"newest_version": version(*components)} if components else {}
        asked = {"rate": {"code": code, "currency_code": "EUR", **first, **given}, **(request or {})}
        return self.billing.CreateRate(ParseDict(asked, rates_pb2.CreateRateRequest()))

    def version(self, code: str, *components: Given, etag: str | None = None, **given: Any) -> rates_pb2.RateVersion:
        """Change what a rate charges; without an etag, whatever changed."""
        seen = self.get_rate(code).etag if etag is None else etag
        asked = {"parent": f"rates/{code}", "etag": seen, "rate_version": {**version(*components), **given}}
        return self.billing.CreateRateVersion(ParseDict(asked, rates_pb2.CreateRateVersionRequest()))

    def get_rate(self, code: str) -> rates_pb2.Rate:
        """The rate."""
        return self.billing.GetRate(rates_pb2.GetRateRequest(name=f"rates/{code}"))

    def type(self, code: str, request: Given | None = None, **given: Any) -> types_pb2.ServiceAgreementType:
        """Create a service agreement type that uses what POWER charges; None leaves a field out."""
        says = {name: value for name, value in {"code": code, **TYPE, **given}.items() if value is not None}
        asked = {"service_agreement_type": says, **(request or {})}
        return self.billing.CreateServiceAgreementType(ParseDict(asked, types_pb2.CreateServiceAgreementTypeRequest()))

    def get_type(self, code: str) -> types_pb2.ServiceAgreementType:
        """The service agreement type."""
        name = f"serviceAgreementTypes/{code}"
        return self.billing.GetServiceAgreementType(types_pb2.GetServiceAgreementTypeRequest(name=name))

    def change_type(self, code: str, mask: str = "", **given: Any) -> types_pb2.ServiceAgreementType:
        """Change a service agreement type, whatever changed."""
        says = {"name": f"serviceAgreementTypes/{code}", "etag": self.get_type(code).etag, **given}
        asked = {"service_agreement_type": says, **({"update_mask": mask} if mask else {})}
        return self.billing.UpdateServiceAgreementType(ParseDict(asked, types_pb2.UpdateServiceAgreementTypeRequest()))
