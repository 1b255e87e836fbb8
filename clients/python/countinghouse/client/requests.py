"""What is done to every request before it goes out."""

import uuid
from typing import TypeVar

from google.protobuf.message import Message

SAFE_VERBS = ("Get", "List", "Wait", "Check", "Reconcile", "Cancel")  # canceling twice is canceling once

RequestT = TypeVar("RequestT", bound=Message)


def with_request_id(request: RequestT) -> RequestT:
    """The request with an id of its own, when it takes one and the caller gave none (PLT-06).

    The caller's message stays as it is: sent once more, it is another call, not a repetition of the first.
    """
    if "request_id" not in request.DESCRIPTOR.fields_by_name or request_id_of(request):
        return request
    stamped = type(request)()
    stamped.CopyFrom(request)
    setattr(stamped, "request_id", str(uuid.uuid4()))  # noqa: B010 - the field is known to exist, its type is not
    return stamped


def is_safe_to_repeat(request: Message) -> bool:
    """Tell whether a unary call with this request may be made twice and have its effect once."""
    return request.DESCRIPTOR.name.startswith(SAFE_VERBS) or "request_id" in request.DESCRIPTOR.fields_by_name


def request_id_of(request: Message) -> str:
    """The request's id; empty when it has none."""
    return str(getattr(request, "request_id", ""))
