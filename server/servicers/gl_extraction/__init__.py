"""The GLExtractionService, put together from its groups of methods."""

from __future__ import annotations

from domain.gl_extraction.extraction.model import Limits
from domain.gl_extraction.extraction.service import Settings
from domain.kernel.time import BusinessZone
from server.call import Calls
from server.servicers.gl_extraction.balances import BalancesMethods
from server.servicers.gl_extraction.details import DetailsMethods
from server.servicers.gl_extraction.distribution_codes import DistributionCodeMethods
from server.servicers.gl_extraction.extraction import ExtractionMethods
from server.servicers.gl_extraction.receipts import ReceiptsMethods
from server.servicers.gl_extraction.reference import ReferenceMethods


class GLExtractionServicer(
    DetailsMethods, ExtractionMethods, BalancesMethods, ReceiptsMethods, ReferenceMethods, DistributionCodeMethods
):
    """Keeps accounting details and extracts them; `rows_per_chunk` of a bulk stream go into one transaction."""

    def __init__(self, calls: Calls, *, zone: BusinessZone, rows_per_chunk: int, limits: Limits) -> None:
        self._calls = calls
        self._zone = zone
        self._rows_per_chunk = rows_per_chunk
        self._extraction = Settings(zone, limits)
