"""Two ledgers, clients and bill cycles, each with a caller who sees them alone, and one caller who sees both."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from google.longrunning import operations_pb2
from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from sqlalchemy import insert

from countinghouse.gl_extraction.v1 import extraction_pb2
from domain.invoicing.tables import export_record
from server.database.transaction import Database
from tests.support.methods import full_name, methods
from tests.support.server import Served, refusal, serving
from tests.support.worlds import Worlds
from tests.wire.accounting.samples import rule_fields

ACCOUNTING = "countinghouse.accounting.v1.AccountingService"
BILLING = "countinghouse.billing.v1.BillingService"
INVOICING = "countinghouse.invoicing.v1.InvoiceBatchService"
GL = "countinghouse.gl_extraction.v1.GLExtractionService"
OPERATIONS = "google.longrunning.Operations"
FILES = "countinghouse.operations.v1.DataFilesService"
SCHEDULES = "countinghouse.operations.v1.SchedulesService"
NOTIFICATIONS = "countinghouse.operations.v1.NotificationsService"
AUDIT = "countinghouse.operations.v1.AuditService"
APPROVALS = "countinghouse.operations.v1.ApprovalsService"
METHODS: Mapping[str, MethodDescriptor] = {full_name(method): method for method in methods()}

OURS, THEIRS, NOBODYS = "OURS", "THEIRS", "NOBODYS"
"""Codes of ledgers, clients and cycles: the looking caller's, those of one who is not to be seen, and of nothing."""

