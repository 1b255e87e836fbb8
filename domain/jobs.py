"""Every kind of long-running work: one line a room."""

from domain.accounting.batches.generating import Generation
from domain.accounting.batches.regenerating import Regeneration
from domain.accounting.configuration.snapshot import Configurations
from domain.data_files.storage import FileStore
from domain.data_files.transmissions import Routes
from domain.flows.accounting import Posting
from domain.gl_extraction.extraction.jobs import ChunkSizes, Extraction
from domain.operations.model import Job


def jobs(files: FileStore, routes: Routes = ()) -> tuple[Job, ...]:
    """The jobs that this program knows how to carry out; they write their files to `files`, and have them sent."""
    return (
        Extraction(files, ChunkSizes(), routes).job(),
        Generation(files, Configurations(), Posting(), routes).job(),
        Regeneration(files, routes).job(),
    )
