"""The services of the contract, one method a line: names and types come from the generated stubs."""

from typing import TYPE_CHECKING

from countinghouse.client.aio.calls import Caller
from countinghouse.client.aio.ingest import Ingest
from countinghouse.client.aio.listing import Listing
from countinghouse.client.aio.operations import LongRunning, Operations
from countinghouse.gl_extraction.v1 import extraction_pb2, gl_extraction_service_pb2_grpc
from countinghouse.operations.v1 import approvals_pb2_grpc, audit_pb2_grpc, notifications_pb2_grpc, schedules_pb2_grpc

if TYPE_CHECKING:
    import grpc.aio


class GLExtraction:
    """The GLExtractionService. Each method takes the request message that the contract names."""

    def __init__(self, caller: Caller, channel: "grpc.aio.Channel", operations: Operations) -> None:
        stub = gl_extraction_service_pb2_grpc.GLExtractionServiceStub(channel)
        self.ingest = Ingest(caller.upload(stub.IngestAccountingDetails))
        self.batch_create_details = caller.unary(stub.BatchCreateAccountingDetails)
        self.get_detail = caller.unary(stub.GetAccountingDetail)
        self.list_details = Listing(caller.unary(stub.ListAccountingDetails), lambda page: page.accounting_details)
        self.undo_details = caller.unary(stub.UndoAccountingDetails)
        self.reverse_details = caller.unary(stub.ReverseAccountingDetails)
        self.create_ledger = caller.unary(stub.CreateLedger)
        self.get_ledger = caller.unary(stub.GetLedger)
        self.list_ledgers = Listing(caller.unary(stub.ListLedgers), lambda page: page.ledgers)
        self.update_ledger = caller.unary(stub.UpdateLedger)
        self.create_group_account = caller.unary(stub.CreateGroupAccount)
        self.get_group_account = caller.unary(stub.GetGroupAccount)
        self.list_group_accounts = Listing(caller.unary(stub.ListGroupAccounts), lambda page: page.group_accounts)
        self.update_group_account = caller.unary(stub.UpdateGroupAccount)
        self.create_distribution_code = caller.unary(stub.CreateDistributionCode)
        self.get_distribution_code = caller.unary(stub.GetDistributionCode)
        self.list_distribution_codes = Listing(
            caller.unary(stub.ListDistributionCodes), lambda page: page.distribution_codes
        )
        self.update_distribution_code = caller.unary(stub.UpdateDistributionCode)
        self.create_period = caller.unary(stub.CreateAccountingPeriod)
        self.get_period = caller.unary(stub.GetAccountingPeriod)
        self.list_periods = Listing(caller.unary(stub.ListAccountingPeriods), lambda page: page.accounting_periods)
        self.close_period = caller.unary(stub.CloseAccountingPeriod)
        self.reopen_period = caller.unary(stub.ReopenAccountingPeriod)
        self.generate_accounting_message = LongRunning[
            extraction_pb2.GenerateAccountingMessageRequest,
            extraction_pb2.GenerateAccountingMessageResponse,
            extraction_pb2.GenerateAccountingMessageMetadata,
        ](caller.unary(stub.GenerateAccountingMessage), operations)
        self.get_batch = caller.unary(stub.GetExtractionBatch)
        self.list_batches = Listing(caller.unary(stub.ListExtractionBatches), lambda page: page.extraction_batches)
        self.reconcile_batch = caller.unary(stub.ReconcileExtractionBatch, report=True)
        self.get_trial_balance = caller.unary(stub.GetTrialBalance)
        self.list_trial_balance_lines = Listing(
            caller.unary(stub.ListTrialBalanceLines), lambda page: page.trial_balance_lines
        )
        self.check_trial_balance = caller.unary(stub.CheckTrialBalance, report=True)
        self.acknowledge_messages = caller.unary(stub.AcknowledgeMessages)
        self.reject_messages = caller.unary(stub.RejectMessages)
        self.list_message_receipts = Listing(caller.unary(stub.ListMessageReceipts), lambda page: page.message_receipts)
        self.list_batch_receipts = Listing(caller.unary(stub.ListBatchReceipts), lambda page: page.batch_receipts)


class Schedules:
    """The SchedulesService. Each method takes the request message that the contract names."""

    def __init__(self, caller: Caller, channel: "grpc.aio.Channel") -> None:
        stub = schedules_pb2_grpc.SchedulesServiceStub(channel)
        self.create = caller.unary(stub.CreateSchedule)
        self.get = caller.unary(stub.GetSchedule)
        self.list = Listing(caller.unary(stub.ListSchedules), lambda page: page.schedules)
        self.update = caller.unary(stub.UpdateSchedule)
        self.delete = caller.unary(stub.DeleteSchedule)
        self.pause = caller.unary(stub.PauseSchedule)
        self.resume = caller.unary(stub.ResumeSchedule)
        self.run = caller.unary(stub.RunSchedule)
        self.list_runs = Listing(caller.unary(stub.ListScheduleRuns), lambda page: page.schedule_runs)


class Notifications:
    """The NotificationsService."""

    def __init__(self, caller: Caller, channel: "grpc.aio.Channel") -> None:
        stub = notifications_pb2_grpc.NotificationsServiceStub(channel)
        self.create_endpoint = caller.unary(stub.CreateNotificationEndpoint)
        self.get_endpoint = caller.unary(stub.GetNotificationEndpoint)
        self.list_endpoints = Listing(
            caller.unary(stub.ListNotificationEndpoints), lambda page: page.notification_endpoints
        )
        self.update_endpoint = caller.unary(stub.UpdateNotificationEndpoint)
        self.delete_endpoint = caller.unary(stub.DeleteNotificationEndpoint)
        self.test_endpoint = caller.unary(stub.TestNotificationEndpoint)
        self.rotate_secret = caller.unary(stub.RotateNotificationEndpointSecret)
        self.get_delivery = caller.unary(stub.GetDelivery)
        self.list_deliveries = Listing(caller.unary(stub.ListDeliveries), lambda page: page.deliveries)
        self.redeliver = caller.unary(stub.RedeliverDelivery)


class Approvals:
    """The ApprovalsService: calls that take effect once a second person has agreed."""

    def __init__(self, caller: Caller, channel: "grpc.aio.Channel") -> None:
        stub = approvals_pb2_grpc.ApprovalsServiceStub(channel)
        self.list = Listing(caller.unary(stub.ListApprovals), lambda page: page.approvals)
        self.get = caller.unary(stub.GetApproval)
        self.approve = caller.unary(stub.ApproveApproval)
        self.reject = caller.unary(stub.RejectApproval)


class Audit:
    """The AuditService."""

    def __init__(self, caller: Caller, channel: "grpc.aio.Channel") -> None:
        stub = audit_pb2_grpc.AuditServiceStub(channel)
        self.list_entries = Listing(caller.unary(stub.ListAuditEntries), lambda page: page.audit_entries)
