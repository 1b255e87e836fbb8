"""Words and dates of options, and what they are on the wire."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

import typer
from typer.models import OptionInfo

if TYPE_CHECKING:
    from google.protobuf.internal.enum_type_wrapper import _EnumTypeWrapper
    from google.protobuf.timestamp_pb2 import Timestamp
    from google.type.date_pb2 import Date
    from google.type.timeofday_pb2 import TimeOfDay

NumberT = TypeVar("NumberT", bound=int)

INSTANT_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


class Origin(StrEnum):
    """Where details come from."""

    REGISTRATION = "registration"
    FINANCIAL = "financial"


class SubjectType(StrEnum):
    """What a detail is about."""

    POLICY = "policy"
    CLAIM = "claim"
    ACCOUNT = "account"


class ExtractionStatus(StrEnum):
    """Whether a detail was extracted."""

    UNEXTRACTED = "unextracted"
    EXTRACTED = "extracted"


class FileFormat(StrEnum):
    """How files of messages are written."""

    JSON = "json"
    JSON_LINES = "json-lines"
    CSV = "csv"


class BatchState(StrEnum):
    """Where an extraction batch stands."""

    SELECTING = "selecting"
    PREPARED = "prepared"
    COMPLETED = "completed"
    CANCELED = "canceled"


class ReceiptState(StrEnum):
    """What the receiver has said of a message."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    REJECTED = "rejected"


def number(enum: "_EnumTypeWrapper[NumberT]", choice: StrEnum | None) -> NumberT:
    """The number of a choice in a generated enum; that of `…_UNSPECIFIED` when none was made."""
    unspecified = enum.keys()[0]
    return enum.Value(unspecified.removesuffix("UNSPECIFIED") + ("UNSPECIFIED" if choice is None else choice.name))


def day_option(*names: str, text: str) -> OptionInfo:
    """An option that takes a day."""
    option: OptionInfo = typer.Option(*names, formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help=text)
    return option


def day(value: datetime | None) -> "Date | None":
    """A day for the wire."""
    from countinghouse.values import date_to_proto

    return None if value is None else date_to_proto(value.date())


def time_of_day(value: datetime | None) -> "TimeOfDay | None":
    """A time of day, to the minute, for the wire."""
    from google.type.timeofday_pb2 import TimeOfDay

    return None if value is None else TimeOfDay(hours=value.hour, minutes=value.minute)


def instant(value: datetime | None) -> "Timestamp | None":
    """An instant given in UTC, for the wire."""
    from google.protobuf.timestamp_pb2 import Timestamp

    if value is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(value.replace(tzinfo=UTC))
    return stamp