TOKENS = """
    [[tokens]]
    caller = "root"
    token = "the-token-of-root"
    permissions = ["*"]
    [[tokens]]
    caller = "ann"
    token = "the-token-of-ann"
    permissions = ["*"]
    ledgers = ["OURS"]
    clients = ["OURS"]
    cycles = ["OURS"]
    [[tokens]]
    caller = "ben"
    token = "the-token-of-ben"
    permissions = ["*"]
    ledgers = ["THEIRS"]
    clients = ["THEIRS"]
    cycles = ["THEIRS"]
    [[tokens]]
    caller = "cat"
    token = "the-token-of-cat"
    permissions = ["*"]
    ledgers = ["OURS", "THEIRS"]
    clients = ["OURS", "THEIRS"]
    cycles = ["OURS", "THEIRS"]
    [[tokens]]
    caller = "cat"
    token = "the-token-of-narrow-cat"
    permissions = ["*"]
    ledgers = ["THEIRS"]
    [[tokens]]
    caller = "eve"
    token = "the-token-of-eve"
    permissions = ["read", "approve"]
"""

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls any method by its name, with a request as JSON says it."""

    served: Served
    name: str

    def call(self, method_name: str, fields: Fields) -> Any:
        """The answer; all of them, of a stream."""
        method = METHODS[method_name]
        request = json_format.ParseDict(dict(fields), GetMessageClass(method.input_type)())
        path, channel = f"/{method_name}", self.served.channel
        codec: dict[str, Any] = {
            "request_serializer": lambda message: message.SerializeToString(),
            "response_deserializer": GetMessageClass(method.output_type).FromString,
        }
        options: dict[str, Any] = {
            "timeout": 90,
            "metadata": (("authorization", f"Bearer the-token-of-{self.name}"),),
        }
        if method.client_streaming:
            return channel.stream_unary(path, **codec)(iter([request]), **options)
        if method.server_streaming:
            return list(channel.unary_stream(path, **codec)(request, **options))
        return channel.unary_unary(path, **codec)(request, **options)

    def gl(self, method_name: str, **fields: Any) -> Any:
        """A method of GL extraction."""
        return self.call(f"{GL}/{method_name}", fields)

    def accounting(self, method_name: str, **fields: Any) -> Any:
        """A method of accounting."""
        return self.call(f"{ACCOUNTING}/{method_name}", fields)

    def billing(self, method_name: str, **fields: Any) -> Any:
        """A method of billing."""
        return self.call(f"{BILLING}/{method_name}", fields)

    def invoicing(self, method_name: str, **fields: Any) -> Any:
        """A method of invoicing."""
        return self.call(f"{INVOICING}/{method_name}", fields)

    def told(self, method_name: str, fields: Fields) -> str:
        """The answer as text, whatever is in it."""
        answer = self.call(method_name, fields)
        return "\n".join(map(str, answer)) if isinstance(answer, list) else str(answer)


@dataclass
class World:
    """The callers, and the names of what ben made; `missing` are names that nothing has."""

    root: Caller
    ann: Caller
    ben: Caller
    cat: Caller
    theirs: dict[str, str]
    missing: dict[str, str]


def row(number: int, ledger: str, **changes: Any) -> dict[str, Any]:
    """A sound row, as JSON."""
    return {
        "source": f"erp-{ledger}",
        "external_id": f"line-{number}",
        "subject_type": "SUBJECT_TYPE_POLICY",
        "subject": "P-1",
        "origin": "ORIGIN_FINANCIAL",
        "bulking_group": f"B-{ledger}",
        "ledger_code": ledger,
        "accounting_date": {"year": 2026, "month": 5, "day": 15},
        "debit": {"currency_code": "USD", "units": 100 + number},
        **changes,
    }


def new_claim(client_code: str) -> dict[str, Any]:
    """A claim of a client with a dispute, as JSON."""
    dispute = {"dispute": {"amount": {"currency_code": "USD", "units": 100}}, "dispute_id": "dispute-theirs"}
    return {"claim": {"client_code": client_code, "claim_type_code": "CARD"}, "disputes": [dispute]}


_NIGHT = {"year": 2026, "month": 6, "day": 1}
NEW_WINDOW = {"code": "NIGHT", "start_date": _NIGHT, "end_date": _NIGHT, "through_date": _NIGHT}
"""A window of a bill cycle, as JSON."""

NEW_ISSUER = {
    "code": "SELLER",
    "party": {"name": "Seller", "address": {"country_code": "DE"}},
    "credit_note_number_prefix": "C",
}
NEW_BILLING_CYCLE = {
    "issuer_code": "SELLER",
    "currency_code": "USD",
    "time_zone": "UTC",
    "receivable_distribution_code": "D-THEIRS",
    "export_workflow": "no-export",
}
"""An issuer, and a billing cycle without its code, as JSON."""

ACCOUNT_THEIRS = "accounts/account-invoiced-theirs"
NEW_LINE = {
    "source": "shop",
    "external_id": "1",
    "description": "a fee",
    "net_amount": {"currency_code": "USD", "units": "1"},
    "tax_category": "Z",
    "distribution_code": "D-THEIRS",
}
"""A line of an invoice without its account, as JSON."""

NEW_AGREEMENT = {"type_code": "STANDING", "start_date": {"year": 2026, "month": 1, "day": 1}}


def new_account(cycle_code: str) -> dict[str, Any]:
    """An account of a bill cycle, as JSON; the empty string for none."""
    return {"customer_class_code": "HOME", "bill_cycle_code": cycle_code, "currency_code": "USD", "time_zone": "UTC"}


def fill(caller: Caller, ledger: str, numbers: range = range(3), **changes: Any) -> list[str]:
    """Make details in a ledger; gives their names."""
    rows = [row(number, ledger, **changes) for number in numbers]
    answer = caller.gl("BatchCreateAccountingDetails", accounting_details=rows)
    return [detail.name for detail in answer.accounting_details]


def extract(caller: Caller, **asked: Any) -> extraction_pb2.GenerateAccountingMessageResponse:
    """What a run that ends well came to."""
    started = caller.gl("GenerateAccountingMessage", **asked)
    ended = caller.call(f"{OPERATIONS}/WaitOperation", {"name": started.name, "timeout": "60s"})
    assert ended.WhichOneof("result") == "response", ended
    response = extraction_pb2.GenerateAccountingMessageResponse()
    assert ended.response.Unpack(response)
    return response


def open_books(caller: Caller, ledger: str) -> None:
    """A ledger with an open period."""
    caller.gl("CreateLedger", ledger={"code": ledger})
    ends = {
        "start_date": {"year": 2026, "month": 1, "day": 1},
        "end_date": {"year": 2026, "month": 12, "day": 31},
    }
    caller.gl("CreateAccountingPeriod", parent=f"ledgers/{ledger}", accounting_period={"code": "FY", **ends})


@contextmanager
def served_to_callers(url: str, folder: Path, **chosen: Any) -> Iterator[Served]:
    """A server that knows the callers, and signs notifications."""
    tokens, key = folder / "tokens.toml", folder / "notification.key"
    tokens.write_text(TOKENS)
    key.write_text(b64encode(bytes(range(32))).decode())
    for path in (tokens, key):
        path.chmod(0o600)
    settings = {
        "token_file": tokens,
        "notification_key_file": key,
        "two_person": "ReverseAccountingDetails",
        "webhook_loopback": True,
        **chosen,
    }
    with serving(url, folder, **settings) as served:
        yield served


@contextmanager
def world_at(url: str, folder: Path, worlds: Worlds) -> Iterator[World]:
    """A server with its worker, and everything that ben has made in his ledger."""
    theirs, missing = worlds.give(url, folder, _make)
    with served_to_callers(url, folder) as served:
        yield _world(served, theirs, missing)


def _world(served: Served, theirs: dict[str, str], missing: dict[str, str]) -> World:
    root, ann, ben, cat = (Caller(served, name) for name in ("root", "ann", "ben", "cat"))
    return World(root, ann, ben, cat, theirs, missing)


def _make(url: str, folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    with served_to_callers(url, folder) as served:
        world = _world(served, {}, {})
        world.root.gl("CreateGroupAccount", group_account={"code": "GA"})
        for caller, ledger in ((world.ann, OURS), (world.ben, THEIRS)):
            open_books(caller, ledger)
        _settle(world)
        _agree(world)
        _invoice(world)
        _order_export(url, world.theirs["invoice_batch"].rpartition("/")[2])
        return world.theirs, world.missing


EXPORT_NO = 700_700_701
"""A number that is no part of any other name."""


def _order_export(url: str, batch_id: str) -> None:
    """An export record of a batch, put straight into the table: it would take an engine to come that far."""
    row = {
        "batch_id": batch_id,
        "export_no": EXPORT_NO,
        "cycle_code": THEIRS,
        "workflow": "data-files",
        "state": "PENDING",
    }
    database = Database(url)
    database.write(lambda tx: tx.execute(insert(export_record).values(**row, created_us=1, updated_us=1)))
    database.dispose()


def _settle(world: World) -> None:
    ben, theirs = world.ben, world.theirs
    details = fill(ben, THEIRS)
    code = ben.gl("CreateDistributionCode", distribution_code={"code": f"D-{THEIRS}", "ledger_code": THEIRS})
    client = ben.accounting("CreateClient", client={"code": THEIRS, "time_zone": "UTC"})
    world.root.accounting("CreateClaimType", claim_type={"code": "CARD"})
    claim = ben.accounting("CreateClaim", claim_id="claim-theirs", **new_claim(THEIRS))
    adjustment = adjust(world, claim.name)
    (task,) = ben.accounting("ListTasks", parent="clients/-").tasks
    sent = extract(ben, origin="ORIGIN_FINANCIAL", data_file_set_code="theirs")
    operation = newest_operation(ben)
    request = {"@type": "type.googleapis.com/countinghouse.gl_extraction.v1.GenerateAccountingMessageRequest"}
    schedule = {"code": "theirs-nightly", "cron": "30 22 * * *", "request": {**request, "origin": "ORIGIN_FINANCIAL"}}
    ben.call(f"{SCHEDULES}/CreateSchedule", {"schedule": schedule})
    given = {"notification_endpoint": {"url": "http://127.0.0.1:9/", "description": "theirs"}}
    endpoint = ben.call(f"{NOTIFICATIONS}/CreateNotificationEndpoint", given)
    approval = needed(partial(ben.gl, "ReverseAccountingDetails", names=details[:1], reason="wrong"))
    delivery = ben.call(f"{NOTIFICATIONS}/TestNotificationEndpoint", {"name": endpoint.name})
    theirs.update(
        ledger=f"ledgers/{THEIRS}",
        ledger_code=THEIRS,
        distribution_code=code.name,
        client=client.name,
        claim=claim.name,
        dispute=f"{claim.name}/disputes/dispute-theirs",
        overview=f"{claim.name}/accountingOverview",
        adjustment=adjustment.name,
        assignment=adjustment.assignment,
        task=task.name,
        accounting_batch=f"clients/{THEIRS}/accountingBatches/4711",
        client_code=client.code,
        period=f"ledgers/{THEIRS}/accountingPeriods/FY",
        trial_balance=f"ledgers/{THEIRS}/accountingPeriods/FY/trialBalance",
        detail=details[0],
        batch=sent.extraction_batch,
        set=sent.data_file_set,
        file=sent.data_files[0].name,
        operation=operation.name,
        schedule="schedules/theirs-nightly",
        endpoint=endpoint.name,
        delivery=delivery.name,
        approval=approval,
    )
    world.missing.update(
        ledger=f"ledgers/{NOBODYS}",
        ledger_code=NOBODYS,
        distribution_code=f"distributionCodes/D-{NOBODYS}",
        client=f"clients/{NOBODYS}",
        claim="claims/claim-nobodys",
        dispute="claims/claim-nobodys/disputes/dispute-nobodys",
        overview="claims/claim-nobodys/accountingOverview",
        adjustment=f"claims/claim-nobodys/operations/{'0' * 26}",
        assignment=f"claims/claim-nobodys/assignments/{'0' * 26}",
        task=f"clients/{NOBODYS}/tasks/{'1' * 26}",
        accounting_batch=f"clients/{NOBODYS}/accountingBatches/4712",
        client_code=NOBODYS,
        period=f"ledgers/{NOBODYS}/accountingPeriods/FY",
        trial_balance=f"ledgers/{NOBODYS}/accountingPeriods/FY/trialBalance",
        detail="accountingDetails/0000000000zzz",
        batch="extractionBatches/999999",
        set="dataFileSets/nobodys",
        file="dataFileSets/nobodys/files/gl-batch-9-messages-000000001.json",
        operation=f"{operation.name[:-3]}zzz",
        schedule="schedules/nobodys-nightly",
        endpoint=f"{endpoint.name[:-3]}zzz",
        delivery=f"{delivery.name[:-3]}zzz",
        approval=f"{approval[:-3]}zzz",
    )


def _agree(world: World) -> None:
    """Accounts of ben's bill cycle, in a utility that all share."""
    root, ben = world.root, world.ben
    root.billing("CreateCustomerClass", customer_class={"code": "HOME"})
    daily = {"code": "DAILY", "kind": "PROFILE_KIND_INTERVALS", "unit": "kWh", "interval_length": "86400s"}
    root.billing("CreateProfileType", profile_type=daily)
    fixed = {"code": "STANDING", "distribution_code": f"D-{THEIRS}", "fixed": {"price": {"value": "5"}}}
    version = {"effective_date": {"year": 2026, "month": 1, "day": 1}, "components": [fixed]}
    root.billing("CreateRate", rate={"code": "STANDING", "currency_code": "USD", "newest_version": version})
    kind = {"code": "STANDING", "rate_code": "STANDING", "receivable_distribution_code": f"D-{THEIRS}"}
    root.billing("CreateServiceAgreementType", service_agreement_type=kind)
    premise = root.billing("CreatePremise", premise_id="premise", premise={"time_zone": "UTC"})
    cycle = ben.billing("CreateBillCycle", bill_cycle={"code": THEIRS})
    window = ben.billing("CreateBillCycleWindow", parent=cycle.name, bill_cycle_window=NEW_WINDOW)
    account = ben.billing("CreateAccount", account_id="account-theirs", account=new_account(THEIRS))
    agreement = ben.billing(
        "CreateServiceAgreement",
        parent=account.name,
        service_agreement_id="agreement-theirs",
        service_agreement={**NEW_AGREEMENT, "premise": premise.name},
    )
    profile = ben.billing(
        "CreateProfile",
        parent=account.name,
        profile_id="profile-theirs",
        profile={"type_code": "DAILY", "service_agreement": agreement.name},
    )
    early = {**NEW_AGREEMENT, "start_date": {"year": 2025, "month": 12, "day": 1}}  # before its rate
    ben.billing(
        "CreateServiceAgreement", parent=account.name, service_agreement_id="agreement-early", service_agreement=early
    )
    through = {"year": 2026, "month": 2, "day": 1}
    billed = ben.billing("GenerateBill", account=account.name, through_date=through)
    (wrong, *_) = ben.billing("ListBillingExceptions", parent=account.name).billing_exceptions
    world.theirs.update(bill=billed.bill.name, segment=wrong.bill_segment, billing_exception=wrong.name)
    world.theirs.update(interval_data_set=_data_set(world, account.name, agreement.name))
    world.theirs.update(bill_cycle=cycle.name, bill_cycle_code=cycle.code, window=window.name)
    world.theirs.update(account=account.name, agreement=agreement.name, profile=profile.name)
    nobodys = "accounts/account-nobodys"
    world.missing.update(
        bill_cycle=f"billCycles/{NOBODYS}",
        bill_cycle_code=NOBODYS,
        window=f"billCycles/{NOBODYS}/windows/NIGHT",
        account=nobodys,
        agreement=f"{nobodys}/serviceAgreements/agreement-nobodys",
        profile=f"{nobodys}/profiles/profile-nobodys",
        bill=f"{nobodys}/bills/bill-nobodys",
        segment=f"{nobodys}/billSegments/segment-nobodys",
        billing_exception=f"{nobodys}/billingExceptions/exception-nobodys",
        interval_data_set=f"{nobodys}/intervalDataSets/set-nobodys",
    )


