"""The states of bills, segments and exceptions, and the edges between them (BIL-10, BIL-12)."""

from __future__ import annotations

from enum import StrEnum


class BillKind(StrEnum):
    """What a bill is."""

    REGULAR = "REGULAR"
    CREDIT_NOTE = "CREDIT_NOTE"


class BillState(StrEnum):
    """Where a bill stands."""

    PENDING = "PENDING"
    COMPLETE = "COMPLETE"


class SegmentKind(StrEnum):
    """What a segment is."""

    USAGE = "USAGE"  # what an agreement comes to in a period
    ADJUSTMENT = "ADJUSTMENT"  # what an algorithm adds as the bill is completed, such as the rest to a minimum


class SegmentState(StrEnum):
    """Where a segment stands (BIL-10)."""

    INCOMPLETE = "INCOMPLETE"
    ERROR = "ERROR"
    FREEZABLE = "FREEZABLE"
    FROZEN = "FROZEN"
    PENDING_CANCEL = "PENDING_CANCEL"
    CANCELED = "CANCELED"


DELETABLE = frozenset({SegmentState.INCOMPLETE, SegmentState.ERROR, SegmentState.FREEZABLE})
"""What may be deleted and made again; the others are on the bill and in the general ledger."""


UNSOUND = frozenset({SegmentState.INCOMPLETE, SegmentState.ERROR})
"""What keeps a bill from being completed."""


LIVE = frozenset({SegmentState.FROZEN, SegmentState.PENDING_CANCEL})
"""What was billed: its days are not billed again."""


class ExceptionState(StrEnum):
    """Where a billing exception stands."""

    OPEN = "OPEN"
    ACCEPTED = "ACCEPTED"  # a person let the segment pass, with a note
    RESOLVED = "RESOLVED"  # what it was about was made again, or is gone, or a person said so
