"""The BillingService, put together from its groups of methods."""

from __future__ import annotations

from domain.billing.algorithms.registry import Algorithms
from domain.billing.bills.completing import Bench
from domain.billing.configuration.snapshot import Configurations
from domain.billing.creation.algorithms.catalogue import Catalogue
from domain.flows.billing import Billed
from domain.flows.invoices import RunningInvoices, billing_cycles
from domain.kernel.time import BusinessZone
from server.call import Calls
from server.servicers.asking import Ask
from server.servicers.billing.account_import import AccountImportMethods
from server.servicers.billing.accounts import AccountsMethods
from server.servicers.billing.agreement_types import AgreementTypesMethods
from server.servicers.billing.agreements import AgreementsMethods
from server.servicers.billing.algorithms import AlgorithmsMethods
from server.servicers.billing.bill_cycles import BillCyclesMethods
from server.servicers.billing.corrections import CorrectionsMethods
from server.servicers.billing.creation import CreationMethods
from server.servicers.billing.customer_classes import CustomerClassesMethods
from server.servicers.billing.measuring import MeasuringMethods
from server.servicers.billing.rates import RatesMethods
from server.servicers.billing.runs import RunsMethods
from server.servicers.billing.segments import SegmentsMethods
from server.servicers.billing.usage import UsageMethods
from server.watcher import Watcher


class BillingServicer(
    AccountImportMethods,
    AccountsMethods,
    AgreementTypesMethods,
    AgreementsMethods,
    AlgorithmsMethods,
    BillCyclesMethods,
    CorrectionsMethods,
    CreationMethods,
    CustomerClassesMethods,
    MeasuringMethods,
    RatesMethods,
    RunsMethods,
    SegmentsMethods,
    UsageMethods,
):
    """Bills the service agreements of accounts, in their processing order.

    `algorithms` are those that this process has; `ask` asks one of them that is over the network.
    """

    def __init__(
        self,
        calls: Calls,
        watcher: Watcher,
        *,
        heartbeat_s: float,
        zone: BusinessZone,
        algorithms: Algorithms,
        ask: Ask,
    ) -> None:
        self._calls = calls
        self._watcher = watcher
        self._heartbeat_s = heartbeat_s
        self._zone = zone
        self._configurations = Configurations(algorithms.creations, billing_cycles)
        self._algorithms = algorithms
        self._catalogue = Catalogue(algorithms)
        self._bench = Bench(self._configurations, Billed(), RunningInvoices(), self._algorithms)
        self._ask = ask
        self._creations = frozenset(algorithms.creations)
