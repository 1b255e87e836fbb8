"""Long-running operations and the audit trail."""

from server.servicers.operations.audit import AuditServicer
from server.servicers.operations.longrunning import LongRunningServicer
from server.servicers.operations.watching import OperationsServicer

__all__ = ["AuditServicer", "LongRunningServicer", "OperationsServicer"]
