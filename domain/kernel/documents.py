"""JSON documents in text columns: keys sorted, integers of any size exact, no floats."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import fields
from typing import Any, TypeVar

from domain.kernel.errors import Unavailable

Document = dict[str, Any]
T = TypeVar("T")


class WrittenByNewer(Unavailable):
    """A newer version of the program wrote what this one does not know; try again, at a server of that version."""

    reason = "WRITTEN_BY_NEWER_VERSION"


def to_text(document: object) -> str:
    """The document as compact text, the same for equal documents."""
    return _ENCODER.encode(document)


def from_text(text: str) -> Any:  # noqa: ANN401
    """The document that `to_text` wrote; a number with a decimal point is a bug of ours."""
    return _DECODER.decode(text)


def read_as(kind: type[T], document: Document) -> T:
    """A value of the dataclass `kind` from a document of its fields.

    Raises: WrittenByNewer for a field that this version does not know: to pass over it could mean to do something else
    than was asked.
    """
    unknown = document.keys() - {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if unknown:
        raise WrittenByNewer(fields=", ".join(sorted(unknown)))
    return kind(**document)


def less_unused(document: Document, added: Collection[str]) -> Document:
    """The document without those of the fields `added` since the first release that are None.

    So the release before, which does not know them, reads whatever makes no use of them.
    """
    return {key: value for key, value in document.items() if value is not None or key not in added}


def _refuse(value: object) -> Any:  # noqa: ANN401
    raise TypeError(f"a document holds no {type(value).__name__}")


# Made once: json.dumps and json.loads would make them for every document, which takes half of the time.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_refuse)
_DECODER = json.JSONDecoder(parse_float=_refuse)
