"""The GLExtractionService, put together from its groups of methods."""

from __future__ import annotations

from domain.kernel.time import BusinessZone
from server.call import Calls
from server.servicers.gl_extraction.details import DetailsMethods
from server.servicers.gl_extraction.reference import ReferenceMethods


class GLExtractionServicer(DetailsMethods, ReferenceMethods):
    """Keeps accounting details and extracts them; `rows_per_chunk` of a bulk stream go into one transaction."""

    def __init__(self, calls: Calls, *, zone: BusinessZone, rows_per_chunk: int) -> None:
        self._calls = calls
        self._zone = zone
        self._rows_per_chunk = rows_per_chunk
