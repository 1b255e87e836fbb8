"""Which kind of operation is told how: one line a kind."""

from __future__ import annotations

from collections.abc import Mapping

from google.longrunning import operations_pb2

from domain.accounting.batches.model import GENERATE_KIND, REGENERATE_KIND
from domain.billing.creation.model import CREATE_KIND
from domain.billing.runs.model import PREVIEW_KIND, RUN_KIND
from domain.gl_extraction.extraction.model import JOB_KIND
from domain.invoicing.batches.model import ADVANCE_KIND, AGGREGATE_KIND, CANCEL_KIND, ENGINE_KIND, PUBLISH_KIND
from domain.invoicing.export.model import EXPORT_ENGINE_KIND, EXPORT_KIND
from domain.operations.model import Operation
from server.mapping.accounting import batches
from server.mapping.billing import interval_data_sets, runs
from server.mapping.gl_extraction import extraction
from server.mapping.invoicing import invoice_batches, invoice_exports
from server.mapping.operations import PLAIN, Packing, operation_to_proto

PACKINGS: Mapping[str, Packing] = {
    JOB_KIND: extraction.PACKING,
    GENERATE_KIND: batches.GENERATION,
    REGENERATE_KIND: batches.REGENERATION,
    RUN_KIND: runs.RUN,
    PREVIEW_KIND: runs.RUN,
    CREATE_KIND: interval_data_sets.CREATION,
    ADVANCE_KIND: invoice_batches.ADVANCE,
    CANCEL_KIND: invoice_batches.ADVANCE,
    ENGINE_KIND: invoice_batches.ENGINE,
    AGGREGATE_KIND: invoice_batches.AGGREGATION,
    PUBLISH_KIND: invoice_batches.ADVANCE,
    EXPORT_KIND: invoice_batches.ADVANCE,
    EXPORT_ENGINE_KIND: invoice_exports.ENGINE,
}
"""By the kind of the job."""


def to_proto(operation: Operation) -> operations_pb2.Operation:
    """The operation with the metadata and the response of its kind."""
    return operation_to_proto(operation, PACKINGS.get(operation.kind, PLAIN))
