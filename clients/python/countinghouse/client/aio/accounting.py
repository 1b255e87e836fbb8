"""The AccountingService, one method a line: names and types come from the generated stub."""

from typing import TYPE_CHECKING

from countinghouse.accounting.v1 import accounting_service_pb2_grpc, batches_pb2
from countinghouse.client.aio.calls import Caller
from countinghouse.client.aio.feed import Feed
from countinghouse.client.aio.listing import Listing
from countinghouse.client.aio.operations import LongRunning, Operations

if TYPE_CHECKING:
    import grpc.aio


class Accounting:
    """The AccountingService. Each method takes the request message that the contract names."""

    def __init__(self, caller: Caller, channel: "grpc.aio.Channel", operations: Operations) -> None:
        stub = accounting_service_pb2_grpc.AccountingServiceStub(channel)
        self._configuration(caller, stub)
        self._rules(caller, stub)
        self.create_claim = caller.unary(stub.CreateClaim)
        self.get_claim = caller.unary(stub.GetClaim)
        self.list_claims = Listing(caller.unary(stub.ListClaims), lambda page: page.claims)
        self.update_claim = caller.unary(stub.UpdateClaim)
        self.resolve_claim = caller.unary(stub.ResolveClaim)
        self.reopen_claim = caller.unary(stub.ReopenClaim)
        self.check_resolution = caller.unary(stub.CheckResolution)
        self.create_dispute = caller.unary(stub.CreateDispute)
        self.get_dispute = caller.unary(stub.GetDispute)
        self.list_disputes = Listing(caller.unary(stub.ListDisputes), lambda page: page.disputes)
        self.update_dispute = caller.unary(stub.UpdateDispute)
        self.execute = caller.unary(stub.ExecuteAccounting)
        self.batch_execute = caller.unary(stub.BatchExecuteAccounting)
        self.list_manual_rules = Listing(caller.unary(stub.ListManualRules), lambda page: page.manual_rules)
        self.perform_manual = caller.unary(stub.PerformManualAccounting)
        self.get_operation = caller.unary(stub.GetAccountingOperation)
        self.list_operations = Listing(
            caller.unary(stub.ListAccountingOperations), lambda page: page.accounting_operations
        )
        self.list_steps = Listing(caller.unary(stub.ListAccountingSteps), lambda page: page.accounting_steps)
        self.reverse_operation = caller.unary(stub.ReverseAccountingOperation)
        self.cancel_operation = caller.unary(stub.CancelAccountingOperation)
        self.approve_operation = caller.unary(stub.ApproveAccountingOperation)
        self.get_overview = caller.unary(stub.GetAccountingOverview)
        self.list_events = Listing(caller.unary(stub.ListAccountingEvents), lambda page: page.accounting_events)
        feed = Feed(caller, stub)
        self.watch_events, self.watch_claim = feed.watch_events, feed.watch_claim
        self._work(caller, stub)
        self._batches(caller, stub, operations)

    def _configuration(self, caller: Caller, stub: "accounting_service_pb2_grpc.AccountingServiceAsyncStub") -> None:
        self.create_client = caller.unary(stub.CreateClient)
        self.get_client = caller.unary(stub.GetClient)
        self.list_clients = Listing(caller.unary(stub.ListClients), lambda page: page.clients)
        self.update_client = caller.unary(stub.UpdateClient)
        self.create_claim_type = caller.unary(stub.CreateClaimType)
        self.get_claim_type = caller.unary(stub.GetClaimType)
        self.list_claim_types = Listing(caller.unary(stub.ListClaimTypes), lambda page: page.claim_types)
        self.update_claim_type = caller.unary(stub.UpdateClaimType)
        self.create_collection = caller.unary(stub.CreateCollection)
        self.get_collection = caller.unary(stub.GetCollection)
        self.list_collections = Listing(caller.unary(stub.ListCollections), lambda page: page.collections)
        self.update_collection = caller.unary(stub.UpdateCollection)
        self.create_table = caller.unary(stub.CreateAccountDeterminationTable)
        self.get_table = caller.unary(stub.GetAccountDeterminationTable)
        self.list_tables = Listing(
            caller.unary(stub.ListAccountDeterminationTables), lambda page: page.account_determination_tables
        )
        self.update_table = caller.unary(stub.UpdateAccountDeterminationTable)

    def _rules(self, caller: Caller, stub: "accounting_service_pb2_grpc.AccountingServiceAsyncStub") -> None:
        self.create_rule = caller.unary(stub.CreateAccountingRule)
        self.get_rule = caller.unary(stub.GetAccountingRule)
        self.list_rules = Listing(caller.unary(stub.ListAccountingRules), lambda page: page.accounting_rules)
        self.create_rule_version = caller.unary(stub.CreateAccountingRuleVersion)
        self.get_rule_version = caller.unary(stub.GetAccountingRuleVersion)
        self.list_rule_versions = Listing(
            caller.unary(stub.ListAccountingRuleVersions), lambda page: page.accounting_rule_versions
        )
        self.retire_rule = caller.unary(stub.RetireAccountingRule)
        self.unretire_rule = caller.unary(stub.UnretireAccountingRule)

    def _work(self, caller: Caller, stub: "accounting_service_pb2_grpc.AccountingServiceAsyncStub") -> None:
        self.get_assignment = caller.unary(stub.GetAssignment)
        self.list_assignments = Listing(caller.unary(stub.ListAssignments), lambda page: page.assignments)
        self.complete_assignment = caller.unary(stub.CompleteAssignment)
        self.retry_assignment = caller.unary(stub.RetryAssignment)
        self.reroute_assignment = caller.unary(stub.RerouteAssignment)
        self.record_outcome = caller.unary(stub.RecordAssignmentOutcome)
        self.get_task = caller.unary(stub.GetTask)
        self.list_tasks = Listing(caller.unary(stub.ListTasks), lambda page: page.tasks)
        self.claim_task = caller.unary(stub.ClaimTask)
        self.release_task = caller.unary(stub.ReleaseTask)
        self.close_task = caller.unary(stub.CloseTask)

    def _batches(
        self, caller: Caller, stub: "accounting_service_pb2_grpc.AccountingServiceAsyncStub", operations: Operations
    ) -> None:
        self.generate_files = LongRunning[
            batches_pb2.GenerateAccountingFilesRequest,
            batches_pb2.GenerateAccountingFilesResponse,
            batches_pb2.GenerateAccountingFilesMetadata,
        ](caller.unary(stub.GenerateAccountingFiles), operations)
        self.regenerate_batch = LongRunning[
            batches_pb2.RegenerateAccountingBatchRequest,
            batches_pb2.RegenerateAccountingBatchResponse,
            batches_pb2.RegenerateAccountingBatchMetadata,
        ](caller.unary(stub.RegenerateAccountingBatch), operations)
        self.get_batch = caller.unary(stub.GetAccountingBatch)
        self.list_batches = Listing(caller.unary(stub.ListAccountingBatches), lambda page: page.accounting_batches)
        self.list_batch_files = Listing(
            caller.unary(stub.ListAccountingBatchFiles), lambda page: page.accounting_batch_files
        )
        self.list_batch_records = Listing(
            caller.unary(stub.ListAccountingBatchRecords), lambda page: page.accounting_batch_records
        )
        self.accept_records = caller.unary(stub.AcceptAccountingBatchRecords)
        self.reject_records = caller.unary(stub.RejectAccountingBatchRecords)
        self.ingest_return = caller.upload(stub.IngestAccountingBatchReturn)
