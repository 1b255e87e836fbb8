"""How the small utility of the demo invoices: homes to the end; one of its businesses cannot be sent anything."""

from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf.json_format import ParseDict

from countinghouse import demo_tariffs as tariffs
from countinghouse.demo_accounts import Case
from countinghouse.demo_tariffs import BUSINESSES, HOMES
from countinghouse.invoicing.v1 import recipients_pb2 as pb

BATCHES = {HOMES: "demo-homes", BUSINESSES: "demo-businesses"}
"""The id of the one batch of each billing cycle."""

_ISSUER = "DEMO_UTILITY"


def cycle_of(case: Case) -> str:
    """The billing cycle of an account."""
    return tariffs.INVOICE_CYCLES[case.story.customer_class]


def configuration() -> dict[str, Any]:
    """Issuer and billing cycles, as a document of `countinghouse invoicing configure`."""
    return {
        "issuers": [
            {
                "code": _ISSUER,
                "party": {
                    "name": "Demo Power & Light GmbH",
                    "address": _address("Am Kraftwerk 1"),
                    "vatId": "DE123456789",
                    "electronicAddress": "billing@power.example",
                    "electronicAddressScheme": "EM",
                },
                "numberPrefix": "DEMO-",
                "creditNoteNumberPrefix": "DEMO-C-",
                "iban": "DE89370400440532013000",
                "bankAccountName": "Demo Power & Light GmbH",
            }
        ],
        "billingCycles": [
            _cycle(HOMES, minimumUsage=[{"currencyCode": tariffs.CURRENCY, "units": "35"}]),
            _cycle(BUSINESSES),
        ],
    }


def recipients(cases: Iterable[Case]) -> Iterator[pb.RecipientToImport]:
    """Who gets the invoices: everyone but the first business, which nobody has told the address of."""
    unknown = ""
    for case in cases:
        if cycle_of(case) == BUSINESSES:
            unknown = unknown or case.account_id
        if case.account_id != unknown:
            party = {"name": f"Customer {case.number}", "address": _address(f"Lindenallee {case.number}")}
            row = {"accountId": case.account_id, "recipient": {"party": party}}
            yield ParseDict(row, pb.RecipientToImport())


def _address(street: str) -> dict[str, str]:
    return {"countryCode": "DE", "street": street, "postalCode": "12345", "city": "Musterstadt"}


def _cycle(code: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - as JSON
    posted = {"receivableDistributionCode": "DEMO_RECEIVABLE", "taxDistributionCodes": {"S": "DEMO_VAT"}}
    formats = ["EXPORT_FORMAT_PDF", "EXPORT_FORMAT_UBL", "EXPORT_FORMAT_JSON"]
    sold = {"issuerCode": _ISSUER, "currencyCode": tariffs.CURRENCY, "timeZone": tariffs.ZONE}
    return {"code": code, **sold, "exportFormats": formats, **posted, **more}
