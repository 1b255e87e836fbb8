"""Algorithms that can be used; they are known when the server starts."""

from __future__ import annotations

from countinghouse.billing.v1 import algorithms_pb2 as pb
from countinghouse.billing.v1 import billing_service_pb2_grpc as grpc_service
from domain.billing.creation.algorithms.catalogue import Catalogue
from server.call import Calls, Context
from server.mapping.billing import algorithms as mapping
from server.mapping.billing.names import id_from_name
from server.servicers.pages import page_of


class AlgorithmsMethods(grpc_service.BillingServiceServicer):
    """The methods on algorithms."""

    _calls: Calls
    _catalogue: Catalogue

    async def GetAlgorithm(self, request: pb.GetAlgorithmRequest, context: Context) -> pb.Algorithm:
        """An algorithm."""
        code = id_from_name(request.name)
        return await self._calls.read(context, lambda _, __: mapping.algorithm_to_proto(self._catalogue.get(code)))

    async def ListAlgorithms(self, request: pb.ListAlgorithmsRequest, context: Context) -> pb.ListAlgorithmsResponse:
        """A page of algorithms."""
        read = page_of(
            self._calls,
            request,
            lambda _, __, page: self._catalogue.list_page(page),
            lambda algorithm: algorithm.code,
            lambda shown, token: pb.ListAlgorithmsResponse(
                algorithms=map(mapping.algorithm_to_proto, shown), next_page_token=token
            ),
        )
        return await self._calls.read(context, read)
