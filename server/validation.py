"""Requests against the rules written in the protos (`buf.validate`, PLT-09)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import protovalidate
from google.protobuf.message import Message

from domain.kernel.errors import Invalid, Violation

if TYPE_CHECKING:
    from protovalidate import FieldPathPb

_VALIDATOR = protovalidate.Validator()


def validate(message: Message) -> None:
    """Let a sound message pass. Raises: Invalid with every violation; the rule's id is the reason."""
    violations = _VALIDATOR.collect_violations(message)
    if violations:
        raise Invalid(*(_violation(found) for found in violations))


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
