"""Updates of configuration (AIP-134): what is changed, of which resource."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from domain.gl_extraction.details.rules import CODE
from domain.kernel.errors import Invalid, Violation

Given = Any
"""A resource with a name and a code."""


def updated_code(given: Given, mask: FieldMask, *, word: str, name_of: Callable[[str], str], key: str = "code") -> str:
    """The code of the resource to update; `word` is the field that it stands in, `key` that of its code.

    Raises: Invalid for one that is not named or named twice over, and for a mask with what is no field.
    """
    own: str = getattr(given, key)
    code = given.name.rpartition("/")[2] if given.name else own
    found = [*_name_faults(given, code, word, name_of), *mask_faults(given, mask, word)]
    if code and own not in {"", code}:
        text = "never changes: must be that of the name, if given"
        found.append(Violation(f"{word}.{key}", "FIELD_IMMUTABLE", text))
    if found:
        raise Invalid(*found)
    return code


def asked_fields(given: Given, mask: FieldMask, changeable: Collection[str]) -> list[str]:
    """The changeable fields that the mask names; without a mask, those that are not empty."""
    if mask.paths:
        return [field for field in changeable if field in mask.paths or "*" in mask.paths]
    return [field.name for field, _ in given.ListFields() if field.name in changeable]


def mask_faults(given: Given, mask: FieldMask, word: str) -> Iterator[Violation]:
    """What in the mask is no field of the resource."""
    for path in mask.paths:
        if path != "*" and path not in given.DESCRIPTOR.fields_by_name:
            text = f"{path[:64]!r} is no field of a {word.replace('_', ' ')}"
            yield Violation("update_mask", "UPDATE_MASK_INVALID", text)


def _name_faults(given: Given, code: str, word: str, name_of: Callable[[str], str]) -> Iterator[Violation]:
    if not code:
        yield Violation(f"{word}.name", "FIELD_REQUIRED", "must be given")
    elif given.name and (given.name != name_of(code) or not CODE.fullmatch(code)):
        yield Violation(f"{word}.name", "FIELD_MALFORMED", f"must be as {name_of('GL-1')}")
