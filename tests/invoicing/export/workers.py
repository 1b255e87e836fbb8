"""Worker processes that export and publish; a module of its own, for the fork server to import."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from domain.operations.model import Job
from tests.invoicing.export.dock import jobs
from tests.operations.processes import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPlan(Plan):
    """A worker process that exports into a folder, and publishes."""

    folder: Path

    def jobs(self) -> tuple[Job, ...]:
        return jobs(self.folder)
