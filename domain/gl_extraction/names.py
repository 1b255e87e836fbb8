"""Resource names of the room (AIP-122), made and read in one place."""

from __future__ import annotations

from domain.gl_extraction.tables import BUCKETS
from domain.kernel.ids import from_base32, to_base32

LEDGER_TYPE = "countinghouse.gl_extraction/Ledger"
GROUP_ACCOUNT_TYPE = "countinghouse.gl_extraction/GroupAccount"
DISTRIBUTION_CODE_TYPE = "countinghouse.gl_extraction/DistributionCode"
PERIOD_TYPE = "countinghouse.gl_extraction/AccountingPeriod"
DETAIL_TYPE = "countinghouse.gl_extraction/AccountingDetail"

_DETAIL_PREFIX = "accountingDetails/"
_DETAIL_WIDTH = 13  # characters of base 32 that hold every 63-bit number
_DETAIL_ID_END = 1 << 63


def detail_name(detail_id: int) -> str:
    """`accountingDetails/{id}`; the names of details sort as their ids do: by age."""
    return _DETAIL_PREFIX + to_base32(detail_id, _DETAIL_WIDTH)


def detail_id_of(name: str) -> int | None:
    """The id that `detail_name` wrote; None when it wrote no such name."""
    detail_id = from_base32(name.removeprefix(_DETAIL_PREFIX))
    if detail_id is None or not 0 < detail_id < _DETAIL_ID_END or detail_name(detail_id) != name:
        return None
    return detail_id


def bucket_of(detail_id: int) -> int:
    """The bucket that a detail lies in: its id tells."""
    return detail_id % BUCKETS


def ledger_name(code: str) -> str:
    """`ledgers/{code}`."""
    return f"ledgers/{code}"


def group_account_name(code: str) -> str:
    """`groupAccounts/{code}`."""
    return f"groupAccounts/{code}"


def distribution_code_name(code: str) -> str:
    """`distributionCodes/{code}`."""
    return f"distributionCodes/{code}"


def period_name(ledger_code: str, code: str) -> str:
    """`ledgers/{ledger}/accountingPeriods/{code}`."""
    return f"ledgers/{ledger_code}/accountingPeriods/{code}"


def batch_name(batch_no: int) -> str:
    """`extractionBatches/{number}`."""
    return f"extractionBatches/{batch_no}"


def trial_balance_name(ledger_code: str, period_code: str) -> str:
    """`ledgers/{ledger}/accountingPeriods/{code}/trialBalance`."""
    return f"{period_name(ledger_code, period_code)}/trialBalance"
