"""Invoicing by the client in few words: requests as JSON says them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict

from countinghouse.client import Client, CountinghouseError, connect
from countinghouse.gl_extraction.v1 import distribution_codes_pb2, reference_pb2
from countinghouse.invoicing.v1 import billing_cycles_pb2, invoice_schedules_pb2, issuers_pb2
from tests.support.server import Served

LEDGER = "MAIN"
CODES = ("RECEIVABLE", "REVENUE", "VAT")
_SERVERS = ("name", "create_time", "update_time", "etag")

Fields = dict[str, Any]

ISSUER: Fields = {
    "code": "STADTWERKE",
    "description": "Strom und Gas",
    "party": {
        "name": "Stadtwerke Musterstadt GmbH",
        "address": {
            "country_code": "DE",
            "street": "Hauptstraße 1",
            "city": "Musterstadt",
            "postal_code": "12345",
            "additional": "Hinterhaus",
            "subdivision": "Hessen",
        },
        "vat_id": "DE123456789",
        "registration_id": "HRB 1234",
        "electronic_address": "rechnung@stadtwerke.example",
        "electronic_address_scheme": "EM",
        "contact_name": "Kundenservice",
        "contact_phone": "+49 123 4567",
        "contact_email": "service@stadtwerke.example",
    },
    "number_prefix": "SM-",
    "credit_note_number_prefix": "SMG-",
    "iban": "DE89370400440532013000",
    "bic": "COBADEFFXXX",
    "bank_account_name": "Stadtwerke",
    "exemption_reasons": {"AE": "Steuerschuldnerschaft des Leistungsempfängers"},
    "note": "Vielen Dank.",
}
CYCLE: Fields = {
    "code": "MONTHLY",
    "description": "Households",
    "issuer_code": "STADTWERKE",
    "currency_code": "EUR",
    "time_zone": "Europe/Berlin",
    "period_count": 1,
    "period_unit": "PERIOD_UNIT_MONTHS",
    "minimum_usage": [{"currency_code": "EUR", "units": "10"}],
    "maximum_carries": 3,
    "payment_days": 30,
    "hookpoint_key": "approve",
    "export_workflow": "data-files",
    "export_formats": ["EXPORT_FORMAT_PDF", "EXPORT_FORMAT_UBL"],
    "receivable_distribution_code": "RECEIVABLE",
    "tax_distribution_codes": {"S": "VAT"},
}


@dataclass(frozen=True, slots=True)
class Desk:
    """Calls by the client's methods; `request` are fields beside the resource."""

    client: Client

    def keep_books(self) -> None:
        """A ledger with its distribution codes."""
        gl = self.client.gl
        gl.create_ledger(reference_pb2.CreateLedgerRequest(ledger=reference_pb2.Ledger(code=LEDGER)))
        for code in CODES:
            given = distribution_codes_pb2.DistributionCode(code=code, ledger_code=LEDGER)
            gl.create_distribution_code(distribution_codes_pb2.CreateDistributionCodeRequest(distribution_code=given))

    def call(self, method: str, module: ModuleType, message: str, **fields: Any) -> Any:
        """The answer of a method of the client's to a request."""
        return getattr(self.client.invoicing, method)(ParseDict(fields, getattr(module, message)()))

    def issuer(self, request: Fields | None = None, **changes: Any) -> issuers_pb2.Issuer:
        """Create an issuer."""
        given = {**ISSUER, **changes}
        return self.call("create_issuer", issuers_pb2, "CreateIssuerRequest", issuer=given, **request or {})  # type: ignore[no-any-return]

    def cycle(self, request: Fields | None = None, **changes: Any) -> billing_cycles_pb2.BillingCycle:
        """Create a billing cycle."""
        given = {**CYCLE, **changes}
        return self.call(  # type: ignore[no-any-return]
            "create_cycle", billing_cycles_pb2, "CreateBillingCycleRequest", billing_cycle=given, **request or {}
        )

    def schedule(self, code: str, parent: str = "billingCycles/MONTHLY", **given: Any) -> Any:
        """Add a schedule to a cycle."""
        return self.call(
            "create_schedule",
            invoice_schedules_pb2,
            "CreateInvoiceScheduleRequest",
            parent=parent,
            invoice_schedule={"code": code, **given},
        )

    def schedules(self, parent: str = "billingCycles/MONTHLY") -> list[Any]:
        """All the schedules of a cycle."""
        return list(
            self.call(
                "list_schedules", invoice_schedules_pb2, "ListInvoiceSchedulesRequest", parent=parent, page_size=2
            )
        )

    def update(self, kind: str, resource: Any, *paths: str, **given: Any) -> Any:
        """Change an issuer, cycle or schedule that was seen; `kind` is the end of the client's method."""
        word, module = _KINDS[kind]
        message = type(resource).__name__
        changed = {"name": resource.name, "etag": resource.etag, **given}
        mask = ",".join(_camel(path) for path in paths or given)
        fields = {word: changed, "update_mask": mask}
        return self.call(f"update_{kind}", module, f"Update{message}Request", **fields)


_KINDS: dict[str, tuple[str, ModuleType]] = {
    "issuer": ("issuer", issuers_pb2),
    "cycle": ("billing_cycle", billing_cycles_pb2),
    "schedule": ("invoice_schedule", invoice_schedules_pb2),
}


@contextmanager
def desk_at(server: Served) -> Iterator[Desk]:
    """The client on a server."""
    with connect(server.target) as client:
        yield Desk(client)


def told(resource: Any) -> Fields:
    """What a resource says, without what is the server's alone."""
    found = MessageToDict(resource, preserving_proto_field_name=True)
    return {name: value for name, value in found.items() if name not in _SERVERS}


def refused(call: Callable[[], object], kind: type[CountinghouseError] = CountinghouseError) -> CountinghouseError:
    """The error by which a call is refused."""
    with pytest.raises(kind) as caught:
        call()
    return caught.value


def wrong(call: Callable[[], object]) -> list[tuple[str, str]]:
    """The fields and reasons for which a call is refused."""
    return [(each.field, each.reason) for each in refused(call).violations]


def _camel(path: str) -> str:
    first, *rest = path.split("_")
    return first + "".join(map(str.capitalize, rest))
