"""What writing and reading batch files refuses."""

from __future__ import annotations

from enum import StrEnum

from domain.kernel.errors import Damaged, Refused


class BatchRecordsDiffer(Damaged):
    """The records of a batch are not those that were counted when it was made."""

    reason = "ACCOUNTING_BATCH_RECORDS_DIFFER"


class BatchValueTooWide(Refused):
    """A value does not fit into its column of a file of fixed width."""

    reason = "ACCOUNTING_BATCH_VALUE_TOO_WIDE"

    def __init__(self, field: str, *, width: int, where: str) -> None:
        message = f"{where}: {field} has more than the {width} characters of its column in a file of fixed width"
        super().__init__(message, field=field, width=width, where=where)


class FileFault(StrEnum):
    """What can be wrong with a batch file."""

    MALFORMED = "MALFORMED"  # a line or a field cannot be read
    UNEXPECTED = "UNEXPECTED"  # a line of this type does not belong here
    DUPLICATE = "DUPLICATE"  # a record or a total is there twice
    MISSING = "MISSING"  # a record was left out
    UNBALANCED = "UNBALANCED"  # the two steps of an operation do not belong together
    COUNT = "COUNT"
    TOTALS = "TOTALS"
    CHECKSUM = "CHECKSUM"
    TRUNCATED = "TRUNCATED"  # the end is missing


class BatchFileDamaged(Damaged):
    """A batch file is not as it was written."""

    reason = "ACCOUNTING_BATCH_FILE_DAMAGED"

    def __init__(self, fault: FileFault, text: str, *, line: int, field: str = "") -> None:
        place = f"line {line}, {field}" if field else f"line {line}"
        super().__init__(f"{place}: {text}", fault=fault, line=line, field=field)
        self.fault = fault
        self.line = line
        self.field = field
