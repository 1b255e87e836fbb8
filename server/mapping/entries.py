"""What all that is configured has in common in the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from domain.kernel.registers.entries import Configured
from domain.kernel.registers.service import Change
from server.mapping.operations import instant_to_proto
from server.mapping.updates import asked_fields, updated_code

Reads = Mapping[str, Callable[[Any], Mapping[str, Any]]]
"""How fields of a resource of the contract are read, as fields of the settings."""


def code_from_name(name: str) -> str:
    """The last part of a resource name."""
    return name.rpartition("/")[2]


def change_from_proto(
    request: Any,  # noqa: ANN401 - any request with an update mask
    word: str,
    name_of: Callable[[str], str],
    reads: Reads,
) -> Change:
    """What is changed of which entry; `word` is the field that it stands in. Raises: Invalid as `updated_code`."""
    given, mask = getattr(request, word), request.update_mask
    code = updated_code(given, mask, word=word, name_of=name_of)
    return Change(code, given.etag, values_of(given, reads, asked_fields(given, mask, ("description", *reads))))


def values_of(given: Any, reads: Reads, fields: list[str] | None = None) -> dict[str, Any]:  # noqa: ANN401 - a resource
    """The settings in these fields of a resource, or in all, and its description if it is one of them."""
    values: dict[str, Any] = {}
    for field in reads if fields is None else fields:
        values |= {field: given.description} if field == "description" else reads[field](given)
    return values


def stamps(found: Configured) -> dict[str, Any]:
    """Times and etag."""
    return {
        "create_time": instant_to_proto(found.created_us),
        "update_time": instant_to_proto(found.updated_us),
        "etag": found.etag,
    }
