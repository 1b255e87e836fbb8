"""Claim types, collections and account determination tables as the contract tells them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from countinghouse.accounting.v1 import account_determination_pb2, configuration_pb2
from domain.accounting.configuration.model import ClaimType, Collection, Determination, DeterminationRow, Resolution
from domain.accounting.names import claim_type_name, collection_name, determination_name
from domain.kernel.registers.service import Change
from server.mapping.accounting.vocabulary import RESOLUTIONS, RESOLUTIONS_BY_NUMBER
from server.mapping.operations import instant_to_proto
from server.mapping.updates import asked_fields, updated_code

_COLLECTION_FIELDS = ("description", "suspense", "write_off", "zero_for")
_TABLE_FIELDS = ("description", "rows")


def code_from_name(name: str) -> str:
    """The last part of a resource name."""
    return name.rpartition("/")[2]


def claim_type_to_proto(found: ClaimType) -> configuration_pb2.ClaimType:
    """A claim type."""
    return configuration_pb2.ClaimType(
        name=claim_type_name(found.code), code=found.code, description=found.description, **_stamps(found)
    )


def collection_to_proto(found: Collection) -> configuration_pb2.Collection:
    """A collection."""
    return configuration_pb2.Collection(
        name=collection_name(found.code),
        code=found.code,
        description=found.description,
        suspense=found.suspense,
        write_off=found.write_off,
        zero_for=[RESOLUTIONS[resolution] for resolution in Resolution if resolution in found.zero_for],
        **_stamps(found),
    )


def table_to_proto(found: Determination) -> account_determination_pb2.AccountDeterminationTable:
    """An account determination table."""
    return account_determination_pb2.AccountDeterminationTable(
        name=determination_name(found.collection_code),
        collection_code=found.collection_code,
        description=found.description,
        rows=map(_row_to_proto, found.rows),
        **_stamps(found),
    )


def zero_for_from_proto(given: configuration_pb2.Collection) -> frozenset[Resolution]:
    """The resolutions for which a collection must be zero."""
    return frozenset(RESOLUTIONS_BY_NUMBER[number] for number in given.zero_for)


def rows_from_proto(given: account_determination_pb2.AccountDeterminationTable) -> tuple[DeterminationRow, ...]:
    """The rows of a table, in their order."""
    return tuple(
        DeterminationRow(row.condition, row.account, row.account_expression, row.distribution_code)
        for row in given.rows
    )


def claim_type_change(request: configuration_pb2.UpdateClaimTypeRequest) -> Change:
    """What is changed of which claim type. Raises: Invalid as `updated_code`."""
    code = updated_code(request.claim_type, request.update_mask, word="claim_type", name_of=claim_type_name)
    return _change(code, request.claim_type, request, ("description",), {})


def collection_change(request: configuration_pb2.UpdateCollectionRequest) -> Change:
    """What is changed of which collection. Raises: Invalid as `updated_code`."""
    code = updated_code(request.collection, request.update_mask, word="collection", name_of=collection_name)
    return _change(code, request.collection, request, _COLLECTION_FIELDS, {"zero_for": zero_for_from_proto})


def table_change(request: account_determination_pb2.UpdateAccountDeterminationTableRequest) -> Change:
    """What is changed of which account determination table. Raises: Invalid as `updated_code`."""
    given, word, key = request.account_determination_table, "account_determination_table", "collection_code"
    code = updated_code(given, request.update_mask, word=word, name_of=determination_name, key=key)
    return _change(code, given, request, _TABLE_FIELDS, {"rows": rows_from_proto})


def _change(
    code: str,
    given: Any,  # noqa: ANN401 - any resource with an etag
    request: Any,  # noqa: ANN401 - any request with an update mask
    fields: tuple[str, ...],
    reads: dict[str, Callable[[Any], Any]],
) -> Change:
    asked = asked_fields(given, request.update_mask, fields)
    return Change(
        code, given.etag, {name: reads[name](given) if name in reads else getattr(given, name) for name in asked}
    )


def _row_to_proto(row: DeterminationRow) -> account_determination_pb2.AccountDeterminationRow:
    return account_determination_pb2.AccountDeterminationRow(
        condition=row.condition,
        account=row.account,
        account_expression=row.account_expression,
        distribution_code=row.distribution_code,
    )


def _stamps(found: ClaimType | Collection | Determination) -> dict[str, Any]:
    return {
        "create_time": instant_to_proto(found.created_us),
        "update_time": instant_to_proto(found.updated_us),
        "etag": found.etag,
    }
