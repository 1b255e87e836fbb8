"""What is refused of exports."""

from __future__ import annotations

from domain.invoicing.names import EXPORT_TYPE, export_name
from domain.kernel.errors import NotFound, Refused


class ExportNotFound(NotFound):
    """There is no such export record."""

    reason = "EXPORT_RECORD_NOT_FOUND"

    def __init__(self, batch_id: str, export_no: int) -> None:
        super().__init__(EXPORT_TYPE, export_name(batch_id, export_no))


class ExportNotPending(Refused):
    """The export record is done: nothing is left to be exported."""

    reason = "EXPORT_RECORD_DONE"

    def __init__(self, batch_id: str, export_no: int) -> None:
        name = export_name(batch_id, export_no)
        super().__init__(f"{name} is done: nothing is left to be exported", resource_name=name)
