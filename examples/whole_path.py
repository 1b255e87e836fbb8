"""From a meter to the general ledger: a year of a home is billed, invoiced, exported, published and extracted.

    countinghouse serve &
    python examples/whole_path.py --target 127.0.0.1:50051 --meter meter.csv.gz --year 2021 --into invoices

The meter is a CSV file with the columns `start` (an instant, with its offset) and `value` (kWh). At every joint the
amounts are compared to the cent: lines, segments, bills, invoice, its documents, accounting details, messages.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import yaml
from google.protobuf.json_format import ParseDict
from google.type.money_pb2 import Money

from countinghouse import configuring, configuring_billing, configuring_invoicing
from countinghouse.billing.v1 import (
    accounts_pb2,
    bill_corrections_pb2,
    bill_segments_pb2,
    bills_pb2,
    profiles_pb2,
    service_agreements_pb2,
    usage_pb2,
)
from countinghouse.client import Client, connect
from countinghouse.gl_extraction.v1 import accounting_details_pb2, extraction_pb2, reference_pb2
from countinghouse.invoicing.v1 import (
    invoice_batches_pb2,
    invoice_exports_pb2,
    invoice_schedules_pb2,
    invoices_pb2,
    recipients_pb2,
)
from countinghouse.operations.v1 import data_files_pb2

HERE = Path(__file__).resolve().parent
HOMES = {
    "GB": {"zone": "Europe/London", "currency": "GBP", "type": "GB_HOURLY", "profile": "HOURLY"},
    "US": {"zone": "America/Chicago", "currency": "USD", "type": "US_HOURLY", "profile": "HOURLY"},
}
WAIT_S = 120
UBL = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}


def main() -> int:
    """Go the whole path; gives 0 when every joint holds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--target", default="127.0.0.1:50051")
    parser.add_argument("--meter", type=Path, required=True)
    parser.add_argument("--home", choices=sorted(HOMES), default="GB", help="whose tariff, currency and time zone")
    parser.add_argument("--year", type=int, required=True, help="the year that is billed")
    parser.add_argument("--into", type=Path, default=Path("invoices"), help="where documents and messages go")
    args = parser.parse_args()
    with connect(args.target) as client:
        return Path_(client, HOMES[args.home], args.home, args.year, args.into).walk(args.meter)


