"""What algorithms add to bills must be something that the general ledger takes: else its algorithm is named (BIL-12).

What segments of usage are posted by was checked when it was configured; an answer is checked when it is given.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from domain.billing.algorithms.errors import AlgorithmFailed
from domain.billing.bills.booking import Ledger
from domain.billing.segments.model import Segment
from domain.billing.segments.states import SegmentKind


def require_postable(tx: Connection, ledger: Ledger, segments: Iterable[Segment]) -> None:
    """Refuse what an algorithm has added by a distribution code that there is not, or that is of another ledger.

    Cost: one statement where there is an adjustment, else none. Raises: AlgorithmFailed.
    """
    added = [each for each in segments if each.kind is SegmentKind.ADJUSTMENT]
    if not added:
        return
    named = {code for each in added for code in _codes(each)}
    ledgers = ledger.ledgers(tx, named)
    for each in added:
        (line,) = each.worked.lines
        code, receivable = _codes(each)
        if code not in ledgers:
            why = f"distribution_code of an adjustment: there is no distribution code {code}"
            raise AlgorithmFailed(line.component, each.agreement_id, why)
        if ledgers[code] != ledgers.get(receivable, ledgers[code]):
            why = (
                f"distribution_code of an adjustment: {code} feeds the ledger {ledgers[code]}, and what is owed"
                f" {ledgers[receivable]}: the books of both would be out of balance"
            )
            raise AlgorithmFailed(line.component, each.agreement_id, why)


def _codes(segment: Segment) -> tuple[str, str]:
    (line,) = segment.worked.lines
    return line.distribution_code, segment.receivable_code
