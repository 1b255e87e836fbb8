"""Where a notification of a run leads to (PLT-25)."""

from __future__ import annotations

from collections.abc import Mapping

from domain.data_files.model import set_name
from domain.gl_extraction.extraction.model import order_from_document
from domain.gl_extraction.names import batch_name
from domain.operations.model import Operation


def links(operation: Operation) -> Mapping[str, str]:
    """The run's batch, and the set of its files once they are there."""
    set_code = operation.result.get("data_file_set", "")
    batch = {"extraction_batch": batch_name(order_from_document(operation.request).batch_no)}
    return batch | ({"data_file_set": set_name(set_code)} if set_code else {})
