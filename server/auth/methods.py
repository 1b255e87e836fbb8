"""What each method needs (PLT-12).

Permissions stand in the contract as a method option; those of methods that are not ours stand here in a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from google.protobuf.descriptor import ServiceDescriptor

from countinghouse.operations.v1 import permission_pb2
from server.auth.principal import Principal
from server.gate.errors import PermissionDenied

OPEN = ""
"""The permission of methods that anybody may call."""

OTHERS: Mapping[str, str] = {
    "google.longrunning.Operations/ListOperations": "read",
    "google.longrunning.Operations/GetOperation": "read",
    "google.longrunning.Operations/WaitOperation": "read",
    "google.longrunning.Operations/CancelOperation": "manageoperations",
    "google.longrunning.Operations/DeleteOperation": "manageoperations",
    "grpc.health.v1.Health/Check": OPEN,
    "grpc.health.v1.Health/List": OPEN,
    "grpc.health.v1.Health/Watch": OPEN,
    "grpc.reflection.v1.ServerReflection/ServerReflectionInfo": OPEN,
    "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": OPEN,
    "grpc.channelz.v1.Channelz/GetTopChannels": "read",
    "grpc.channelz.v1.Channelz/GetServers": "read",
    "grpc.channelz.v1.Channelz/GetServer": "read",
    "grpc.channelz.v1.Channelz/GetServerSockets": "read",
    "grpc.channelz.v1.Channelz/GetChannel": "read",
    "grpc.channelz.v1.Channelz/GetSubchannel": "read",
    "grpc.channelz.v1.Channelz/GetSocket": "read",
}
"""Methods of other contracts. Health and the contract itself are no secret; channelz tells who is connected."""


WITHIN = frozenset({"performqualifiedaccounting"})
"""Permissions that a method looks at beside its own: what a caller may do depends on what is asked for."""


def permissions_of(services: Sequence[ServiceDescriptor]) -> dict[str, str]:
    """The permission of every method of the services, by full name without the leading slash.

    Raises: LookupError naming the methods that have none: the server must not start with them.
    """
    found: dict[str, str] = {}
    missing = []
    for service in services:
        for method in service.methods:
            name = f"{service.full_name}/{method.name}"
            permission = method.GetOptions().Extensions[permission_pb2.permission]
            if permission:
                found[name] = permission
            elif name in OTHERS:
                found[name] = OTHERS[name]
            else:
                missing.append(name)
    if missing:
        raise LookupError(f"no permission is named for {', '.join(missing)}")
    return found


def permit(principal: Principal, method: str, permission: str) -> None:
    """Let the caller pass. Raises: PermissionDenied naming what is missing."""
    if permission != OPEN and permission not in principal.permissions:
        raise PermissionDenied(permission=permission, method=method)
