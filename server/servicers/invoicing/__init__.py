"""The InvoiceBatchService, put together from its groups of methods."""

from __future__ import annotations

from collections.abc import Mapping

from domain.invoicing.batches.hooks import Hookpoint
from domain.kernel.time import BusinessZone
from server.call import Calls
from server.servicers.invoicing.batches import BatchesMethods
from server.servicers.invoicing.configuration import ConfigurationMethods
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
    ExportsMethods,
    InvoicesMethods,
    LinesMethods,
    RecipientsMethods,
    HookpointsMethods,
    SchedulesMethods,
    WatchingMethods,
):
    """Closes running invoices in batches, and takes them to publishing."""

    def __init__(
        self,
        calls: Calls,
        watcher: Watcher,
        *,
        heartbeat_s: float,
        zone: BusinessZone,
        hookpoints: Mapping[str, Hookpoint],
    ) -> None:
        self._calls = calls
        self._watcher = watcher
        self._heartbeat_s = heartbeat_s
        self._zone = zone
        self._hookpoints = hookpoints
