"""Worker processes that create interval data; a module of its own, for the fork server to import."""

from __future__ import annotations

from dataclasses import dataclass

from domain.billing.configuration.snapshot import Configurations
from domain.billing.creation.jobs import Creation
from domain.operations.model import Job
from tests.billing.runs.workers import nobody_fails
from tests.operations.processes import Plan


@dataclass(frozen=True, slots=True)
class CreationPlan(Plan):
    """A worker process that creates interval data."""

    def jobs(self) -> tuple[Job, ...]:
        return (Creation(Configurations(), nobody_fails).job(),)
