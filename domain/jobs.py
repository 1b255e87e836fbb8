"""Every kind of long-running work: one line a room."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from domain.accounting.batches.generating import Generation
from domain.accounting.batches.regenerating import Regeneration
from domain.accounting.configuration.snapshot import Configurations
from domain.billing.algorithms.registry import Algorithms
from domain.billing.bills.completing import Bench
from domain.billing.configuration.snapshot import Configurations as BillingConfigurations
from domain.billing.creation.asking import Hooks as DataHooks
from domain.billing.creation.jobs import Creation
from domain.billing.runs.asking import Hooks as BillHooks
from domain.billing.runs.deciding import Report
from domain.billing.runs.jobs import Runs
from domain.data_files.storage import FileStore
from domain.data_files.transmissions import Routes
from domain.flows.accounting import Posting
from domain.flows.billing import Billed
from domain.flows.invoices import RunningInvoices, billing_cycles
from domain.flows.invoicing import Invoiced
from domain.flows.publishing import InvoicedMarks
from domain.gl_extraction.extraction.jobs import ChunkSizes, Extraction
from domain.invoicing.batches import engines
from domain.invoicing.batches.advancing import Advance
from domain.invoicing.batches.aggregation import Aggregation
from domain.invoicing.batches.canceling import Cancellation
from domain.invoicing.batches.hooks import Hookpoint
from domain.invoicing.batches.publishing import Publication
from domain.invoicing.export import engines as export_engines
from domain.invoicing.export.jobs import Export
from domain.operations.model import Job


def _to_nobody(_account_id: str, _error: Exception) -> None:
    """Of use where there is no log: the billing exception says that there is more to know."""


class Hooks(BillHooks, DataHooks, Protocol):
    """Asks algorithms over the network, about bills and for interval data."""


@dataclass(frozen=True, slots=True)
class Offered:
    """What this process offers billing: its algorithms, those over the network, and a log of what nobody foresaw."""

    algorithms: Algorithms = field(default_factory=Algorithms)
    hooks: Hooks | None = None
    report: Report = _to_nobody


_NO_HOOKPOINTS: Mapping[str, Hookpoint] = {}


def jobs(
    files: FileStore,
    routes: Routes = (),
    billing: Offered = Offered(),
    hookpoints: Mapping[str, Hookpoint] = _NO_HOOKPOINTS,
) -> tuple[Job, ...]:
    """The jobs that this program knows how to carry out.

    They write their files to `files`, and have them sent; `hookpoints` are asked for batches of invoices, by key.
    """
    bench = Bench(
        BillingConfigurations(billing.algorithms.creations, billing_cycles),
        Billed(),
        RunningInvoices(),
        billing.algorithms,
    )
    return (
        Extraction(files, ChunkSizes(), routes).job(),
        Generation(files, Configurations(), Posting(), routes).job(),
        Regeneration(files, routes).job(),
        *Runs(bench, billing.report, billing.hooks).jobs(),
        Creation(bench.configurations, billing.report, billing.hooks).job(),
        Advance(Invoiced(), hookpoints).job(),
        Aggregation().job(),
        Cancellation().job(),
        engines.job(),
        Export(files, routes).job(),
        export_engines.job(),
        Publication(InvoicedMarks()).job(),
    )
