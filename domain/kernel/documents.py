"""JSON documents in text columns: keys sorted, integers of any size exact, no floats."""

from __future__ import annotations

import json
from typing import Any

Document = dict[str, Any]


def to_text(document: object) -> str:
    """The document as compact text, the same for equal documents."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_refuse)


def from_text(text: str) -> Any:  # noqa: ANN401
    """The document that `to_text` wrote; a number with a decimal point is a bug of ours."""
    return json.loads(text, parse_float=_refuse)


def _refuse(value: object) -> Any:  # noqa: ANN401
    raise TypeError(f"a document holds no {type(value).__name__}")