def _invoice(world: World) -> None:
    """A billing cycle of ben's, with a schedule."""
    world.root.invoicing("CreateIssuer", issuer=NEW_ISSUER)
    cycle = world.ben.invoicing("CreateBillingCycle", billing_cycle={**NEW_BILLING_CYCLE, "code": THEIRS})
    schedule = world.ben.invoicing("CreateInvoiceSchedule", parent=cycle.name, invoice_schedule={"code": "FIRST"})
    world.theirs.update(billing_cycle=cycle.name, billing_cycle_code=cycle.code, invoice_schedule=schedule.name)
    world.missing.update(
        billing_cycle=f"billingCycles/{NOBODYS}",
        billing_cycle_code=NOBODYS,
        invoice_schedule=f"billingCycles/{NOBODYS}/schedules/FIRST",
        invoice_batch="invoiceBatches/batch-nobodys",
        export_record="invoiceBatches/batch-nobodys/exports/700700702",
        invoice="accounts/account-nobodys/invoices/invoice-nobodys",
    )
    batch = world.ben.invoicing("CreateInvoiceBatch", **_batched(world, cycle.name), close_time="2100-01-01T00:00:00Z")
    world.theirs.update(invoice_batch=batch.name, export_record=f"{batch.name}/exports/{EXPORT_NO}")
    line = world.ben.invoicing(
        "CreateInvoiceLine", parent=ACCOUNT_THEIRS, billing_cycle=cycle.name, invoice_line=NEW_LINE
    )
    world.theirs.update(invoice=line.name.rpartition("/lines/")[0])


