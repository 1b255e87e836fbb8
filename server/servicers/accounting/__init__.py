"""The AccountingService, put together from its groups of methods."""

from __future__ import annotations

from domain.accounting.configuration.snapshot import Configurations
from server.call import Calls
from server.servicers.accounting.claims import ClaimsMethods


class AccountingServicer(ClaimsMethods):
    """Turns accounting rules into balanced operations and has them carried out."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._configurations = Configurations()
