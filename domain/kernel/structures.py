"""Frozen dataclasses as documents and back: what is configured, as it is kept in JSON and told in the audit trail.

Decimals become text, times of day ISO 8601, zones their names, enums their values, sets sorted lists; no floats.
"""

from __future__ import annotations

from datetime import time as time_of_day
from decimal import Decimal
from typing import Any, TypeVar

from cattrs import Converter, transform_error
from cattrs.errors import BaseValidationError, ForbiddenExtraKeysError

from domain.kernel.documents import Document, WrittenByNewer
from domain.kernel.time import BusinessZone

T = TypeVar("T")


def document_of(value: Any) -> Document:  # noqa: ANN401 - any dataclass
    """A dataclass as a document, by the names of its fields; equal values have equal documents."""
    found: Document = _converter.unstructure(value)
    return found


def value_from(kind: type[T], document: Document, converter: Converter | None = None) -> T:
    """The dataclass that `document_of` wrote, or another `converter`.

    Raises: WrittenByNewer for a field or a value that this version does not know: to pass over it could mean to do
    something else than was asked.
    """
    try:
        return (converter or _converter).structure(document, kind)
    except (BaseValidationError, ForbiddenExtraKeysError) as error:
        raise WrittenByNewer(fields="; ".join(transform_error(error))) from error


def new_converter() -> Converter:
    """What turns values into documents and back; a room may add what only it knows to one of its own."""
    converter = Converter(forbid_extra_keys=True)
    for kind, write in ((Decimal, str), (time_of_day, time_of_day.isoformat), (BusinessZone, lambda zone: zone.name)):
        converter.register_unstructure_hook(kind, write)
    converter.register_unstructure_hook_func(lambda kind: getattr(kind, "__origin__", kind) is frozenset, sorted)
    converter.register_structure_hook(Decimal, lambda text, _: Decimal(text))
    converter.register_structure_hook(time_of_day, lambda text, _: time_of_day.fromisoformat(text))
    converter.register_structure_hook(BusinessZone, lambda name, _: BusinessZone(name))
    return converter


_converter = new_converter()
