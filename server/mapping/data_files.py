"""Data file sets, files and control totals as the contract tells them."""

from __future__ import annotations

from collections.abc import Iterable

from google.type.money_pb2 import Money

from countinghouse.operations.v1 import data_files_pb2 as pb
from domain.data_files.model import DataFile, DataFileSet, Totals, file_name, totals_from_document
from domain.deliveries.model import Delivery
from domain.kernel.amounts import amount_of
from domain.kernel.documents import Document
from domain.operations.service import name_of
from server.mapping.notifications import delivery_to_proto
from server.mapping.operations import id_from_name, instant_to_proto


def set_to_proto(found: DataFileSet) -> pb.DataFileSet:
    """A set."""
    return pb.DataFileSet(
        name=found.name,
        code=found.code,
        description=found.description,
        locked=found.locked,
        create_time=instant_to_proto(found.created_us),
        file_count=found.file_count,
        size_bytes=found.size_bytes,
        etag=found.etag,
        manifest_count=found.manifest_count,
        manifest_sha256=found.manifest_sha256,
    )


def file_to_proto(file: DataFile, transmissions: Iterable[Delivery] = ()) -> pb.DataFile:
    """A file's facts, and where it is sent."""
    return pb.DataFile(
        name=file_name(file.set_code, file.file_name),
        media_type=file.media_type,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        record_count=file.record_count,
        control_totals=totals_to_proto(file.totals),
        manifest=file.manifest,
        operation=name_of(file.operation_id),
        create_time=instant_to_proto(file.created_us),
        transmissions=map(delivery_to_proto, transmissions),
    )


def told_file_to_proto(document: Document) -> pb.DataFile:
    """A file's facts from an operation's result."""
    return pb.DataFile(
        name=document["name"],
        media_type=document["media_type"],
        size_bytes=document["size_bytes"],
        sha256=document["sha256"],
        record_count=document["record_count"],
        control_totals=totals_to_proto(totals_from_document(document["totals"])),
        manifest=document["manifest"],
        operation=name_of(document["operation_id"]),
        create_time=instant_to_proto(document["created_us"]),
    )


def totals_to_proto(totals: Totals) -> list[pb.ControlTotal]:
    """Control totals, one entry a currency, in the order of their codes."""
    return [
        pb.ControlTotal(debit=_money(total.debit_minor, currency), credit=_money(total.credit_minor, currency))
        for currency, total in sorted(totals.items())
    ]


def code_from_name(name: str) -> str:
    """The code in `dataFileSets/{code}`."""
    return name.partition("/")[2]


def file_key_from_name(name: str) -> tuple[str, str]:
    """The set's code and the file's name in `dataFileSets/{code}/files/{file}`."""
    _, code, _, file = name.split("/")
    return code, file


def operation_id_from_proto(request: pb.ListDataFilesRequest | pb.TransmitDataFilesRequest) -> str:
    """Whose files; empty for all. Raises: Invalid."""
    return id_from_name(request.operation) if request.operation else ""


def _money(minor: int, currency: str) -> Money:
    _, units, nanos = amount_of(minor, currency)
    return Money(currency_code=currency, units=units, nanos=nanos)
