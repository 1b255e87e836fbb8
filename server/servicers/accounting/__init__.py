"""The AccountingService, put together from its groups of methods."""

from __future__ import annotations

from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.performing.booking import Books
from domain.flows.accounting import Posting
from server.call import Calls
from server.servicers.accounting.accounting_rules import AccountingRulesMethods
from server.servicers.accounting.claims import ClaimsMethods
from server.servicers.accounting.configuration import ConfigurationMethods
from server.servicers.accounting.operations import OperationsMethods


class AccountingServicer(ConfigurationMethods, AccountingRulesMethods, ClaimsMethods, OperationsMethods):
    """Turns accounting rules into balanced operations and has them carried out.

    `systems_of_record` are the names of those that the servers know.
    """

    def __init__(self, calls: Calls, *, systems_of_record: frozenset[str]) -> None:
        self._calls = calls
        self._systems_of_record = systems_of_record
        self._configurations = Configurations()
        self._books = Books(Posting())
