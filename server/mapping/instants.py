"""Instants of the contract as microseconds UTC."""

from __future__ import annotations

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from domain.kernel.errors import Invalid, Violation


def instant_from_proto(message: Message, field: str) -> int | None:
    """The instant in a field, cut to microseconds; None when it is not given.

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
        raise Invalid(Violation(field, "INSTANT_OUT_OF_RANGE", "must be an instant after 1970"))
    return us
