"""The InvoiceBatchService, put together from its groups of methods."""

from __future__ import annotations

from collections.abc import Mapping

from domain.billing.algorithms.registry import Algorithms
from domain.billing.bills.completing import Bench
from domain.billing.configuration.snapshot import Configurations
from domain.flows.billing import Billed
from domain.flows.invoices import RunningInvoices, billing_cycles
from domain.invoicing.batches.hooks import Hookpoint
from domain.kernel.time import BusinessZone
from server.call import Calls
from server.servicers.asking import Ask
from server.servicers.invoicing.batches import BatchesMethods
from server.servicers.invoicing.configuration import ConfigurationMethods
from server.servicers.invoicing.crediting import CreditingMethods
from server.servicers.invoicing.exports import ExportsMethods
from server.servicers.invoicing.hookpoints import HookpointsMethods
from server.servicers.invoicing.invoices import InvoicesMethods
from server.servicers.invoicing.lines import LinesMethods
from server.servicers.invoicing.recipients import RecipientsMethods
from server.servicers.invoicing.schedules import SchedulesMethods
from server.servicers.invoicing.watching import WatchingMethods
from server.watcher import Watcher


class InvoiceBatchServicer(
    BatchesMethods,
    ConfigurationMethods,
    CreditingMethods,
    ExportsMethods,
    InvoicesMethods,
    LinesMethods,
    RecipientsMethods,
    HookpointsMethods,
    SchedulesMethods,
    WatchingMethods,
):
    """Closes running invoices in batches, takes them to publishing, and gives them back.

    `algorithms` are those that this process has for the bills on them; `ask` asks one of them that is over the network.
    """

    def __init__(
        self,
        calls: Calls,
        watcher: Watcher,
        *,
        heartbeat_s: float,
        zone: BusinessZone,
        hookpoints: Mapping[str, Hookpoint],
        algorithms: Algorithms,
        ask: Ask,
    ) -> None:
        self._calls = calls
        self._watcher = watcher
        self._heartbeat_s = heartbeat_s
        self._zone = zone
        self._hookpoints = hookpoints
        configurations = Configurations(algorithms.creations, billing_cycles)
        self._bench = Bench(configurations, Billed(), RunningInvoices(), algorithms)
        self._ask = ask