class Path_:  # noqa: N801 - pathlib has the name
    """One home on its way."""

    def __init__(self, client: Client, home: Mapping[str, str], country: str, year: int, into: Path) -> None:
        self.client, self.home, self.country, self.year, self.into = client, home, country, year, into
        self.account = f"HOME-{country}"
        self.sums: dict[str, Decimal] = {}

    def walk(self, meter: Path) -> int:
        """Every step, and what it comes to."""
        self.into.mkdir(parents=True, exist_ok=True)
        self.configure()
        self.move_in()
        rows = self.client.billing.ingest_usage(_rows(meter, f"accounts/{self.account}/profiles/METER"))
        print(f"{rows.accepted_count:,} values of the meter, {rows.duplicate_count:,} of them twice")
        self.bill()
        batch = self.close()
        invoice = self.export(batch)
        self.publish(batch)
        self.extract()
        return self.compare(invoice)

    def configure(self) -> None:
        """Ledger, tariffs, and whose invoices they are."""
        today = datetime.now(UTC).date()
        ledger = {"ledger": {"code": "BILLING"}}
        self.client.gl.create_ledger(ParseDict(ledger, reference_pb2.CreateLedgerRequest()))
        first, last = today - timedelta(days=31), today + timedelta(days=31)
        period = {"parent": "ledgers/BILLING", "accounting_period": {"code": "NOW"}}
        period["accounting_period"] |= {"start_date": _day(first), "end_date": _day(last)}  # type: ignore[operator]
        self.client.gl.create_period(ParseDict(period, reference_pb2.CreateAccountingPeriodRequest()))
        tariffs = yaml.safe_load((HERE / "billing.yaml").read_text())
        cycle = {
            "issuers": [
                {
                    "code": "POWER",
                    "party": {
                        "name": "Power & Light",
                        "address": {"countryCode": self.country, "street": "1 Station Road", "city": "Springfield"},
                        "vatId": "GB123456789",
                        "electronicAddress": "billing@power.example",
                        "electronicAddressScheme": "EM",
                    },
                    "creditNoteNumberPrefix": "C-",
                    "iban": "GB82WEST12345698765432",
                    "bankAccountName": "Power & Light",
                }
            ],
            "billingCycles": [
                {
                    "code": "HOMES",
                    "issuerCode": "POWER",
                    "currencyCode": self.home["currency"],
                    "timeZone": self.home["zone"],
                    "exportFormats": ["EXPORT_FORMAT_PDF", "EXPORT_FORMAT_UBL", "EXPORT_FORMAT_JSON"],
                    "receivableDistributionCode": "RECEIVABLE",
                    "taxDistributionCodes": {"S": "TAX"},
                }
            ],
        }
        for document, kinds in ((tariffs, configuring_billing.KINDS), (cycle, configuring_invoicing.KINDS)):
            for applied in configuring.apply(self.client, configuring.parse(document, kinds)):
                print(f"{applied.outcome:10} {applied.name}")

    def move_in(self) -> None:
        """The account, what it has agreed, its meter, and to whom invoices go."""
        billing, name = self.client.billing, f"accounts/{self.account}"
        account = {"customer_class_code": "HOME", "currency_code": self.home["currency"]}
        account |= {"time_zone": self.home["zone"], "invoice_cycle_code": "HOMES"}
        request = {"account_id": self.account, "account": account}
        billing.create_account(ParseDict(request, accounts_pb2.CreateAccountRequest()))
        agreement = {"type_code": self.home["type"], "start_date": _day(date(self.year, 1, 1))}
        request = {"parent": name, "service_agreement_id": "POWER", "service_agreement": agreement}
        billing.create_agreement(ParseDict(request, service_agreements_pb2.CreateServiceAgreementRequest()))
        profile = {"type_code": self.home["profile"], "service_agreement": f"{name}/serviceAgreements/POWER"}
        request = {"parent": name, "profile_id": "METER", "profile": profile}
        billing.create_profile(ParseDict(request, profiles_pb2.CreateProfileRequest()))
        party = {"name": "Ada Lovelace", "address": {"country_code": self.country, "street": "12 Garden Row"}}
        recipient = {"recipient": {"name": f"recipients/{self.account}", "party": party}, "allow_missing": True}
        self.client.invoicing.update_recipient(ParseDict(recipient, recipients_pb2.UpdateRecipientRequest()))

    def bill(self) -> None:
        """Twelve bills, month by month."""
        lines = segments = bills = Decimal()
        for month in range(1, 13):
            through = date(self.year + month // 12, month % 12 + 1, 1)
            request = {"account": f"accounts/{self.account}", "through_date": _day(through)}
            made = self.client.billing.generate_bill(ParseDict(request, bills_pb2.GenerateBillRequest()))
            complete = bill_corrections_pb2.CompleteBillRequest(name=made.bill.name)
            bills += _amount(self.client.billing.complete_bill(complete).amount)
            for each in made.segments:
                explain = bill_segments_pb2.ExplainBillSegmentRequest(name=each.segment.name)
                told = self.client.billing.explain_segment(explain)
                lines += sum((_amount(line.amount) for line in told.lines), Decimal())
                segments += _amount(told.segment.amount)
        self.sums |= {"lines": lines, "segments": segments, "bills": bills}

    def close(self) -> str:
        """End the schedule that is running, and close it: its invoices are aggregated, locked and numbered."""
        invoicing = self.client.invoicing
        listed = invoice_schedules_pb2.ListInvoiceSchedulesRequest(parent="billingCycles/HOMES")
        (schedule,) = invoicing.list_schedules(listed)
        end = datetime.now(UTC) + timedelta(seconds=1)
        change = {"name": schedule.name, "etag": schedule.etag, "end_time": end.isoformat()}
        request = {"invoice_schedule": change, "update_mask": "endTime"}
        invoicing.update_schedule(ParseDict(request, invoice_schedules_pb2.UpdateInvoiceScheduleRequest()))
        time.sleep(max(0, (end - datetime.now(UTC)).total_seconds()) + 0.1)
        create = invoice_batches_pb2.CreateInvoiceBatchRequest(billing_cycle="billingCycles/HOMES")
        batch = invoicing.create_batch(create).name
        self.reaches(batch, invoice_batches_pb2.INVOICE_BATCH_STATE_CLOSED)
        self.engine()
        self.reaches(batch, invoice_batches_pb2.INVOICE_BATCH_STATE_AGGREGATING)
        invoicing.aggregate(invoice_batches_pb2.AggregateInvoicesRequest(invoice_batch=batch)).wait(WAIT_S)
        self.engine()
        self.reaches(batch, invoice_batches_pb2.INVOICE_BATCH_STATE_ORDERED)
        return batch

    def export(self, batch: str) -> invoices_pb2.Invoice:
        """The invoice as PDF, UBL and JSON, fetched and read again."""
        invoicing = self.client.invoicing
        invoicing.run_export_engine(invoice_exports_pb2.RunInvoiceExportEngineRequest()).wait(WAIT_S)
        done = self.reaches(batch, invoice_batches_pb2.INVOICE_BATCH_STATE_READY_FOR_PUBLISH)
        listed = data_files_pb2.ListDataFilesRequest(parent=done.data_file_set)
        for file in self.client.files.list_files(listed):
            self.client.files.download(file.name, self.into / file.name.rpartition("/")[2])
        (invoice,) = invoicing.list_invoices(
            invoices_pb2.ListInvoicesRequest(filter=invoices_pb2.InvoiceFilter(invoice_batch=batch))
        )
        told = json.loads((self.into / f"{invoice.number}.json").read_bytes())
        root = ET.parse(self.into / f"{invoice.number}.xml")  # noqa: S314 - it is our own
        payable = root.find("cac:LegalMonetaryTotal/cbc:PayableAmount", UBL)
        self.sums["invoice"] = _amount(invoice.total_amount)
        self.sums["JSON"] = Decimal(told["totalAmount"])
        self.sums["UBL"] = Decimal(payable.text or "") if payable is not None else Decimal()
        assert (self.into / f"{invoice.number}.pdf").read_bytes().startswith(b"%PDF")
        return invoice

    def publish(self, batch: str) -> None:
        """A person says so."""
        self.client.invoicing.publish_batch(invoice_exports_pb2.PublishInvoiceBatchRequest(name=batch))
        self.reaches(batch, invoice_batches_pb2.INVOICE_BATCH_STATE_PUBLISHED)

    def extract(self) -> None:
        """What the ledger was told, and the messages that it gets."""
        gl = self.client.gl
        owed = debits = Decimal()
        request = {"filter": {"subject": f"accounts/{self.account}"}}
        for detail in gl.list_details(ParseDict(request, accounting_details_pb2.ListAccountingDetailsRequest())):
            assert detail.invoiced, f"{detail.name} stands behind a published invoice"
            debits += _amount(detail.debit)
            if detail.distribution_account == "1200":
                owed += _amount(detail.debit) - _amount(detail.credit)
        self.sums |= {"receivable": owed, "debits": debits}
        done = gl.generate_accounting_message(
            extraction_pb2.GenerateAccountingMessageRequest(origin=accounting_details_pb2.ORIGIN_FINANCIAL)
        ).wait(WAIT_S)
        sent = {"amountDebit": Decimal(), "amountCredit": Decimal()}
        for file in done.data_files:
            path = self.into / file.name.rpartition("/")[2]
            self.client.files.download(file.name, path)
            if not file.manifest:
                for message in json.loads(path.read_bytes())["messages"]:
                    for element in message["accountingDetails"]:
                        for side in sent:
                            sent[side] += Decimal(element.get(side, "0"))
        self.sums |= {"messages, debit": sent["amountDebit"], "messages, credit": sent["amountCredit"]}

    def compare(self, invoice: invoices_pb2.Invoice) -> int:
        """Every joint, to the cent; an invoice rounds tax once, where each bill has rounded it."""
        sums = self.sums
        rounding = sums["invoice"] - sums["bills"]
        joints = [
            ("lines", "segments", Decimal()),
            ("segments", "bills", Decimal()),
            ("bills", "invoice", rounding),
            ("invoice", "JSON", Decimal()),
            ("invoice", "UBL", Decimal()),
            ("invoice", "receivable", Decimal()),
            ("debits", "messages, debit", Decimal()),
            ("messages, debit", "messages, credit", Decimal()),
        ]
        print(
            f"\ninvoice {invoice.number}, {invoice.currency_code}; tax rounded once instead of twelve times: {rounding}"
        )
        broken = 0
        for one, other, less in joints:
            holds = sums[one] + less == sums[other] and abs(less) <= Decimal("0.06")
            broken += not holds
            print(f"{'holds' if holds else 'BROKEN':7} {one:16} {sums[one]:>12}   {other:16} {sums[other]:>12}")
        return 1 if broken else 0

    def engine(self) -> None:
        """A pass of the batch engine."""
        self.client.invoicing.run_batch_engine(invoice_batches_pb2.RunInvoiceBatchEngineRequest()).wait(WAIT_S)

    def reaches(self, batch: str, state: int) -> invoice_batches_pb2.InvoiceBatch:
        """The batch once it is in a state, and nothing works on it any more; it is followed until then."""
        for event in self.client.invoicing.watch_batch(batch, timeout_s=WAIT_S):
            if event.invoice_batch.state == state:
                self.client.operations.handle(event.invoice_batch.operation).wait(WAIT_S)
                return event.invoice_batch
            if event.invoice_batch.state == invoice_batches_pb2.INVOICE_BATCH_STATE_ERROR:
                break
        sys.exit(f"{batch} does not go on: countinghouse invoicing why {batch}")


def _rows(meter: Path, profile: str) -> Iterator[tuple[str, usage_pb2.IntervalData]]:
    opened = gzip.open if meter.suffix == ".gz" else open
    with opened(meter, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield (
                profile,
                ParseDict(
                    {"local_start_time": row["start"], "quantity": {"value": row["value"]}}, usage_pb2.IntervalData()
                ),
            )


def _day(day: date) -> dict[str, int]:
    return {"year": day.year, "month": day.month, "day": day.day}


def _amount(money: Money) -> Decimal:
    return Decimal(money.units) + Decimal(money.nanos) / 1_000_000_000


if __name__ == "__main__":
    sys.exit(main())
