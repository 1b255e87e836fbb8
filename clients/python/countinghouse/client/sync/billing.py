"""The BillingService, one method a line: names and types come from the generated stub."""

from typing import TYPE_CHECKING

from countinghouse.billing.v1 import billing_runs_pb2, billing_service_pb2_grpc, interval_data_sets_pb2
from countinghouse.client.sync.accounts import ImportAccounts
from countinghouse.client.sync.calls import Caller
from countinghouse.client.sync.listing import Listing
from countinghouse.client.sync.operations import LongRunning, Operations
from countinghouse.client.sync.runs import WatchRun
from countinghouse.client.sync.usage import IngestUsage

if TYPE_CHECKING:
    import grpc


class Billing:
    """The BillingService. Each method takes the request message that the contract names."""

    def __init__(self, caller: Caller, channel: "grpc.Channel", operations: Operations) -> None:
        stub = billing_service_pb2_grpc.BillingServiceStub(channel)
        self._configuration(caller, stub)
        self._rates(caller, stub)
        self._cycles(caller, stub)
        self._accounts(caller, stub)
        self._usage(caller, stub)
        self._bills(caller, stub)
        self._runs(caller, stub, operations)

    def _configuration(self, caller: Caller, stub: billing_service_pb2_grpc.BillingServiceStub) -> None:
        self.create_customer_class = caller.unary(stub.CreateCustomerClass)
        self.get_customer_class = caller.unary(stub.GetCustomerClass)
        self.list_customer_classes = Listing(caller.unary(stub.ListCustomerClasses), lambda page: page.customer_classes)
        self.update_customer_class = caller.unary(stub.UpdateCustomerClass)
        self.get_algorithm = caller.unary(stub.GetAlgorithm)
        self.list_algorithms = Listing(caller.unary(stub.ListAlgorithms), lambda page: page.algorithms)
        self.create_scheme = caller.unary(stub.CreateTimeOfUseScheme)
        self.get_scheme = caller.unary(stub.GetTimeOfUseScheme)
        self.list_schemes = Listing(caller.unary(stub.ListTimeOfUseSchemes), lambda page: page.time_of_use_schemes)
        self.update_scheme = caller.unary(stub.UpdateTimeOfUseScheme)
        self.create_profile_type = caller.unary(stub.CreateProfileType)
        self.get_profile_type = caller.unary(stub.GetProfileType)
        self.list_profile_types = Listing(caller.unary(stub.ListProfileTypes), lambda page: page.profile_types)
        self.update_profile_type = caller.unary(stub.UpdateProfileType)
        self.create_agreement_type = caller.unary(stub.CreateServiceAgreementType)
        self.get_agreement_type = caller.unary(stub.GetServiceAgreementType)
        self.list_agreement_types = Listing(
            caller.unary(stub.ListServiceAgreementTypes), lambda page: page.service_agreement_types
        )
        self.update_agreement_type = caller.unary(stub.UpdateServiceAgreementType)

    def _rates(self, caller: Caller, stub: billing_service_pb2_grpc.BillingServiceStub) -> None:
        self.create_rate = caller.unary(stub.CreateRate)
        self.get_rate = caller.unary(stub.GetRate)
        self.list_rates = Listing(caller.unary(stub.ListRates), lambda page: page.rates)
        self.update_rate = caller.unary(stub.UpdateRate)
        self.create_rate_version = caller.unary(stub.CreateRateVersion)
        self.get_rate_version = caller.unary(stub.GetRateVersion)
        self.list_rate_versions = Listing(caller.unary(stub.ListRateVersions), lambda page: page.rate_versions)

    def _cycles(self, caller: Caller, stub: billing_service_pb2_grpc.BillingServiceStub) -> None:
        self.create_cycle = caller.unary(stub.CreateBillCycle)
        self.get_cycle = caller.unary(stub.GetBillCycle)
        self.list_cycles = Listing(caller.unary(stub.ListBillCycles), lambda page: page.bill_cycles)
        self.update_cycle = caller.unary(stub.UpdateBillCycle)
        self.create_window = caller.unary(stub.CreateBillCycleWindow)
        self.get_window = caller.unary(stub.GetBillCycleWindow)
        self.list_windows = Listing(caller.unary(stub.ListBillCycleWindows), lambda page: page.bill_cycle_windows)
        self.update_window = caller.unary(stub.UpdateBillCycleWindow)
        self.delete_window = caller.unary(stub.DeleteBillCycleWindow)

    def _accounts(self, caller: Caller, stub: billing_service_pb2_grpc.BillingServiceStub) -> None:
        self.create_account = caller.unary(stub.CreateAccount)
        self.get_account = caller.unary(stub.GetAccount)
        self.list_accounts = Listing(caller.unary(stub.ListAccounts), lambda page: page.accounts)
        self.update_account = caller.unary(stub.UpdateAccount)
        self.import_accounts = ImportAccounts(caller.upload(stub.ImportAccounts))
        self.explain_order = Listing(caller.unary(stub.ExplainProcessingOrder), lambda page: page.places)
        self.create_premise = caller.unary(stub.CreatePremise)
        self.get_premise = caller.unary(stub.GetPremise)
        self.list_premises = Listing(caller.unary(stub.ListPremises), lambda page: page.premises)
        self.update_premise = caller.unary(stub.UpdatePremise)
        self.create_agreement = caller.unary(stub.CreateServiceAgreement)
        self.get_agreement = caller.unary(stub.GetServiceAgreement)
        self.list_agreements = Listing(caller.unary(stub.ListServiceAgreements), lambda page: page.service_agreements)
        self.update_agreement = caller.unary(stub.UpdateServiceAgreement)
        self.create_profile = caller.unary(stub.CreateProfile)
        self.get_profile = caller.unary(stub.GetProfile)
        self.list_profiles = Listing(caller.unary(stub.ListProfiles), lambda page: page.profiles)
        self.update_profile = caller.unary(stub.UpdateProfile)

    def _usage(self, caller: Caller, stub: billing_service_pb2_grpc.BillingServiceStub) -> None:
        self.ingest_usage = IngestUsage(caller.upload(stub.IngestUsage))
        self.list_interval_data = Listing(caller.unary(stub.ListIntervalData), lambda page: page.interval_data)
        self.list_register_reads = Listing(caller.unary(stub.ListRegisterReads), lambda page: page.register_reads)
        self.get_data_set = caller.unary(stub.GetIntervalDataSet)
        self.list_data_sets = Listing(caller.unary(stub.ListIntervalDataSets), lambda page: page.interval_data_sets)

    def _bills(self, caller: Caller, stub: billing_service_pb2_grpc.BillingServiceStub) -> None:
        self.generate_bill = caller.unary(stub.GenerateBill)
        self.get_bill = caller.unary(stub.GetBill)
        self.list_bills = Listing(caller.unary(stub.ListBills), lambda page: page.bills)
        self.get_segment = caller.unary(stub.GetBillSegment)
        self.list_segments = Listing(caller.unary(stub.ListBillSegments), lambda page: page.bill_segments)
        self.explain_segment = caller.unary(stub.ExplainBillSegment)
        self.regenerate_segment = caller.unary(stub.RegenerateBillSegment)
        self.accept_segment = caller.unary(stub.AcceptBillSegment)
        self.freeze_bill = caller.unary(stub.FreezeBill)
        self.complete_bill = caller.unary(stub.CompleteBill)
        self.reopen_bill = caller.unary(stub.ReopenBill)
        self.create_credit_note = caller.unary(stub.CreateCreditNote)
        self.cancel_segment = caller.unary(stub.CancelBillSegment)
        self.rebill_segment = caller.unary(stub.RebillBillSegment)
        self.undo_segment_correction = caller.unary(stub.UndoBillSegmentCorrection)
        self.get_exception = caller.unary(stub.GetBillingException)
        self.accept_exception = caller.unary(stub.AcceptBillingException)
        self.resolve_exception = caller.unary(stub.ResolveBillingException)
        self.list_exceptions = Listing(caller.unary(stub.ListBillingExceptions), lambda page: page.billing_exceptions)

    def _runs(self, caller: Caller, stub: billing_service_pb2_grpc.BillingServiceStub, operations: Operations) -> None:
        self.run_billing = LongRunning[
            billing_runs_pb2.RunBillingRequest,
            billing_runs_pb2.RunBillingResponse,
            billing_runs_pb2.RunBillingMetadata,
        ](caller.unary(stub.RunBilling), operations)
        self.watch_run = WatchRun(caller.stream(stub.WatchBillingRun))
        self.create_interval_data = LongRunning[
            interval_data_sets_pb2.CreateIntervalDataRequest,
            interval_data_sets_pb2.CreateIntervalDataResponse,
            interval_data_sets_pb2.CreateIntervalDataMetadata,
        ](caller.unary(stub.CreateIntervalData), operations)
