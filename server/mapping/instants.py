"""Instants of the contract as microseconds UTC."""

from __future__ import annotations

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from domain.kernel.errors import Invalid, Violation


def instant_from_proto(message: Message, field: str, *, path: str = "") -> int | None:
    """The instant in a field, cut to microseconds; None when it is not given. `path` is that of the message.

    Raises: Invalid (INSTANT_OUT_OF_RANGE) for one that is none, or not after 1970.
    """
    if not message.HasField(field):
        return None
    value: Timestamp = getattr(message, field)
    try:
        us = value.ToMicroseconds()
    except ValueError:
        us = 0
    if us <= 0:
        at = f"{path}.{field}" if path else field
        raise Invalid(Violation(at, "INSTANT_OUT_OF_RANGE", "must be an instant after 1970"))
    return us