def _batched(world: World, cycle: str) -> dict[str, Any]:
    """A batch of a schedule of its own."""
    schedule = world.ben.invoicing("CreateInvoiceSchedule", parent=cycle, invoice_schedule={"code": "SECOND"})
    return {"billing_cycle": cycle, "schedules": [schedule.name]}


def _data_set(world: World, account: str, agreement: str) -> str:
    """Data that are created for an account of ben's cycle."""
    kind = {"code": "LAMPS", "kind": "PROFILE_KIND_INTERVALS", "unit": "kWh", "interval_length": "86400s"}
    world.root.billing(
        "CreateProfileType", profile_type={**kind, "creation_algorithm": "constant", "creation_priority": 10}
    )
    profile = {"type_code": "LAMPS", "service_agreement": agreement, "derivation": {"parameters": {"quantity": "1"}}}
    world.ben.billing("CreateProfile", parent=account, profile_id="lamps-theirs", profile=profile)
    end = {"year": 2026, "month": 2, "day": 1}
    started = world.ben.billing("CreateIntervalData", account=account, end_date=end)
    ended = world.ben.call(f"{OPERATIONS}/WaitOperation", {"name": started.name, "timeout": "60s"})
    assert ended.HasField("response"), ended
    (found,) = world.ben.billing("ListIntervalDataSets", parent=account).interval_data_sets
    return str(found.name)


