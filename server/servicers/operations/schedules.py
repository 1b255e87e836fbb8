"""Schedules: what starts by itself (PLT-26)."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.empty_pb2 import Empty

from countinghouse.operations.v1 import schedules_pb2 as pb
from countinghouse.operations.v1 import schedules_pb2_grpc
from domain.kernel.call import Call
from domain.schedules import service as schedules
from domain.schedules.model import Registry
from server.call import Calls, Context, Tx
from server.gate.errors import PermissionDenied
from server.mapping import schedules as mapping
from server.mapping.listing import listing_key


class SchedulesServicer(schedules_pb2_grpc.SchedulesServiceServicer):
    """Keeps schedules; `permissions` are those of all methods, by full name."""

    def __init__(self, calls: Calls, known: Registry, permissions: Mapping[str, str]) -> None:
        self._calls = calls
        self._known = known
        self._permissions = permissions

    async def CreateSchedule(self, request: pb.CreateScheduleRequest, context: Context) -> pb.Schedule:
        """Create a schedule, by a caller who may do itself what it will do."""
        plan, code = mapping.plan_from_proto(request.schedule), request.schedule.code
        self._permit(self._calls.permissions(context), plan.kind)

        def write(tx: Tx, call: Call) -> pb.Schedule:
            return mapping.schedule_to_proto(schedules.create(tx, call, self._known, code, plan))

        return await self._calls.write(context, request, pb.Schedule, write)

    async def GetSchedule(self, request: pb.GetScheduleRequest, context: Context) -> pb.Schedule:
        """A schedule."""
        code = mapping.code_from_name(request.name)
        return await self._calls.read(
            context, lambda tx, call: mapping.schedule_to_proto(schedules.get(tx, call, code))
        )

    async def ListSchedules(self, request: pb.ListSchedulesRequest, context: Context) -> pb.ListSchedulesResponse:
        """A page of schedules, by code."""
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> pb.ListSchedulesResponse:
            found = schedules.list_page(tx, call, page)
            shown = found[: page.size]
            return pb.ListSchedulesResponse(
                schedules=map(mapping.schedule_to_proto, shown),
                next_page_token=tokens.token([shown[-1].code], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    async def UpdateSchedule(self, request: pb.UpdateScheduleRequest, context: Context) -> pb.Schedule:
        """Change a schedule, by a caller who may do itself what it will do."""
        change, held = mapping.change_from_proto(request), self._calls.permissions(context)

        def write(tx: Tx, call: Call) -> pb.Schedule:
            changed = schedules.update(tx, call, self._known, change)
            self._permit(held, changed.plan.kind)
            return mapping.schedule_to_proto(changed)

        return await self._calls.write(context, request, pb.Schedule, write)

    async def DeleteSchedule(self, request: pb.DeleteScheduleRequest, context: Context) -> Empty:
        """Delete a schedule."""
        code = mapping.code_from_name(request.name)

        def write(tx: Tx, call: Call) -> Empty:
            schedules.delete(tx, call, code, request.etag)
            return Empty()

        return await self._calls.write(context, request, Empty, write)

    async def PauseSchedule(self, request: pb.PauseScheduleRequest, context: Context) -> pb.Schedule:
        """Pause a schedule."""
        code = mapping.code_from_name(request.name)

        def write(tx: Tx, call: Call) -> pb.Schedule:
            return mapping.schedule_to_proto(schedules.pause(tx, call, code))

        return await self._calls.write(context, request, pb.Schedule, write)

    async def ResumeSchedule(self, request: pb.ResumeScheduleRequest, context: Context) -> pb.Schedule:
        """Resume a schedule."""
        code = mapping.code_from_name(request.name)

        def write(tx: Tx, call: Call) -> pb.Schedule:
            return mapping.schedule_to_proto(schedules.resume(tx, call, self._known, code))

        return await self._calls.write(context, request, pb.Schedule, write)

    async def RunSchedule(self, request: pb.RunScheduleRequest, context: Context) -> pb.ScheduleRun:
        """Start now what a schedule starts, for a caller who may do so itself."""
        code, held = mapping.code_from_name(request.name), self._calls.permissions(context)

        def write(tx: Tx, call: Call) -> pb.ScheduleRun:
            self._permit(held, schedules.get(tx, call, code).plan.kind)
            return mapping.run_to_proto(schedules.run_now(tx, call, self._known, code))

        run = await self._calls.write(context, request, pb.ScheduleRun, write)
        self._calls.announce(context, run.operation.partition("/")[2])
        return run

    async def ListScheduleRuns(
        self, request: pb.ListScheduleRunsRequest, context: Context
    ) -> pb.ListScheduleRunsResponse:
        """A page of a schedule's runs, newest first."""
        code = mapping.code_from_name(request.parent)
        tokens, query = self._calls.page_tokens, listing_key(request)
        page = tokens.page(size=request.page_size, token=request.page_token, query=query)

        def read(tx: Tx, call: Call) -> pb.ListScheduleRunsResponse:
            found = schedules.list_runs(tx, call, code, page)
            shown = found[: page.size]
            return pb.ListScheduleRunsResponse(
                schedule_runs=map(mapping.run_to_proto, shown),
                next_page_token=tokens.token([shown[-1].run_no], query) if len(found) > page.size else "",
            )

        return await self._calls.read(context, read)

    def _permit(self, held: frozenset[str], kind_name: str) -> None:
        """Let those pass who hold the permission of the method that is scheduled. Raises: PermissionDenied."""
        kind = self._known.find(kind_name)
        if kind is not None and (permission := self._permissions[kind.method]) not in held:
            raise PermissionDenied(permission=permission, method=kind.method)
