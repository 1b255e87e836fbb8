"""Durations of the contract as microseconds, and back."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

_SECOND_US = 1_000_000


def duration_from_proto(message: Message, field: str, *, default: int = 0) -> int:
    """The duration in a field, of either sign, cut to microseconds; `default` when it is not given."""
    if not message.HasField(field):
        return default
    value: Duration = getattr(message, field)
    return value.seconds * _SECOND_US + value.nanos // 1_000


def duration_to_proto(us: int) -> Duration | None:
    """Microseconds as a duration; 0 is none."""
    return Duration(seconds=us // _SECOND_US, nanos=us % _SECOND_US * 1_000) if us else None
