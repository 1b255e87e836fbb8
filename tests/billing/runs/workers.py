"""Worker processes that know billing runs; a module of its own, for the fork server to import."""

from __future__ import annotations

from dataclasses import dataclass

from domain.billing.bills.completing import Bench
from domain.billing.configuration.snapshot import Configurations
from domain.billing.runs.jobs import ChunkSizes, Runs
from domain.flows.billing import Billed
from domain.flows.invoices import RunningInvoices
from domain.operations.model import Job
from tests.operations.processes import Plan

SIZES = ChunkSizes(3, 3)


def nobody_fails(account_id: str, error: Exception) -> None:
    """Whatever is unforeseen here is a mistake of ours."""
    raise AssertionError(account_id) from error


@dataclass(frozen=True, slots=True)
class RunsPlan(Plan):
    """A worker process that knows billing runs."""

    sizes: ChunkSizes = SIZES

    def jobs(self) -> tuple[Job, ...]:
        return Runs(Bench(Configurations(), Billed(), RunningInvoices()), nobody_fails, sizes=self.sizes).jobs()
