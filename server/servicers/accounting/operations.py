"""Operations: execute, perform by hand, reverse, cancel, approve."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from countinghouse.accounting.v1 import accounting_service_pb2_grpc as grpc_service
from countinghouse.accounting.v1 import operations_pb2 as pb
from domain.accounting.configuration.snapshot import Configurations
from domain.accounting.names import claim_name
from domain.accounting.performing import approving, correcting, executing, manual
from domain.accounting.performing.booking import Books
from server.call import Calls, Context
from server.mapping.accounting import operations as mapping

QUALIFIED = "performqualifiedaccounting"
"""The permission of users who may perform manual accounting where a client restricts it (ACC-55)."""


_TOLD_MAX = 100  # claims of one call whose watchers are told at once; of others they hear a moment later


class OperationsMethods(grpc_service.AccountingServiceServicer):
    """The methods on operations, but for lists of them."""

    _calls: Calls
    _configurations: Configurations
    _books: Books

    async def ExecuteAccounting(
        self, request: pb.ExecuteAccountingRequest, context: Context
    ) -> pb.ExecuteAccountingResponse:
        """Run a workflow point."""
        wanted = mapping.execution_from_proto(request)
        answer = await self._calls.write(
            context,
            request,
            pb.ExecuteAccountingResponse,
            lambda tx, call: mapping.executed_to_proto(
                executing.execute(tx, call, self._configurations, self._books, wanted)
            ),
        )
        self._tell([request.parent], rehearsed=request.validate_only)
        return answer

    async def BatchExecuteAccounting(
        self, request: pb.BatchExecuteAccountingRequest, context: Context
    ) -> pb.BatchExecuteAccountingResponse:
        """Run many workflow points."""
        wanted = mapping.executions_from_proto(request)
        answer = await self._calls.write(
            context,
            request,
            pb.BatchExecuteAccountingResponse,
            lambda tx, call: mapping.results_to_proto(
                executing.execute_many(tx, call, self._configurations, self._books, wanted)
            ),
        )
        self._tell({item.parent for item in request.items}, rehearsed=request.validate_only)
        return answer

    async def GetAccountingOperation(
        self, request: pb.GetAccountingOperationRequest, context: Context
    ) -> pb.AccountingOperation:
        """An operation."""
        key = mapping.operation_key_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.operation_to_proto(correcting.get(tx, call, *key))
        )

    async def PerformManualAccounting(
        self, request: pb.PerformManualAccountingRequest, context: Context
    ) -> pb.PerformManualAccountingResponse:
        """Perform what a person enters."""
        wanted = mapping.manual_from_proto(request)
        qualified = QUALIFIED in self._calls.permissions(context)
        answer = await self._calls.write(
            context,
            request,
            pb.PerformManualAccountingResponse,
            lambda tx, call: mapping.performed_to_proto(
                manual.perform(tx, call, self._configurations, self._books, wanted, qualified=qualified)
            ),
        )
        self._tell([request.parent], rehearsed=request.validate_only)
        return answer

    async def ReverseAccountingOperation(
        self, request: pb.ReverseAccountingOperationRequest, context: Context
    ) -> pb.ReverseAccountingOperationResponse:
        """Reverse an executed operation."""
        claim_id, operation_id = mapping.operation_key_from_name(request.name)
        answer = await self._calls.write(
            context,
            request,
            pb.ReverseAccountingOperationResponse,
            lambda tx, call: mapping.reversed_to_proto(
                correcting.reverse(
                    tx,
                    call,
                    self._configurations,
                    self._books,
                    claim_id=claim_id,
                    operation_id=operation_id,
                    reason=request.reason,
                )
            ),
        )
        self._tell([claim_name(claim_id)], rehearsed=request.validate_only)
        return answer

    async def CancelAccountingOperation(
        self, request: pb.CancelAccountingOperationRequest, context: Context
    ) -> pb.CancelAccountingOperationResponse:
        """Cancel an operation that is not executed."""
        claim_id, operation_id = mapping.operation_key_from_name(request.name)
        answer = await self._calls.write(
            context,
            request,
            pb.CancelAccountingOperationResponse,
            lambda tx, call: mapping.canceled_to_proto(
                correcting.cancel(tx, call, claim_id=claim_id, operation_id=operation_id, reason=request.reason)
            ),
        )
        self._tell([claim_name(claim_id)])
        return answer

    async def ApproveAccountingOperation(
        self, request: pb.ApproveAccountingOperationRequest, context: Context
    ) -> pb.AccountingOperation:
        """Agree to an operation."""
        claim_id, operation_id = mapping.operation_key_from_name(request.name)
        answer = await self._calls.write(
            context,
            request,
            pb.AccountingOperation,
            lambda tx, call: mapping.operation_to_proto(
                approving.approve(
                    tx, call, self._configurations, self._books, claim_id=claim_id, operation_id=operation_id
                )
            ),
        )
        self._tell([claim_name(claim_id)])
        return answer

    def _tell(self, claims: Iterable[str], *, rehearsed: bool = False) -> None:
        """Have those look who watch these claims, and who send what may have become due."""
        if not rehearsed:
            for name in islice(claims, _TOLD_MAX):
                self._calls.announce_change(name)
