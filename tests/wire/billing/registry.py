"""What billing is configured with, over the wire in few words: requests as JSON says them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message_factory import GetMessageClass

from countinghouse.billing.v1 import billing_service_pb2
from countinghouse.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from tests.support.server import refusal

Fields = Mapping[str, Any]
_METHODS = billing_service_pb2.DESCRIPTOR.services_by_name["BillingService"].methods_by_name
_SERVERS = ("name", "create_time", "update_time", "etag")


@dataclass(frozen=True, slots=True)
class Registry:
    """Calls by the names of the contract's methods."""

    billing: BillingServiceStub

    def call(self, method: str, /, **fields: Any) -> Any:
        """The answer to a request."""
        request = ParseDict(fields, GetMessageClass(_METHODS[method].input_type)())
        return getattr(self.billing, method)(request)

    def create(self, kind: str, code: str, /, *, request: Fields | None = None, **fields: Any) -> Any:
        """An entry; `request` are fields beside it."""
        return self.call(f"Create{kind}", **{_word(kind): {"code": code, **fields}}, **(request or {}))

    def get(self, kind: str, name: str) -> Any:
        """The entry of a name."""
        return self.call(f"Get{kind}", name=name)

    def update(self, kind: str, name: str, /, *mask: str, **fields: Any) -> Any:
        """Change an entry, whatever its etag, unless it is given."""
        etag = fields.pop("etag", None) or self.get(kind, name).etag
        changed = {"name": name, "etag": etag, **fields}
        return self.call(f"Update{kind}", **{_word(kind): changed}, update_mask=",".join(map(_camel, mask or fields)))


def told(entry: Any) -> dict[str, Any]:
    """What an entry says, without what is the server's alone."""
    found = MessageToDict(entry, preserving_proto_field_name=True)
    return {name: value for name, value in found.items() if name not in _SERVERS}


def wrong(call: Callable[[], object]) -> list[tuple[str, str]]:
    """The fields and reasons for which a call is refused."""
    refused = refusal(call)
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT, refused
    return refused.violations


def day(year: int, month: int, number: int) -> Any:
    """A date."""
    return {"year": year, "month": month, "day": number}


def _word(kind: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind).lstrip("_")


def _camel(path: str) -> str:
    first, *rest = path.split("_")
    return first + "".join(part.title() for part in rest)
