"""The two-person rule: which methods take effect once a second person has agreed (`domain.approvals`).

What is guarded is looked at when a call has done its work and before it commits: a call that would be refused anyway
is refused as ever, and nobody is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from sqlalchemy import Connection

from domain.approvals import service as approvals
from domain.approvals.errors import ApprovalNeeded
from domain.approvals.model import Asked
from domain.kernel.call import Call
from server.settings import PREFIX, BadSettings, Settings

A = TypeVar("A")

READ = ("read", "readaudit")
"""Permissions of methods that change nothing."""

SCHEDULING = tuple(
    f"countinghouse.operations.v1.SchedulesService/{name}"
    for name in ("CreateSchedule", "UpdateSchedule", "RunSchedule")
)
"""By these, one person could have a guarded method carried out by schedule: they are guarded with it."""

_OWN = "approve"  # a second person for the second person leads nowhere
_HOUR_US = 3_600_000_000


class Unapproved(Exception):
    """Nobody has agreed to the call yet; what it did is to be rolled back."""


@dataclass(frozen=True, slots=True)
class Guards:
    """The guarded methods with their permission, by full name; how long an approval is good for, in microseconds."""

    methods: Mapping[str, str]
    patience_us: int

    def guarded(
        self, call: Call, digest: bytes, fn: Callable[[Connection, Call], A]
    ) -> Callable[[Connection, Call], A]:
        """`fn`, which then uses up the approval of the call. Raises, when it is called: Unapproved."""
        if call.method not in self.methods:
            return fn

        def approved(tx: Connection, call: Call) -> A:
            answer = fn(tx, call)
            if not approvals.use(tx, call, digest):
                raise Unapproved
            return answer

        return approved

    def ask(self, tx: Connection, call: Call, digest: bytes, request: Message) -> ApprovalNeeded:
        """Keep the call for a second person to look at; gives what to tell the caller."""
        content = type(request)()
        content.CopyFrom(request)
        if "request_id" in content.DESCRIPTOR.fields_by_name:
            content.ClearField("request_id")
        permission = self.methods[call.method]
        serialized = content.SerializeToString(deterministic=True)
        asked = Asked(permission, content.DESCRIPTOR.full_name, serialized, digest, self.patience_us)
        return ApprovalNeeded(approvals.ask(tx, call, asked))


NO_GUARDS = Guards({}, 0)


def guards(
    settings: Settings,
    services: Sequence[ServiceDescriptor],
    permissions: Mapping[str, str],
    *,
    scheduled: Collection[str] = (),
) -> Guards:
    """The guards that the settings ask for; `scheduled` are the methods that a schedule can carry out.

    Raises: BadSettings with a line for each name that guards nothing.
    """
    methods = {f"{service.full_name}/{method.name}": method for service in services for method in service.methods}
    guarded: dict[str, str] = {}
    lines = []
    for name in filter(None, map(str.strip, settings.two_person.split(","))):
        chosen = [full for full in methods if name in {full, full.rpartition("/")[2], permissions[full]}]
        changing = [full for full in chosen if permissions[full] not in {*READ, _OWN}]
        lines += [f"{PREFIX}TWO_PERSON: {line}" for line in _mistakes(name, chosen, changing, methods)]
        guarded |= {full: permissions[full] for full in changing}
    if not guarded.keys().isdisjoint(scheduled):
        guarded |= {full: permissions[full] for full in SCHEDULING}
    if lines:
        raise BadSettings(lines)
    return Guards(guarded, round(settings.approval_hours * _HOUR_US))


def _mistakes(
    name: str, chosen: Iterable[str], changing: Iterable[str], methods: Mapping[str, MethodDescriptor]
) -> list[str]:
    if not chosen:
        return [f"{name!r} is the name of no method and no permission"]
    if not changing:
        return [f"{name!r} changes nothing that a second person could agree to"]
    return [
        f"{name!r} lets in {full}, a stream, which cannot wait for a second person; name methods instead"
        for full in changing
        if methods[full].client_streaming or methods[full].server_streaming
    ]
