"""Worker processes that know batches of invoices; a module of its own, for the fork server to import."""

from __future__ import annotations

from dataclasses import dataclass

from domain.operations.model import Job
from tests.invoicing.batches.house import jobs
from tests.operations.processes import Plan


@dataclass(frozen=True, slots=True)
class BatchesPlan(Plan):
    """A worker process that knows batches of invoices."""

    def jobs(self) -> tuple[Job, ...]:
        return jobs({})
