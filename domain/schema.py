"""Every table of the product: one line a room."""

from domain.accounting import tables as accounting
from domain.approvals import tables as approvals
from domain.billing import tables as billing
from domain.data_files import tables as data_files
from domain.deliveries import tables as deliveries
from domain.gl_extraction import tables as gl_extraction
from domain.invoicing import tables as invoicing
from domain.kernel import tables as kernel
from domain.kernel.columns import metadata
from domain.notifications import tables as notifications
from domain.operations import tables as operations
from domain.schedules import tables as schedules

__all__ = [
    "accounting",
    "approvals",
    "billing",
    "data_files",
    "deliveries",
    "gl_extraction",
    "invoicing",
    "kernel",
    "metadata",
    "notifications",
    "operations",
    "schedules",
]