def adjust(world: World, claim: str) -> Any:
    """An operation of ben's claim, which a person is to carry out."""
    rest = {"start_date": {"year": 2027, "month": 1, "day": 1}, "end_date": {"year": 2199, "month": 12, "day": 31}}
    period = {"code": "REST", **rest}
    world.ben.gl("CreateAccountingPeriod", parent=f"ledgers/{THEIRS}", accounting_period=period)
    for collection in ("SUSPENSE", "ACCOUNT_HOLDER"):
        row = {"condition": "true", "account": collection.lower(), "distribution_code": f"D-{THEIRS}"}
        table = {"collection_code": collection, "rows": [row]}
        world.root.accounting("CreateAccountDeterminationTable", account_determination_table=table)
    rule = {"code": "CREDIT", "newest_version": rule_fields(workflow_point="CREDIT")}
    world.root.accounting("CreateAccountingRule", accounting_rule=rule)
    entry = {"dispute": f"{claim}/disputes/dispute-theirs", "amount": {"currency_code": "USD", "units": 1}}
    made = world.ben.accounting("ExecuteAccounting", parent=claim, workflow_point="CREDIT", entries=[entry])
    return made.operations[0]


def needed(call: Callable[[], object]) -> str:
    """The name of the approval that a call is refused for."""
    refused = refusal(call)
    assert refused.reason == "APPROVAL_NEEDED", refused
    return refused.metadata["approval"]


def newest_operation(caller: Caller) -> operations_pb2.Operation:
    """The operation that the caller started last."""
    listed = caller.call(f"{OPERATIONS}/ListOperations", {"name": "operations", "page_size": 1})
    found: operations_pb2.Operation = listed.operations[0]
    return found
