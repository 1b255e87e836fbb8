"""The manifest of a batch's files: what there is of each invoice, and what all of them come to (INV-15, PLT-30)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import orjson

from domain.data_files.model import ChainEnd, DataFile
from domain.invoicing.batches.model import Batch
from domain.kernel.money import decimal_text

FORMAT = "countinghouse-invoice-manifest-1"
MEDIA_TYPE = "application/json"


def render(batch: Batch, after: ChainEnd, invoice_count: int, files: Iterable[DataFile]) -> Iterator[bytes]:
    """The manifest in pieces: the batch's facts, then a line for each file, in their order and less the manifest.

    `after` is where the set's chain of manifests ended before it.
    """
    yield orjson.dumps(_facts(batch, after, invoice_count))[:-1]  # the object goes on below
    yield b',"files":['
    before = b"\n"
    for file in files:
        yield before + orjson.dumps(_file(file))
        before = b",\n"
    yield b"\n]}\n"


def _facts(batch: Batch, after: ChainEnd, invoice_count: int) -> dict[str, object]:
    previous = {"previousManifestSha256": after.sha256} if after.count else {}
    totals = batch.counts.get("totals", {})
    return {
        "format": FORMAT,
        "manifestNumber": after.count + 1,
        **previous,
        "invoiceBatch": batch.batch_id,
        "kind": batch.kind.value,
        "billingCycle": batch.cycle_code,
        "invoiceSchedules": list(batch.schedules),
        "issueDate": f"{batch.issue_day // 10_000:04}-{batch.issue_day // 100 % 100:02}-{batch.issue_day % 100:02}",
        "dataFileSet": batch.data_file_set_code,
        "invoiceCount": invoice_count,
        "totals": [
            {
                "currencyCode": currency,
                "amountNet": decimal_text(sums["net"], currency),
                "amountTax": decimal_text(sums["tax"], currency),
            }
            for currency, sums in sorted(totals.items())
        ],
    }


def _file(file: DataFile) -> dict[str, object]:
    return {"name": file.file_name, "sizeBytes": file.size_bytes, "sha256": file.sha256}
