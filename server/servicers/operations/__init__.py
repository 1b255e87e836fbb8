"""Long-running operations, approvals, schedules, notifications, data files and the audit trail."""

from server.servicers.operations.approvals import ApprovalsServicer
from server.servicers.operations.audit import AuditServicer
from server.servicers.operations.data_files import DataFilesServicer
from server.servicers.operations.longrunning import LongRunningServicer
from server.servicers.operations.notifications import NotificationsServicer
from server.servicers.operations.schedules import SchedulesServicer
from server.servicers.operations.watching import OperationsServicer

__all__ = [
    "ApprovalsServicer",
    "AuditServicer",
    "DataFilesServicer",
    "LongRunningServicer",
    "NotificationsServicer",
    "OperationsServicer",
    "SchedulesServicer",
]
