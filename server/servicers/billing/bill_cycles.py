"""Bill cycles and their windows."""

from __future__ import annotations

from google.protobuf.empty_pb2 import Empty

from countinghouse.billing.v1 import bill_cycles_pb2 as pb
from countinghouse.billing.v1 import billing_service_pb2_grpc as grpc_service
from domain.billing.configuration import cycles, windows
from domain.billing.configuration.registers import CYCLES
from domain.billing.configuration.windows import WindowKey
from domain.kernel.call import Call
from domain.kernel.registers import service
from server.call import Calls, Context, Tx
from server.mapping.billing import bill_cycles as mapping
from server.mapping.entries import code_from_name
from server.servicers.pages import entries_of, page_of


class BillCyclesMethods(grpc_service.BillingServiceServicer):
    """The methods on bill cycles and their windows."""

    _calls: Calls

    async def CreateBillCycle(self, request: pb.CreateBillCycleRequest, context: Context) -> pb.BillCycle:
        """Create a bill cycle."""
        given = request.bill_cycle
        return await self._calls.write(
            context,
            request,
            pb.BillCycle,
            lambda tx, call: mapping.cycle_to_proto(cycles.create(tx, call, given.code, given.description)),
        )

    async def GetBillCycle(self, request: pb.GetBillCycleRequest, context: Context) -> pb.BillCycle:
        """A bill cycle."""
        code = code_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.cycle_to_proto(service.get(tx, CYCLES, code, call.scope))
        )

    async def ListBillCycles(self, request: pb.ListBillCyclesRequest, context: Context) -> pb.ListBillCyclesResponse:
        """A page of bill cycles."""
        read = entries_of(
            self._calls,
            request,
            CYCLES,
            lambda shown, token: pb.ListBillCyclesResponse(
                bill_cycles=map(mapping.cycle_to_proto, shown), next_page_token=token
            ),
        )
        return await self._calls.read(context, read)

    async def UpdateBillCycle(self, request: pb.UpdateBillCycleRequest, context: Context) -> pb.BillCycle:
        """Change a bill cycle."""
        change = mapping.cycle_change(request)
        return await self._calls.write(
            context, request, pb.BillCycle, lambda tx, call: mapping.cycle_to_proto(cycles.update(tx, call, change))
        )

    async def CreateBillCycleWindow(
        self, request: pb.CreateBillCycleWindowRequest, context: Context
    ) -> pb.BillCycleWindow:
        """Create a window of a bill cycle."""
        key = WindowKey(code_from_name(request.parent), request.bill_cycle_window.code)
        given = mapping.given_from_proto(request.bill_cycle_window)
        return await self._calls.write(
            context,
            request,
            pb.BillCycleWindow,
            lambda tx, call: mapping.window_to_proto(windows.create(tx, call, key, given)),
        )

    async def GetBillCycleWindow(self, request: pb.GetBillCycleWindowRequest, context: Context) -> pb.BillCycleWindow:
        """A window of a bill cycle."""
        key = mapping.key_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.window_to_proto(windows.get(tx, key, call.scope))
        )

    async def ListBillCycleWindows(
        self, request: pb.ListBillCycleWindowsRequest, context: Context
    ) -> pb.ListBillCycleWindowsResponse:
        """A page of the windows of a bill cycle."""
        cycle = code_from_name(request.parent)
        read = page_of(
            self._calls,
            request,
            lambda tx, call, page: windows.list_page(tx, cycle, page, call.scope),
            lambda window: window.start_day,
            lambda shown, token: pb.ListBillCycleWindowsResponse(
                bill_cycle_windows=map(mapping.window_to_proto, shown), next_page_token=token
            ),
        )
        return await self._calls.read(context, read)

    async def UpdateBillCycleWindow(
        self, request: pb.UpdateBillCycleWindowRequest, context: Context
    ) -> pb.BillCycleWindow:
        """Change a window of a bill cycle."""
        key, changes = mapping.window_change(request)
        etag = request.bill_cycle_window.etag
        return await self._calls.write(
            context,
            request,
            pb.BillCycleWindow,
            lambda tx, call: mapping.window_to_proto(windows.update(tx, call, key, etag, changes)),
        )

    async def DeleteBillCycleWindow(self, request: pb.DeleteBillCycleWindowRequest, context: Context) -> Empty:
        """Delete a window of a bill cycle."""
        key = mapping.key_from_name(request.name)

        def write(tx: Tx, call: Call) -> Empty:
            windows.delete(tx, call, key, request.etag)
            return Empty()

        return await self._calls.write(context, request, Empty, write)
