"""Customer classes."""

from __future__ import annotations

from countinghouse.billing.v1 import billing_service_pb2_grpc as grpc_service
from countinghouse.billing.v1 import customer_classes_pb2 as pb
from domain.billing.algorithms.registry import Algorithms
from domain.billing.configuration import customer_classes
from domain.billing.configuration.registers import CUSTOMER_CLASSES
from domain.kernel.call import Call
from domain.kernel.registers import service
from server.call import Calls, Context, Tx
from server.mapping.billing import customer_classes as mapping
from server.mapping.entries import code_from_name
from server.servicers.billing.distribution import usable
from server.servicers.pages import entries_of


class CustomerClassesMethods(grpc_service.BillingServiceServicer):
    """The methods on customer classes."""

    _calls: Calls
    _algorithms: Algorithms

    async def CreateCustomerClass(self, request: pb.CreateCustomerClassRequest, context: Context) -> pb.CustomerClass:
        """Create a customer class."""
        given = request.customer_class
        settings = mapping.settings_from_proto(given)

        def write(tx: Tx, call: Call) -> pb.CustomerClass:
            return mapping.class_to_proto(
                customer_classes.create(
                    tx, call, given.code, given.description, settings, usable=usable(self._algorithms, call)
                )
            )

        return await self._calls.write(context, request, pb.CustomerClass, write)

    async def GetCustomerClass(self, request: pb.GetCustomerClassRequest, context: Context) -> pb.CustomerClass:
        """A customer class."""
        code = code_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.class_to_proto(service.get(tx, CUSTOMER_CLASSES, code, call.scope))
        )

    async def ListCustomerClasses(
        self, request: pb.ListCustomerClassesRequest, context: Context
    ) -> pb.ListCustomerClassesResponse:
        """A page of customer classes."""
        read = entries_of(
            self._calls,
            request,
            CUSTOMER_CLASSES,
            lambda shown, token: pb.ListCustomerClassesResponse(
                customer_classes=map(mapping.class_to_proto, shown), next_page_token=token
            ),
        )
        return await self._calls.read(context, read)

    async def UpdateCustomerClass(self, request: pb.UpdateCustomerClassRequest, context: Context) -> pb.CustomerClass:
        """Change a customer class."""
        change = mapping.class_change(request)
        return await self._calls.write(
            context,
            request,
            pb.CustomerClass,
            lambda tx, call: mapping.class_to_proto(
                customer_classes.update(tx, call, change, usable(self._algorithms, call))
            ),
        )
