"""Worker processes that know extraction; a module of its own, for the fork server to import once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from domain.gl_extraction.extraction.jobs import ChunkSizes, Extraction
from domain.operations.model import Job
from server.outbound.files import LocalFiles
from tests.operations.processes import Plan

SIZES = ChunkSizes(5, 5)


@dataclass(frozen=True, slots=True)
class ExtractingPlan(Plan):
    """A worker process that knows extraction; its files lie in `folder`."""

    folder: str = ""

    def jobs(self) -> tuple[Job, ...]:
        return (Extraction(LocalFiles(Path(self.folder)), SIZES).job(),)
