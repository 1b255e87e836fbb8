"""Messages as rows of CSV (RFC 4180): a column for each field, those of messages in it as `outer.inner`.

Which columns there are depends on the type alone. Money is decimal text beside its currency, a day is as in ISO 8601;
what may stand several times is JSON in one cell.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TextIO

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import MessageToDict

from countinghouse.cli.output import day
from countinghouse.values import decimal_of

if TYPE_CHECKING:
    from google.protobuf.message import Message

_DEPTH_MAX = 3
Cell = Callable[["Message"], str]


def _json(message: "Message") -> str:
    return json.dumps(MessageToDict(message), ensure_ascii=False)


_KNOWN: dict[str, tuple[tuple[str, Callable[[Any], str]], ...]] = {
    "google.type.Money": (("", lambda one: f"{decimal_of(one):f}"), ("_currency", lambda one: str(one.currency_code))),
    "google.type.Date": (("", day),),
    "google.type.Decimal": (("", lambda one: str(one.value)),),
    "google.protobuf.Timestamp": (("", lambda one: str(one.ToJsonString())),),
    "google.protobuf.Duration": (("", lambda one: str(one.ToJsonString())),),
    "google.protobuf.Any": (("", _json),),
}


def write(items: Iterable["Message"], to: TextIO) -> None:
    """Write a header and a row for each item, as they come; nothing where there is none."""
    writer = csv.writer(to)
    cells: list[tuple[str, Cell]] = []
    for item in items:
        if not cells:
            cells = list(_cells(item.DESCRIPTOR, "", lambda one: one, 1))  # type: ignore[arg-type]
            writer.writerow([heading for heading, _ in cells])
        writer.writerow([text(item) for _, text in cells])


def _cells(kind: Descriptor, prefix: str, found: Callable[[Any], Any], depth: int) -> Iterator[tuple[str, Cell]]:
    """The columns of a type; `found` leads from a row to the message, to None where it is not set."""
    for field in kind.fields:
        name = f"{prefix}{field.name}"
        if field.message_type is None or field.is_repeated:
            yield name, _scalar(field, found) if not field.is_repeated else _several(field, found)
            continue
        inner = _inner(field, found)
        if known := _KNOWN.get(field.message_type.full_name):
            for ending, text in known:
                yield f"{name}{ending}", _told(inner, text)
        elif depth < _DEPTH_MAX and field.message_type.fields:
            yield from _cells(field.message_type, f"{name}.", inner, depth + 1)
        else:
            yield name, _told(inner, _json)


def _inner(field: FieldDescriptor, found: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def inner(row: Any) -> Any:  # noqa: ANN401 - a message of whatever type
        outer = found(row)
        return getattr(outer, field.name) if outer is not None and outer.HasField(field.name) else None

    return inner


def _told(found: Callable[[Any], Any], text: Callable[[Any], str]) -> Cell:
    return lambda row: "" if (one := found(row)) is None else text(one)


def _scalar(field: FieldDescriptor, found: Callable[[Any], Any]) -> Cell:
    def text(outer: Any) -> str:  # noqa: ANN401
        value = getattr(outer, field.name)
        if field.has_presence and not outer.HasField(field.name):
            return ""
        if field.enum_type is not None:
            known = field.enum_type.values_by_number.get(value)
            return (known.name if known else str(value)) if value else ""
        return str(value).lower() if isinstance(value, bool) else str(value)

    return _told(found, text)


def _several(field: FieldDescriptor, found: Callable[[Any], Any]) -> Cell:
    def text(outer: Any) -> str:  # noqa: ANN401
        told = MessageToDict(outer, preserving_proto_field_name=True).get(field.name)
        return json.dumps(told, ensure_ascii=False) if told else ""

    return _told(found, text)
