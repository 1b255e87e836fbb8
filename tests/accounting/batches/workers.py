"""Worker processes that know batch files; a module of its own, for the fork server to import."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from domain.accounting.batches.generating import ChunkSizes, Generation
from domain.accounting.batches.regenerating import Regeneration
from domain.accounting.configuration.snapshot import Configurations
from domain.flows.accounting import Posting
from domain.operations.model import Job
from server.outbound.files import LocalFiles
from tests.operations.processes import Plan

SIZES = ChunkSizes(3, 3, 3, 3)


@dataclass(frozen=True, slots=True)
class FilingPlan(Plan):
    """A worker process that knows batch files; they lie in `folder`."""

    folder: str = ""

    def jobs(self) -> tuple[Job, ...]:
        files = LocalFiles(Path(self.folder))
        return Generation(files, Configurations(), Posting(), (), SIZES).job(), Regeneration(files).job()
