"""What every method does for a caller in whose scope it does not lie: the table must be complete (PLT-14).

Texts in braces stand for names: of what another caller has made, or of what there is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.wire.scope.world import (
    ACCOUNTING,
    BILLING,
    FILES,
    GL,
    INVOICING,
    NEW_AGREEMENT,
    NEW_BILLING_CYCLE,
    NEW_LINE,
    NEW_WINDOW,
    OPERATIONS,
)

Fields = Mapping[str, Any]
V1 = "countinghouse.operations.v1"
REQUEST = {"type": "x"}


@dataclass(frozen=True, slots=True)
class NotFound:
    """What lies outside is refused as what there is not is: with the same words."""

    request: Fields


@dataclass(frozen=True, slots=True)
class Absent:
    """What lies outside is not among what is told; `request` is sound for both callers."""

    request: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tried:
    """A test of its own, by this name in this folder, says what becomes of it."""

    test: str


@dataclass(frozen=True, slots=True)
class Shared:
    """It tells of nothing that lies within a ledger, client or cycle, for this reason."""

    reason: str


Case = NotFound | Absent | Tried | Shared

CONFIGURED = Tried("test_shared_configuration_is_seen_by_all_and_changed_by_those_who_see_every_client")
RATES = Tried("test_rates_and_types_are_seen_by_all_and_changed_by_those_who_see_every_cycle")
BILLED = Tried("test_how_all_are_billed_is_seen_by_all_and_changed_by_those_who_see_every_cycle")
ISSUED = Tried("test_issuers_are_seen_by_all_and_changed_by_those_who_see_every_cycle")
RECEIVED = Tried("test_recipients_are_seen_by_all_and_changed_by_those_who_see_every_cycle")
PUBLISHED = Tried("test_a_published_invoice_is_seen_by_who_sees_its_cycle")
PREMISES = Tried("test_premises_are_seen_by_all_and_changed_by_those_who_see_every_cycle")

CASES: dict[str, Case] = {
    f"{GL}/IngestAccountingDetails": Tried("test_rows_of_a_ledger_outside_are_refused_as_those_of_an_unknown_one"),
    f"{GL}/BatchCreateAccountingDetails": Tried("test_rows_of_a_ledger_outside_are_refused_as_those_of_an_unknown_one"),
    f"{GL}/GetAccountingDetail": NotFound({"name": "{detail}"}),
    f"{GL}/ListAccountingDetails": Absent(),
    f"{GL}/UndoAccountingDetails": Tried("test_undo_leaves_alone_what_lies_outside"),
    f"{GL}/ReverseAccountingDetails": NotFound({"names": ["{detail}"], "reason": "r"}),
    f"{GL}/CreateLedger": NotFound({"ledger": {"code": "{ledger_code}"}}),
    f"{GL}/GetLedger": NotFound({"name": "{ledger}"}),
    f"{GL}/ListLedgers": Absent(),
    f"{GL}/UpdateLedger": NotFound({"ledger": {"name": "{ledger}", "description": "x", "etag": "1"}}),
    f"{GL}/CreateGroupAccount": Tried("test_group_accounts_are_seen_by_all_and_changed_by_those_who_see_every_ledger"),
    f"{GL}/GetGroupAccount": Tried("test_group_accounts_are_seen_by_all_and_changed_by_those_who_see_every_ledger"),
    f"{GL}/ListGroupAccounts": Tried("test_group_accounts_are_seen_by_all_and_changed_by_those_who_see_every_ledger"),
    f"{GL}/UpdateGroupAccount": Tried("test_group_accounts_are_seen_by_all_and_changed_by_those_who_see_every_ledger"),
    f"{GL}/CreateDistributionCode": Tried("test_a_distribution_code_is_seen_and_changed_by_who_sees_its_ledger"),
    f"{GL}/GetDistributionCode": NotFound({"name": "{distribution_code}"}),
    f"{GL}/ListDistributionCodes": Absent(),
    f"{GL}/UpdateDistributionCode": NotFound(
        {"distribution_code": {"name": "{distribution_code}", "description": "x", "etag": "1"}}
    ),
    f"{GL}/CreateAccountingPeriod": NotFound(
        {
            "parent": "{ledger}",
            "accounting_period": {
                "code": "P",
                "start_date": {"year": 2027, "month": 1, "day": 1},
                "end_date": {"year": 2027, "month": 1, "day": 31},
            },
        }
    ),
    f"{GL}/GetAccountingPeriod": NotFound({"name": "{period}"}),
    f"{GL}/ListAccountingPeriods": NotFound({"parent": "{ledger}"}),
    f"{GL}/CloseAccountingPeriod": NotFound({"name": "{period}", "force": True, "reason": "r"}),
    f"{GL}/ReopenAccountingPeriod": NotFound({"name": "{period}", "reason": "r"}),
    f"{GL}/GenerateAccountingMessage": NotFound({"gl_extraction_batch_id": "{batch}"}),
    f"{GL}/GetExtractionBatch": NotFound({"name": "{batch}"}),
    f"{GL}/ListExtractionBatches": Absent(),
    f"{GL}/ReconcileExtractionBatch": NotFound({"name": "{batch}"}),
    f"{GL}/AcknowledgeMessages": NotFound({"name": "{batch}", "message_ranges": [{"first_message_id": 1}]}),
    f"{GL}/RejectMessages": NotFound({"name": "{batch}", "message_ranges": [{"first_message_id": 1}], "reason": "r"}),
    f"{GL}/ListMessageReceipts": NotFound({"parent": "{batch}"}),
    f"{GL}/ListBatchReceipts": Absent(),
    f"{GL}/GetTrialBalance": NotFound({"name": "{trial_balance}"}),
    f"{GL}/ListTrialBalanceLines": NotFound({"parent": "{trial_balance}"}),
    f"{GL}/CheckTrialBalance": NotFound({"name": "{trial_balance}"}),
    f"{ACCOUNTING}/CreateClient": NotFound({"client": {"code": "{client_code}", "time_zone": "UTC"}}),
    f"{ACCOUNTING}/GetClient": NotFound({"name": "{client}"}),
    f"{ACCOUNTING}/ListClients": Absent(),
    f"{ACCOUNTING}/UpdateClient": NotFound({"client": {"name": "{client}", "description": "x", "etag": "1"}}),
    f"{ACCOUNTING}/CreateClaimType": CONFIGURED,
    f"{ACCOUNTING}/GetClaimType": CONFIGURED,
    f"{ACCOUNTING}/ListClaimTypes": CONFIGURED,
    f"{ACCOUNTING}/UpdateClaimType": CONFIGURED,
    f"{ACCOUNTING}/CreateCollection": CONFIGURED,
    f"{ACCOUNTING}/GetCollection": CONFIGURED,
    f"{ACCOUNTING}/ListCollections": CONFIGURED,
    f"{ACCOUNTING}/UpdateCollection": CONFIGURED,
    f"{ACCOUNTING}/CreateAccountDeterminationTable": CONFIGURED,
    f"{ACCOUNTING}/GetAccountDeterminationTable": CONFIGURED,
    f"{ACCOUNTING}/ListAccountDeterminationTables": CONFIGURED,
    f"{ACCOUNTING}/UpdateAccountDeterminationTable": CONFIGURED,
    f"{ACCOUNTING}/CreateAccountingRule": CONFIGURED,
    f"{ACCOUNTING}/GetAccountingRule": CONFIGURED,
    f"{ACCOUNTING}/ListAccountingRules": CONFIGURED,
    f"{ACCOUNTING}/CreateAccountingRuleVersion": CONFIGURED,
    f"{ACCOUNTING}/GetAccountingRuleVersion": CONFIGURED,
    f"{ACCOUNTING}/ListAccountingRuleVersions": CONFIGURED,
    f"{ACCOUNTING}/RetireAccountingRule": CONFIGURED,
    f"{ACCOUNTING}/UnretireAccountingRule": CONFIGURED,
    f"{ACCOUNTING}/CreateClaim": Tried("test_a_claim_of_a_client_outside_is_refused_as_one_of_an_unknown_client"),
    f"{ACCOUNTING}/GetClaim": NotFound({"name": "{claim}"}),
    f"{ACCOUNTING}/ListClaims": Absent(),
    f"{ACCOUNTING}/UpdateClaim": NotFound({"claim": {"name": "{claim}", "description": "x", "etag": "1"}}),
    f"{ACCOUNTING}/CreateDispute": NotFound(
        {"parent": "{claim}", "dispute": {"amount": {"currency_code": "USD", "units": 1}}}
    ),
    f"{ACCOUNTING}/GetDispute": NotFound({"name": "{dispute}"}),
    f"{ACCOUNTING}/ListDisputes": NotFound({"parent": "{claim}"}),
    f"{ACCOUNTING}/UpdateDispute": NotFound({"dispute": {"name": "{dispute}", "description": "x", "etag": "1"}}),
    f"{ACCOUNTING}/ListAccountingEvents": Tried("test_what_happened_to_claims_outside_is_told_to_nobody"),
    f"{ACCOUNTING}/WatchAccountingEvents": NotFound({"parent": "{client}"}),
    f"{ACCOUNTING}/WatchClaim": NotFound({"name": "{claim}"}),
    f"{ACCOUNTING}/ExecuteAccounting": NotFound(
        {"parent": "{claim}", "workflow_point": "CREDIT", "entries": [{"dispute": "{dispute}"}]}
    ),
    f"{ACCOUNTING}/BatchExecuteAccounting": Tried("test_items_of_a_claim_outside_are_refused_as_of_an_unknown_one"),
    f"{ACCOUNTING}/GetAccountingOperation": NotFound({"name": "{adjustment}"}),
    f"{ACCOUNTING}/PerformManualAccounting": NotFound(
        {"parent": "{claim}", "entry": {"dispute": "{dispute}"}, "rule": "accountingRules/CREDIT"}
    ),
    f"{ACCOUNTING}/ReverseAccountingOperation": NotFound({"name": "{adjustment}", "reason": "r"}),
    f"{ACCOUNTING}/CancelAccountingOperation": NotFound({"name": "{adjustment}", "reason": "r"}),
    f"{ACCOUNTING}/ApproveAccountingOperation": NotFound({"name": "{adjustment}"}),
    f"{ACCOUNTING}/GetAssignment": NotFound({"name": "{assignment}"}),
    f"{ACCOUNTING}/ListAssignments": Absent({"parent": "claims/-"}),
    f"{ACCOUNTING}/CompleteAssignment": NotFound({"name": "{assignment}", "external_reference": "x"}),
    f"{ACCOUNTING}/RetryAssignment": NotFound({"name": "{assignment}"}),
    f"{ACCOUNTING}/RerouteAssignment": NotFound({"name": "{assignment}"}),
    f"{ACCOUNTING}/RecordAssignmentOutcome": NotFound(
        {"name": "{assignment}", "outcome": "ASSIGNMENT_OUTCOME_NOT_POSTED"}
    ),
    f"{ACCOUNTING}/GetTask": NotFound({"name": "{task}"}),
    f"{ACCOUNTING}/ListTasks": Absent({"parent": "clients/-"}),
    f"{ACCOUNTING}/ClaimTask": NotFound({"name": "{task}"}),
    f"{ACCOUNTING}/ReleaseTask": NotFound({"name": "{task}"}),
    f"{ACCOUNTING}/CloseTask": NotFound({"name": "{task}", "note": "x"}),
    f"{ACCOUNTING}/GetAccountingOverview": NotFound({"name": "{overview}"}),
    f"{ACCOUNTING}/ListAccountingOperations": NotFound({"parent": "{claim}"}),
    f"{ACCOUNTING}/ListAccountingSteps": NotFound({"parent": "{dispute}"}),
    f"{ACCOUNTING}/ListManualRules": NotFound({"parent": "{dispute}"}),
    f"{ACCOUNTING}/CheckResolution": NotFound({"name": "{claim}", "resolution": "RESOLUTION_PAY"}),
    f"{ACCOUNTING}/ResolveClaim": NotFound({"name": "{claim}", "resolution": "RESOLUTION_PAY"}),
    f"{ACCOUNTING}/ReopenClaim": NotFound({"name": "{claim}", "reason": "r"}),
    f"{ACCOUNTING}/GenerateAccountingFiles": NotFound({"client": "{client}"}),
    f"{ACCOUNTING}/RegenerateAccountingBatch": NotFound({"name": "{accounting_batch}"}),
    f"{ACCOUNTING}/GetAccountingBatch": NotFound({"name": "{accounting_batch}"}),
    f"{ACCOUNTING}/ListAccountingBatches": NotFound({"parent": "{client}"}),
    f"{ACCOUNTING}/ListAccountingBatchFiles": NotFound({"parent": "{accounting_batch}"}),
    f"{ACCOUNTING}/ListAccountingBatchRecords": NotFound({"parent": "{accounting_batch}"}),
    f"{ACCOUNTING}/AcceptAccountingBatchRecords": NotFound(
        {"name": "{accounting_batch}", "records": [{"operation": "{adjustment}"}]}
    ),
    f"{ACCOUNTING}/RejectAccountingBatchRecords": NotFound(
        {"name": "{accounting_batch}", "records": [{"operation": "{adjustment}", "reason": "r"}]}
    ),
    f"{ACCOUNTING}/IngestAccountingBatchReturn": NotFound({"parent": "{client}", "format": "RETURN_FILE_FORMAT_CSV"}),
    f"{BILLING}/GetAlgorithm": Shared("an algorithm is part of the server"),
    f"{BILLING}/ListAlgorithms": Shared("algorithms are part of the server"),
    f"{BILLING}/CreateCustomerClass": BILLED,
    f"{BILLING}/GetCustomerClass": BILLED,
    f"{BILLING}/ListCustomerClasses": BILLED,
    f"{BILLING}/UpdateCustomerClass": BILLED,
    f"{BILLING}/CreateTimeOfUseScheme": BILLED,
    f"{BILLING}/GetTimeOfUseScheme": BILLED,
    f"{BILLING}/ListTimeOfUseSchemes": BILLED,
    f"{BILLING}/UpdateTimeOfUseScheme": BILLED,
    f"{BILLING}/CreateProfileType": BILLED,
    f"{BILLING}/GetProfileType": BILLED,
    f"{BILLING}/ListProfileTypes": BILLED,
    f"{BILLING}/UpdateProfileType": BILLED,
    f"{BILLING}/CreateBillCycle": NotFound({"bill_cycle": {"code": "{bill_cycle_code}"}}),
    f"{BILLING}/GetBillCycle": NotFound({"name": "{bill_cycle}"}),
    f"{BILLING}/ListBillCycles": Absent(),
    f"{BILLING}/UpdateBillCycle": NotFound({"bill_cycle": {"name": "{bill_cycle}", "description": "x", "etag": "1"}}),
    f"{BILLING}/CreateBillCycleWindow": NotFound({"parent": "{bill_cycle}", "bill_cycle_window": NEW_WINDOW}),
    f"{BILLING}/GetBillCycleWindow": NotFound({"name": "{window}"}),
    f"{BILLING}/ListBillCycleWindows": NotFound({"parent": "{bill_cycle}"}),
    f"{BILLING}/UpdateBillCycleWindow": NotFound(
        {"bill_cycle_window": {"name": "{window}", "freeze": True, "etag": "1"}}
    ),
    f"{BILLING}/RunBilling": NotFound({"window": "{window}"}),
    f"{BILLING}/WatchBillingRun": NotFound({"name": "{operation}"}),
    f"{BILLING}/AcceptBillingException": NotFound({"name": "{billing_exception}", "note": "n"}),
    f"{BILLING}/ResolveBillingException": NotFound({"name": "{billing_exception}", "note": "n"}),
    f"{BILLING}/DeleteBillCycleWindow": NotFound({"name": "{window}", "etag": "1"}),
    f"{INVOICING}/CreateIssuer": ISSUED,
    f"{INVOICING}/GetIssuer": ISSUED,
    f"{INVOICING}/ListIssuers": ISSUED,
    f"{INVOICING}/UpdateIssuer": ISSUED,
    f"{INVOICING}/GetRecipient": RECEIVED,
    f"{INVOICING}/ListRecipients": RECEIVED,
    f"{INVOICING}/UpdateRecipient": RECEIVED,
    f"{INVOICING}/ImportRecipients": RECEIVED,
    f"{INVOICING}/CreateBillingCycle": NotFound(
        {"billing_cycle": {**NEW_BILLING_CYCLE, "code": "{billing_cycle_code}"}}
    ),
    f"{INVOICING}/GetBillingCycle": NotFound({"name": "{billing_cycle}"}),
    f"{INVOICING}/ListBillingCycles": Absent(),
    f"{INVOICING}/UpdateBillingCycle": NotFound(
        {"billing_cycle": {"name": "{billing_cycle}", "description": "x", "etag": "1"}}
    ),
    f"{INVOICING}/CreateInvoiceSchedule": NotFound({"parent": "{billing_cycle}", "invoice_schedule": {"code": "NEXT"}}),
    f"{INVOICING}/GetInvoiceSchedule": NotFound({"name": "{invoice_schedule}"}),
    f"{INVOICING}/ListInvoiceSchedules": NotFound({"parent": "{billing_cycle}"}),
    f"{INVOICING}/UpdateInvoiceSchedule": NotFound(
        {"invoice_schedule": {"name": "{invoice_schedule}", "end_time": "2100-01-01T00:00:00Z", "etag": "1"}}
    ),
    f"{INVOICING}/DeleteInvoiceSchedule": NotFound({"name": "{invoice_schedule}", "etag": "1"}),
    f"{INVOICING}/IngestInvoiceLines": NotFound({"billing_cycle": "{billing_cycle}"}),
    f"{INVOICING}/CreateInvoiceLine": NotFound({"parent": "{invoice}", "invoice_line": NEW_LINE}),
    f"{INVOICING}/DeleteInvoiceLine": Tried("test_a_line_comes_on_and_off_invoices_of_a_cycle_that_the_caller_sees"),
    f"{INVOICING}/ListInvoiceLines": NotFound({"parent": "{invoice}"}),
    f"{INVOICING}/GetInvoice": NotFound({"name": "{invoice}"}),
    f"{INVOICING}/ListInvoices": Absent(),
    f"{INVOICING}/UpdateInvoice": NotFound({"invoice": {"name": "{invoice}", "final": True}}),
    f"{INVOICING}/ExplainInvoice": NotFound({"name": "{invoice}"}),
    f"{INVOICING}/CreateCreditNote": NotFound({"invoice": "{invoice}", "reason": "wrong"}),
    f"{INVOICING}/GetPublishedInvoice": PUBLISHED,
    f"{INVOICING}/ListPublishedInvoices": PUBLISHED,
    f"{INVOICING}/ListPublishedInvoiceLines": PUBLISHED,
    f"{INVOICING}/CreateInvoiceBatch": NotFound({"billing_cycle": "{billing_cycle}"}),
    f"{INVOICING}/GetInvoiceBatch": NotFound({"name": "{invoice_batch}"}),
    f"{INVOICING}/ListInvoiceBatches": Absent(),
    f"{INVOICING}/ListInvoiceBatchTransitions": NotFound({"parent": "{invoice_batch}"}),
    f"{INVOICING}/RetryInvoiceBatch": NotFound({"name": "{invoice_batch}"}),
    f"{INVOICING}/CancelInvoiceBatch": NotFound({"name": "{invoice_batch}"}),
    f"{INVOICING}/ExplainInvoiceBatch": NotFound({"name": "{invoice_batch}"}),
    f"{INVOICING}/RunInvoiceBatchEngine": NotFound({"billing_cycle": "{billing_cycle}"}),
    f"{INVOICING}/AggregateInvoices": NotFound({"invoice_batch": "{invoice_batch}"}),
    f"{INVOICING}/RunInvoiceExportEngine": NotFound({"billing_cycle": "{billing_cycle}"}),
    f"{INVOICING}/GetExportRecord": NotFound({"name": "{export_record}"}),
    f"{INVOICING}/ListExportRecords": Absent({"parent": "invoiceBatches/-"}),
    f"{INVOICING}/ListExportFailures": NotFound({"parent": "{invoice_batch}"}),
    f"{INVOICING}/RequeueExportRecord": NotFound({"name": "{export_record}"}),
    f"{INVOICING}/PublishInvoiceBatch": NotFound({"name": "{invoice_batch}"}),
    f"{INVOICING}/WatchInvoiceBatch": NotFound({"name": "{invoice_batch}"}),
    f"{INVOICING}/WatchInvoiceBatches": NotFound({"billing_cycle": "{billing_cycle}"}),
    f"{INVOICING}/ListHookpoints": Shared("the hooks of a server are there for all cycles"),
    f"{INVOICING}/TestHookpoint": NotFound(
        {"name": "hookpoints/any", "invoice_batch": "{invoice_batch}", "point": "INVOICE_BATCH_POINT_CLOSED"}
    ),
    f"{BILLING}/CreateAccount": Tried("test_an_account_of_a_cycle_outside_is_refused_as_one_of_an_unknown_cycle"),
    f"{BILLING}/GetAccount": NotFound({"name": "{account}"}),
    f"{BILLING}/ListAccounts": Absent(),
    f"{BILLING}/UpdateAccount": NotFound({"account": {"name": "{account}", "description": "x", "etag": "1"}}),
    f"{BILLING}/ImportAccounts": Tried("test_rows_of_a_cycle_outside_are_refused_as_those_of_an_unknown_one"),
    f"{BILLING}/ExplainProcessingOrder": NotFound({"name": "{account}"}),
    f"{BILLING}/CreatePremise": PREMISES,
    f"{BILLING}/GetPremise": PREMISES,
    f"{BILLING}/ListPremises": PREMISES,
    f"{BILLING}/UpdatePremise": PREMISES,
    f"{BILLING}/CreateServiceAgreement": NotFound(
        {"parent": "{account}", "service_agreement_id": "new", "service_agreement": NEW_AGREEMENT}
    ),
    f"{BILLING}/GetServiceAgreement": NotFound({"name": "{agreement}"}),
    f"{BILLING}/ListServiceAgreements": NotFound({"parent": "{account}"}),
    f"{BILLING}/UpdateServiceAgreement": NotFound(
        {"service_agreement": {"name": "{agreement}", "description": "x", "etag": "1"}}
    ),
    f"{BILLING}/CreateProfile": NotFound(
        {"parent": "{account}", "profile_id": "new", "profile": {"type_code": "DAILY"}}
    ),
    f"{BILLING}/GetProfile": NotFound({"name": "{profile}"}),
    f"{BILLING}/ListProfiles": NotFound({"parent": "{account}"}),
    f"{BILLING}/UpdateProfile": NotFound({"profile": {"name": "{profile}", "description": "x", "etag": "1"}}),
    f"{BILLING}/IngestUsage": Tried("test_data_of_a_profile_outside_are_refused_as_those_of_an_unknown_one"),
    f"{BILLING}/ListIntervalData": NotFound({"parent": "{profile}"}),
    f"{BILLING}/ListRegisterReads": NotFound({"parent": "{profile}"}),
    f"{BILLING}/CreateIntervalData": NotFound(
        {"account": "{account}", "end_date": {"year": 2026, "month": 1, "day": 1}}
    ),
    f"{BILLING}/GetIntervalDataSet": NotFound({"name": "{interval_data_set}"}),
    f"{BILLING}/ListIntervalDataSets": NotFound({"parent": "{account}"}),
    f"{BILLING}/CreateRate": RATES,
    f"{BILLING}/GetRate": RATES,
    f"{BILLING}/ListRates": RATES,
    f"{BILLING}/UpdateRate": RATES,
    f"{BILLING}/CreateRateVersion": RATES,
    f"{BILLING}/GetRateVersion": RATES,
    f"{BILLING}/ListRateVersions": RATES,
    f"{BILLING}/CreateServiceAgreementType": RATES,
    f"{BILLING}/GetServiceAgreementType": RATES,
    f"{BILLING}/ListServiceAgreementTypes": RATES,
    f"{BILLING}/UpdateServiceAgreementType": RATES,
    f"{BILLING}/GenerateBill": NotFound({"account": "{account}"}),
    f"{BILLING}/GetBill": NotFound({"name": "{bill}"}),
    f"{BILLING}/ListBills": Absent({"parent": "accounts/-"}),
    f"{BILLING}/GetBillSegment": NotFound({"name": "{segment}"}),
    f"{BILLING}/ListBillSegments": NotFound({"parent": "{account}"}),
    f"{BILLING}/ExplainBillSegment": NotFound({"name": "{segment}"}),
    f"{BILLING}/RegenerateBillSegment": NotFound({"name": "{segment}"}),
    f"{BILLING}/AcceptBillSegment": NotFound({"name": "{segment}", "note": "n"}),
    f"{BILLING}/FreezeBill": NotFound({"name": "{bill}"}),
    f"{BILLING}/CompleteBill": NotFound({"name": "{bill}"}),
    f"{BILLING}/ReopenBill": NotFound({"name": "{bill}", "reason": "r"}),
    f"{BILLING}/CreateCreditNote": NotFound({"bill": "{bill}", "reason": "r"}),
    f"{BILLING}/CancelBillSegment": NotFound({"name": "{segment}", "reason": "r"}),
    f"{BILLING}/RebillBillSegment": NotFound({"name": "{segment}", "reason": "r"}),
    f"{BILLING}/UndoBillSegmentCorrection": NotFound({"name": "{segment}"}),
    f"{BILLING}/GetBillingException": NotFound({"name": "{billing_exception}"}),
    f"{BILLING}/ListBillingExceptions": Absent({"parent": "accounts/-"}),
    f"{FILES}/ListDataFileSets": Absent(),
    f"{FILES}/GetDataFileSet": NotFound({"name": "{set}"}),
    f"{FILES}/LockDataFileSet": NotFound({"name": "{set}"}),
    f"{FILES}/UnlockDataFileSet": NotFound({"name": "{set}"}),
    f"{FILES}/ListDataFiles": NotFound({"parent": "{set}"}),
    f"{FILES}/GetDataFile": NotFound({"name": "{file}"}),
    f"{FILES}/TransmitDataFiles": NotFound({"name": "{set}"}),
    f"{FILES}/DownloadDataFile": NotFound({"name": "{file}"}),
    f"{OPERATIONS}/ListOperations": Absent({"name": "operations"}),
    f"{OPERATIONS}/GetOperation": NotFound({"name": "{operation}"}),
    f"{OPERATIONS}/DeleteOperation": NotFound({"name": "{operation}"}),
    f"{OPERATIONS}/CancelOperation": NotFound({"name": "{operation}"}),
    f"{OPERATIONS}/WaitOperation": NotFound({"name": "{operation}", "timeout": "5s"}),
    f"{V1}.OperationsService/WatchOperation": NotFound({"name": "{operation}"}),
    f"{V1}.OperationsService/RecoverOperation": NotFound({"name": "{operation}"}),
    f"{V1}.OperationsService/PauseOperation": NotFound({"name": "{operation}"}),
    f"{V1}.OperationsService/ResumeOperation": NotFound({"name": "{operation}"}),
    f"{V1}.ApprovalsService/ListApprovals": Absent(),
    f"{V1}.ApprovalsService/GetApproval": NotFound({"name": "{approval}"}),
    f"{V1}.ApprovalsService/ApproveApproval": NotFound({"name": "{approval}"}),
    f"{V1}.ApprovalsService/RejectApproval": NotFound({"name": "{approval}"}),
    f"{V1}.AuditService/ListAuditEntries": Absent({"page_size": 1000}),
    f"{V1}.SchedulesService/CreateSchedule": Tried("test_what_a_schedule_starts_sees_what_its_maker_sees"),
    f"{V1}.SchedulesService/GetSchedule": NotFound({"name": "{schedule}"}),
    f"{V1}.SchedulesService/ListSchedules": Absent(),
    f"{V1}.SchedulesService/UpdateSchedule": NotFound(
        {"schedule": {"name": "{schedule}", "cron": "0 5 * * *", "etag": "1"}, "update_mask": "cron"}
    ),
    f"{V1}.SchedulesService/DeleteSchedule": NotFound({"name": "{schedule}", "etag": "1"}),
    f"{V1}.SchedulesService/PauseSchedule": NotFound({"name": "{schedule}"}),
    f"{V1}.SchedulesService/ResumeSchedule": NotFound({"name": "{schedule}"}),
    f"{V1}.SchedulesService/RunSchedule": NotFound({"name": "{schedule}"}),
    f"{V1}.SchedulesService/ListScheduleRuns": NotFound({"parent": "{schedule}"}),
    f"{V1}.NotificationsService/CreateNotificationEndpoint": Shared("it names no ledger; it has its maker's scope"),
    f"{V1}.NotificationsService/GetNotificationEndpoint": NotFound({"name": "{endpoint}"}),
    f"{V1}.NotificationsService/ListNotificationEndpoints": Absent(),
    f"{V1}.NotificationsService/UpdateNotificationEndpoint": NotFound(
        {
            "notification_endpoint": {"name": "{endpoint}", "description": "x", "etag": "1"},
            "update_mask": "description",
        }
    ),
    f"{V1}.NotificationsService/DeleteNotificationEndpoint": NotFound({"name": "{endpoint}", "etag": "1"}),
    f"{V1}.NotificationsService/TestNotificationEndpoint": NotFound({"name": "{endpoint}"}),
    f"{V1}.NotificationsService/RotateNotificationEndpointSecret": NotFound({"name": "{endpoint}", "etag": "1"}),
    f"{V1}.NotificationsService/GetDelivery": NotFound({"name": "{delivery}"}),
    f"{V1}.NotificationsService/ListDeliveries": Absent(),
    f"{V1}.NotificationsService/RedeliverDelivery": NotFound({"name": "{delivery}"}),
}

STANDARD = ("grpc.",)
"""Services of gRPC itself: of health, the contract and connections; they tell of no data."""
