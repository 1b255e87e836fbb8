"""Schedules of billing cycles."""

from __future__ import annotations

from google.protobuf.empty_pb2 import Empty

from countinghouse.invoicing.v1 import invoice_batch_service_pb2_grpc as grpc_service
from countinghouse.invoicing.v1 import invoice_schedules_pb2 as pb
from domain.invoicing.configuration import schedule_changes, schedules
from domain.invoicing.configuration.schedules import ScheduleKey
from domain.kernel.call import Call
from server.call import Calls, Context, Tx
from server.mapping.entries import code_from_name
from server.mapping.invoicing import invoice_schedules as mapping
from server.servicers.pages import page_of


class SchedulesMethods(grpc_service.InvoiceBatchServiceServicer):
    """The methods on schedules of billing cycles."""

    _calls: Calls

    async def CreateInvoiceSchedule(
        self, request: pb.CreateInvoiceScheduleRequest, context: Context
    ) -> pb.InvoiceSchedule:
        """Add a schedule at an edge of a cycle."""
        key = ScheduleKey(code_from_name(request.parent), request.invoice_schedule.code)
        given = mapping.given_from_proto(request.invoice_schedule)
        return await self._calls.write(
            context,
            request,
            pb.InvoiceSchedule,
            lambda tx, call: mapping.schedule_to_proto(schedule_changes.create(tx, call, key, given)),
        )

    async def GetInvoiceSchedule(self, request: pb.GetInvoiceScheduleRequest, context: Context) -> pb.InvoiceSchedule:
        """A schedule."""
        key = mapping.key_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.schedule_to_proto(schedules.get(tx, key, call.scope))
        )

    async def ListInvoiceSchedules(
        self, request: pb.ListInvoiceSchedulesRequest, context: Context
    ) -> pb.ListInvoiceSchedulesResponse:
        """A page of the schedules of a cycle."""
        cycle = code_from_name(request.parent)
        read = page_of(
            self._calls,
            request,
            lambda tx, call, page: schedules.list_page(tx, cycle, page, call.scope),
            lambda schedule: schedule.start_us,
            lambda shown, token: pb.ListInvoiceSchedulesResponse(
                invoice_schedules=map(mapping.schedule_to_proto, shown), next_page_token=token
            ),
        )
        return await self._calls.read(context, read)

    async def UpdateInvoiceSchedule(
        self, request: pb.UpdateInvoiceScheduleRequest, context: Context
    ) -> pb.InvoiceSchedule:
        """Move an edge of the first or the last schedule of a cycle."""
        key, changes = mapping.schedule_change(request)
        etag = request.invoice_schedule.etag
        return await self._calls.write(
            context,
            request,
            pb.InvoiceSchedule,
            lambda tx, call: mapping.schedule_to_proto(schedule_changes.update(tx, call, key, etag, changes)),
        )

    async def DeleteInvoiceSchedule(self, request: pb.DeleteInvoiceScheduleRequest, context: Context) -> Empty:
        """Delete the first or the last schedule of a cycle."""
        key = mapping.key_from_name(request.name)

        def write(tx: Tx, call: Call) -> Empty:
            schedule_changes.delete(tx, call, key, request.etag)
            return Empty()

        return await self._calls.write(context, request, Empty, write)
