"""What the AIPs ask of the contract and buf does not check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from google.api import field_behavior_pb2, resource_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor, MethodDescriptor

from countinghouse.accounting.v1 import accounting_service_pb2
from countinghouse.gl_extraction.v1 import gl_extraction_service_pb2
from countinghouse.operations.v1 import (
    approvals_pb2,
    audit_pb2,
    data_files_pb2,
    notifications_pb2,
    operations_pb2,
    permission_pb2,
    schedules_pb2,
)

SERVICES = (
    accounting_service_pb2.DESCRIPTOR,
    approvals_pb2.DESCRIPTOR,
    audit_pb2.DESCRIPTOR,
    data_files_pb2.DESCRIPTOR,
    gl_extraction_service_pb2.DESCRIPTOR,
    notifications_pb2.DESCRIPTOR,
    operations_pb2.DESCRIPTOR,
    schedules_pb2.DESCRIPTOR,
)


def _with_imports(files: Iterable[FileDescriptor]) -> Iterator[FileDescriptor]:
    for file in files:
        if file.package.startswith("countinghouse."):
            yield file
            yield from _with_imports(file.dependencies)


FILES = tuple({file.name: file for file in _with_imports(SERVICES)}.values())
"""The contract: every file of ours that a service needs."""

READING = ("Get", "List", "Watch", "Download", "Reconcile", "Check")
VIEWS = {"as_of_time"}  # how a resource is looked at, beside its name
BULK_STREAMS = {"IngestAccountingBatchReturn", "IngestAccountingDetails"}  # idempotent row by row instead (PLT-06)


def methods() -> Iterator[MethodDescriptor]:
    for file in FILES:
        for service in file.services_by_name.values():
            yield from service.methods


def messages() -> Iterator[Descriptor]:
    for file in FILES:
        for message in file.message_types_by_name.values():
            yield message
            yield from (nested for nested in message.nested_types if not nested.GetOptions().map_entry)


def behaviors(field: FieldDescriptor) -> list[int]:
    return list(field.GetOptions().Extensions[field_behavior_pb2.field_behavior])


METHODS = {method.full_name: method for method in methods()}
MESSAGES = {message.full_name: message for message in messages()}


@pytest.mark.rule("PLT-12")
@pytest.mark.parametrize("name", METHODS)
def test_a_method_names_its_permission(name: str) -> None:
    """Whoever reads the contract sees what a call needs."""
    assert METHODS[name].GetOptions().Extensions[permission_pb2.permission]


@pytest.mark.rule("PLT-12")
def test_reading_extraction_and_configuration_are_separate_permissions() -> None:
    """One who may read may not extract, and one who may extract may not configure."""
    permissions = {m.name: m.GetOptions().Extensions[permission_pb2.permission] for m in METHODS.values()}
    assert permissions["GenerateAccountingMessage"] == "generateaccountingmessage"
    apart = ("GetAccountingDetail", "GenerateAccountingMessage", "CreateLedger", "ReopenAccountingPeriod")
    assert len({permissions[name] for name in apart}) == len(apart)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_field_says_how_it_behaves(name: str) -> None:
    """AIP-203: every field is required, optional, output only or an identifier; bound by contract."""
    missing = [field.name for field in MESSAGES[name].fields if not behaviors(field)]
    assert not missing


@pytest.mark.rule("PLT-08")
@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.name.startswith("List")])
def test_a_list_is_paged(name: str) -> None:
    """AIP-158: no list without a page."""
    method = METHODS[name]
    assert {"page_size", "page_token"} <= set(method.input_type.fields_by_name)
    assert "next_page_token" in method.output_type.fields_by_name
    assert method.output_type.fields[0].is_repeated


@pytest.mark.rule("PLT-06")
@pytest.mark.parametrize("name", [name for name, m in METHODS.items() if not m.name.startswith(READING)])
def test_a_changing_call_takes_a_request_id(name: str) -> None:
    """AIP-155: every change can be repeated safely."""
    method = METHODS[name]
    assert method.name in BULK_STREAMS or "request_id" in method.input_type.fields_by_name


@pytest.mark.parametrize("name", [name for name, m in METHODS.items() if m.name.startswith("Get")])
def test_a_get_names_one_resource_and_returns_it(name: str) -> None:
    """AIP-131: the name is what is asked for, the resource itself the answer."""
    method = METHODS[name]
    assert [field.name for field in method.input_type.fields if field.name not in VIEWS] == ["name"]
    assert method.output_type.GetOptions().Extensions[resource_pb2.resource].type


@pytest.mark.parametrize("name", [name for name, m in METHODS.items() if m.name.startswith("Update")])
def test_an_update_carries_the_etag_of_its_resource(name: str) -> None:
    """AIP-154: a configuration that others changed since is not overwritten."""
    method = METHODS[name]
    assert "etag" in method.output_type.fields_by_name
