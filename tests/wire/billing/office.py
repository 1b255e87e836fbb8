"""Accounts over the wire in few words: requests as JSON says them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict

from countinghouse.billing.v1 import accounts_pb2, premises_pb2, profiles_pb2
from countinghouse.billing.v1 import service_agreements_pb2 as agreements_pb2
from countinghouse.billing.v1.billing_service_pb2_grpc import BillingServiceStub

Given = dict[str, Any]

ACCOUNT: Given = {
    "description": "Bakery",
    "customer_class_code": "HOME",
    "bill_cycle_code": "NORTH",
    "invoice_cycle_code": "MONTHLY",
    "currency_code": "EUR",
    "time_zone": "Europe/Berlin",
    "attributes": {"region": "ünïcode"},
}
PREMISE: Given = {"description": "Oven", "time_zone": "Europe/Lisbon", "attributes": {"floor": "2"}}
AGREEMENT: Given = {
    "description": "Power",
    "type_code": "POWER",
    "start_date": {"year": 2026, "month": 1, "day": 1},
    "attributes": {"meter": "9"},
}
PROFILE: Given = {"description": "Meter", "type_code": "DAILY"}


def told(message: Any, names: Mapping[str, Any]) -> Given:
    """What a message says of these fields."""
    found = MessageToDict(message, preserving_proto_field_name=True)
    return {name: found.get(name) for name in names}


@dataclass(frozen=True, slots=True)
class Office:
    """Calls by resource; `request_id` and `validate_only` are told from the resource's fields."""

    billing: BillingServiceStub

    def account(self, account_id: str = "A-1", **given: Any) -> accounts_pb2.Account:
        """Create an account."""
        request = _create("account", account_id, ACCOUNT, given)
        return self.billing.CreateAccount(ParseDict(request, accounts_pb2.CreateAccountRequest()))

    def premise(self, premise_id: str = "P-1", **given: Any) -> premises_pb2.Premise:
        """Create a premise."""
        request = _create("premise", premise_id, PREMISE, given)
        return self.billing.CreatePremise(ParseDict(request, premises_pb2.CreatePremiseRequest()))

    def agreement(
        self, agreement_id: str = "S-1", account: str = "accounts/A-1", **given: Any
    ) -> agreements_pb2.ServiceAgreement:
        """Add a service agreement."""
        request = {"parent": account, **_create("service_agreement", agreement_id, AGREEMENT, given)}
        return self.billing.CreateServiceAgreement(ParseDict(request, agreements_pb2.CreateServiceAgreementRequest()))

    def profile(self, profile_id: str = "F-1", account: str = "accounts/A-1", **given: Any) -> profiles_pb2.Profile:
        """Add a profile."""
        request = {"parent": account, **_create("profile", profile_id, PROFILE, given)}
        return self.billing.CreateProfile(ParseDict(request, profiles_pb2.CreateProfileRequest()))

    def update(self, kind: str, *paths: str, **given: Any) -> Any:
        """Change what is named; `kind` is a message of the contract, such as Account."""
        call, request_type, word = self._updates()[kind]
        request = ParseDict({word: given}, request_type())
        request.update_mask.paths.extend(paths)
        return call(request)

    def get(self, name: str) -> Any:
        """What has the name."""
        billing = self.billing
        calls: dict[tuple[str, int], tuple[Callable[..., Any], Callable[..., Any]]] = {
            ("accounts", 2): (billing.GetAccount, accounts_pb2.GetAccountRequest),
            ("premises", 2): (billing.GetPremise, premises_pb2.GetPremiseRequest),
            ("serviceAgreements", 4): (billing.GetServiceAgreement, agreements_pb2.GetServiceAgreementRequest),
            ("profiles", 4): (billing.GetProfile, profiles_pb2.GetProfileRequest),
        }
        parts = name.split("/")
        call, request = calls[parts[-2], len(parts)]
        return call(request(name=name))

    def order(self, account: str = "accounts/A-1") -> list[agreements_pb2.ProcessingPlace]:
        """The processing order, read in pages of three."""
        places: list[agreements_pb2.ProcessingPlace] = []
        token = ""
        while True:
            request = agreements_pb2.ExplainProcessingOrderRequest(name=account, page_size=3, page_token=token)
            page = self.billing.ExplainProcessingOrder(request)
            places += page.places
            token = page.next_page_token
            if not token:
                return places

    def _updates(self) -> dict[str, tuple[Callable[..., Any], type[Any], str]]:
        billing = self.billing
        return {
            "Account": (billing.UpdateAccount, accounts_pb2.UpdateAccountRequest, "account"),
            "Premise": (billing.UpdatePremise, premises_pb2.UpdatePremiseRequest, "premise"),
            "ServiceAgreement": (
                billing.UpdateServiceAgreement,
                agreements_pb2.UpdateServiceAgreementRequest,
                "service_agreement",
            ),
            "Profile": (billing.UpdateProfile, profiles_pb2.UpdateProfileRequest, "profile"),
        }


def _create(word: str, own_id: str, usual: Given, given: Given) -> Given:
    """A request for the usual thing with what is given instead; None leaves a field out."""
    asked: Given = {name: given.pop(name) for name in ("request_id", "validate_only") if name in given}
    resource = {name: value for name, value in {**usual, **given}.items() if value is not None}
    return {word: resource, f"{word}_id": own_id, **asked}
