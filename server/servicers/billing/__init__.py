"""The BillingService, put together from its groups of methods."""

from __future__ import annotations

from domain.billing.algorithms.registry import Algorithms
from domain.billing.configuration.snapshot import Configurations
from server.call import Calls
from server.servicers.billing.account_import import AccountImportMethods
from server.servicers.billing.accounts import AccountsMethods
from server.servicers.billing.agreement_types import AgreementTypesMethods
from server.servicers.billing.agreements import AgreementsMethods
from server.servicers.billing.bill_cycles import BillCyclesMethods
from server.servicers.billing.customer_classes import CustomerClassesMethods
from server.servicers.billing.measuring import MeasuringMethods
from server.servicers.billing.rates import RatesMethods
from server.servicers.billing.segments import SegmentsMethods
from server.servicers.billing.usage import UsageMethods
from server.watcher import Watcher


class BillingServicer(
    AccountImportMethods,
    AccountsMethods,
    AgreementTypesMethods,
    AgreementsMethods,
    BillCyclesMethods,
    CustomerClassesMethods,
    MeasuringMethods,
    RatesMethods,
    SegmentsMethods,
    UsageMethods,
):
    """Bills the service agreements of accounts, in their processing order."""

    def __init__(self, calls: Calls, watcher: Watcher, *, heartbeat_s: float) -> None:
        self._calls = calls
        self._watcher = watcher
        self._heartbeat_s = heartbeat_s
        self._configurations = Configurations()
        self._algorithms = Algorithms()
        self._creations: frozenset[str] = frozenset()
