"""The AccountingService, put together from its groups of methods."""

from __future__ import annotations

from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.performing.booking import Books
from domain.flows.accounting import Posting
from server.call import Calls
from server.servicers.accounting.accounting_rules import AccountingRulesMethods
from server.servicers.accounting.assignments import AssignmentsMethods
from server.servicers.accounting.batches import BatchesMethods
from server.servicers.accounting.claims import ClaimsMethods
from server.servicers.accounting.configuration import ConfigurationMethods
from server.servicers.accounting.feed import FeedMethods
from server.servicers.accounting.operations import OperationsMethods
from server.servicers.accounting.overview import OverviewMethods
from server.servicers.accounting.resolution import ResolutionMethods
from server.servicers.accounting.tasks import TasksMethods
from server.watcher import Watcher


class AccountingServicer(
    ConfigurationMethods,
    AccountingRulesMethods,
    ClaimsMethods,
    FeedMethods,
    OperationsMethods,
    AssignmentsMethods,
    TasksMethods,
    OverviewMethods,
    ResolutionMethods,
    BatchesMethods,
):
    """Turns accounting rules into balanced operations and has them carried out.

    `systems_of_record` are the names of those that the servers know.
    """

    def __init__(
        self, calls: Calls, watcher: Watcher, *, heartbeat_s: float, systems_of_record: frozenset[str]
    ) -> None:
        self._calls = calls
        self._watcher = watcher
        self._heartbeat_s = heartbeat_s
        self._systems_of_record = systems_of_record
        self._configurations = Configurations()
        self._books = Books(Posting())
