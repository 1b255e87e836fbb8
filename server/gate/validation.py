"""Requests against the rules written in the protos (`buf.validate`, PLT-09)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import protovalidate
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from buf.validate import validate_pb2
from domain.kernel.characters import REASON, character_fault
from domain.kernel.errors import Invalid, Violation

if TYPE_CHECKING:
    from protovalidate import FieldPathPb

_VALIDATOR = protovalidate.Validator()


def validate(message: Message, content: bytes = b"") -> None:
    """Let a sound message pass. Raises: Invalid with every violation; the rule's id is the reason.

    With its `content`, the message's bytes, text that holds NUL is refused too, wherever it stands but in rows that are
    checked one by one: PostgreSQL cannot even look for it, so that a mere filter would fail there.
    """
    violations = [_violation(found) for found in _VALIDATOR.collect_violations(message)]
    if b"\0" in content:
        violations += _with_nul(message, "")
    if violations:
        raise Invalid(*violations)


def _with_nul(message: Message, path: str) -> Iterator[Violation]:
    """The texts in the message that hold NUL."""
    for field, value in message.ListFields():
        rules = field.GetOptions().Extensions[validate_pb2.field]
        if rules.repeated.items.ignore == validate_pb2.IGNORE_ALWAYS:
            continue
        for place, entry in _entries(field, value):
            if isinstance(entry, Message):
                yield from _with_nul(entry, f"{path}{place}.")
            elif isinstance(entry, str) and "\0" in entry:
                yield Violation(f"{path}{place}", REASON, character_fault(entry))


def _entries(field: FieldDescriptor, value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - as the field's type is
    """A field's values with their places: `name`, `name[3]`, `name["key"]`; keys of maps are values too."""
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        for key in value:
            yield field.name, key
            yield f'{field.name}["{key}"]', value[key]
    elif field.is_repeated:
        for number, entry in enumerate(value):
            yield f"{field.name}[{number}]", entry
    else:
        yield field.name, value


def _violation(found: protovalidate.Violation) -> Violation:
    proto = found.proto
    reason = proto.rule_id.replace(".", "_").upper()
    return Violation(_path(proto.field) if proto.field else "", reason, proto.message)


def _path(path: FieldPathPb) -> str:
    """The path in the words of the contract: `accounting_details[3].debit`, `labels["a"]`."""
    parts = []
    for element in path.elements:
        subscript = element.subscript
        if subscript is None:
            parts.append(element.field_name)
        elif isinstance(subscript.value, str):
            parts.append(f'{element.field_name}["{subscript.value}"]')
        else:
            parts.append(f"{element.field_name}[{subscript.value}]")
    return ".".join(parts)
