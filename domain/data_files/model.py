"""Data file sets, their files and control totals as values (PLT-30)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from domain.kernel.documents import Document

SET_TYPE = "countinghouse.operations/DataFileSet"
FILE_TYPE = "countinghouse.operations/DataFile"
DESTINATION_TYPE = "countinghouse.operations/TransmissionDestination"


@dataclass(frozen=True, slots=True)
class Total:
    """Debits and credits of one currency in its minor units, summed apart."""

    debit_minor: int
    credit_minor: int


Totals = Mapping[str, Total]
"""Control totals by currency (ISO 4217): amounts of two currencies are never added (PLT-03)."""


def sum_of(many: Iterable[Totals]) -> Totals:
    """The totals added up, currency by currency."""
    sums: dict[str, Total] = {}
    for totals in many:
        for currency, total in totals.items():
            before = sums.get(currency, Total(0, 0))
            sums[currency] = Total(before.debit_minor + total.debit_minor, before.credit_minor + total.credit_minor)
    return sums


def difference_of(totals: Totals, less: Totals) -> Totals:
    """The totals less others; a currency of which nothing is left is left out."""
    negated = {currency: Total(-total.debit_minor, -total.credit_minor) for currency, total in less.items()}
    sums = sum_of((totals, negated))
    return {currency: total for currency, total in sums.items() if total != Total(0, 0)}


def totals_to_document(totals: Totals) -> Document:
    """`{"USD": {"debit": minor, "credit": minor}}`."""
    return {currency: {"debit": t.debit_minor, "credit": t.credit_minor} for currency, t in totals.items()}


def totals_from_document(document: Document) -> Totals:
    """The totals that `totals_to_document` wrote, by currency in order."""
    return {currency: Total(document[currency]["debit"], document[currency]["credit"]) for currency in sorted(document)}


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """Where a set's chain of manifests ends: how many there are, and the SHA-256 of the last; 0 and empty for none."""

    count: int = 0
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class DataFileSet:
    """A set as it stands; `file_count` and `size_bytes` tell of its visible files, manifests included."""

    code: str
    description: str
    locked: bool
    file_count: int
    size_bytes: int
    version: int
    created_us: int
    updated_us: int
    scope_id: int = 0
    manifest_count: int = 0
    manifest_sha256: str = ""

    @property
    def name(self) -> str:
        """Its resource name."""
        return set_name(self.code)

    @property
    def chain(self) -> ChainEnd:
        """Where its chain of manifests ends."""
        return ChainEnd(self.manifest_count, self.manifest_sha256)

    @property
    def etag(self) -> str:
        """Changes with every change."""
        return str(self.version)


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file: what it holds, who wrote it, where the store keeps it, and what it must hash to.

    `position` orders the files of one run, the manifest comes last. `visible_us` is 0 until its run is over.
    """

    set_code: str
    file_name: str
    operation_id: str
    position: int
    path: str
    media_type: str
    size_bytes: int
    sha256: str
    record_count: int
    totals: Totals
    manifest: bool
    created_us: int
    visible_us: int = 0

    @property
    def name(self) -> str:
        """Its resource name."""
        return file_name(self.set_code, self.file_name)


def set_name(code: str) -> str:
    """`dataFileSets/{code}`."""
    return f"dataFileSets/{code}"


def file_name(set_code: str, name: str) -> str:
    """`dataFileSets/{code}/files/{file}`."""
    return f"dataFileSets/{set_code}/files/{name}"
