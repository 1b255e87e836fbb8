"""The AccountingService, put together from its groups of methods."""

from __future__ import annotations

from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.performing.booking import Books
from domain.flows.accounting import Posting
from server.call import Calls
from server.servicers.accounting.claims import ClaimsMethods
from server.servicers.accounting.operations import OperationsMethods


class AccountingServicer(ClaimsMethods, OperationsMethods):
    """Turns accounting rules into balanced operations and has them carried out."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._configurations = Configurations()
        self._books = Books(Posting())
