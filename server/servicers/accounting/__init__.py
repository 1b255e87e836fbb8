"""The AccountingService, put together from its groups of methods."""

from __future__ import annotations

from countinghouse.accounting.v1 import accounting_service_pb2_grpc as grpc_service
from server.call import Calls


class AccountingServicer(grpc_service.AccountingServiceServicer):
    """Turns accounting rules into balanced operations and has them carried out."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
