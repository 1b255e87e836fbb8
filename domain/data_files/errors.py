"""What data files refuse."""

from __future__ import annotations

from domain.data_files.model import DESTINATION_TYPE, FILE_TYPE, SET_TYPE, set_name
from domain.data_files.rules import OF_INVOICES, is_code
from domain.kernel.errors import Damaged, Invalid, NotFound, OutOfRange, Refused, Stale, Unavailable, Violation


class DataFileSetLocked(Refused):
    """The data file set is locked and gains no files; unlock it or name another."""

    reason = "DATA_FILE_SET_LOCKED"

    def __init__(self, code: str) -> None:
        name = set_name(code)
        super().__init__(
            f"{name} is locked and gains no files; unlock it or name another",
            resource_type=SET_TYPE,
            resource_name=name,
        )


class DataFileSetElsewhere(Refused):
    """The data file set's code is kept for runs of another scope; name another."""

    reason = "DATA_FILE_SET_ELSEWHERE"


class DataFileSetCodeInvalid(Invalid):
    """A data file set's code is made of letters, digits, dots, dashes and underscores, and not of dots alone."""

    reason = "DATA_FILE_SET_CODE_INVALID"

    def __init__(self, field: str) -> None:
        super().__init__(_malformed(field))


class DataFileSetCodeReserved(Invalid):
    """The codes that begin with invoices- are those of the sets that invoice batches are exported to; name another."""

    reason = "DATA_FILE_SET_CODE_RESERVED"

    def __init__(self, field: str) -> None:
        super().__init__(_reserved(field))


class DataFileSetStale(Stale):
    """The data file set was changed by others since it was read; read it again."""

    def __init__(self, code: str, *, etag: str) -> None:
        super().__init__(
            f"{set_name(code)} was changed since it had the etag {etag!r}; read it again",
            resource_type=SET_TYPE,
            resource_name=set_name(code),
        )


class OffsetPastEnd(OutOfRange):
    """The file ends before the offset."""

    reason = "OFFSET_PAST_END"


class FileDamaged(Damaged):
    """What is stored of the file is not what was written."""

    reason = "DATA_FILE_DAMAGED"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"what is stored of {name} is not what was written", resource_type=FILE_TYPE, resource_name=name
        )


class DestinationNotFound(NotFound):
    """There is no such destination in the server's settings."""

    reason = "TRANSMISSION_DESTINATION_NOT_FOUND"

    def __init__(self, destination: str) -> None:
        super().__init__(DESTINATION_TYPE, f"transmissionDestinations/{destination}")


class SetHasNoDestination(Refused):
    """No destination is named for the data file set in the server's settings."""

    reason = "TRANSMISSION_NOT_CONFIGURED"

    def __init__(self, code: str) -> None:
        super().__init__(resource_type=SET_TYPE, resource_name=set_name(code))


class StorageFull(Unavailable):
    """There is no room left for data files; make room, then recover the operation."""

    reason = "DATA_FILES_STORAGE_FULL"


class StorageUnavailable(Unavailable):
    """The place of the data files cannot be written or read just now."""

    reason = "DATA_FILES_STORAGE_UNAVAILABLE"


def code_violation(field: str, code: str) -> Violation | None:
    """What is wrong with a code for a set that somebody gives in `field`; no code is none."""
    if not code:
        return None
    if is_code(code):
        return _reserved(field) if code.startswith(OF_INVOICES) else None
    return _malformed(field)


def _malformed(field: str) -> Violation:
    sentence = "must be letters, digits, dots, dashes and underscores, at most 64, and not dots alone"
    return Violation(field, DataFileSetCodeInvalid.reason, sentence)


def _reserved(field: str) -> Violation:
    sentence = f"must not begin with {OF_INVOICES}, as the sets do that invoice batches are exported to"
    return Violation(field, DataFileSetCodeReserved.reason, sentence)
