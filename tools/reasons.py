"""Makes docs/reference/errors.md from the program's reasons: `python -m tools.reasons`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from server.gate.reasons import DELIVERIES, FIELDS, NOTICES, errors

TARGET = Path(__file__).resolve().parent.parent / "docs" / "reference" / "errors.md"

HEAD = """\
# Errors, reasons and notices

Every error is a canonical gRPC status with `google.rpc` details; the text is the same in the status and in its details.

- `ErrorInfo` is always there: a stable `reason`, the domain `countinghouse`, and what belongs to the reason in
  `metadata`.
- `BadRequest` has all field violations at once, each with the field's path, its own reason and a sentence. The
  ErrorInfo's reason is then that of the first. Clients take 8 KiB of metadata by default: where there are more
  violations than fit, the first are told, and `violations_total` says how many there are.
- `PreconditionFailure` stands beside FAILED_PRECONDITION, with all that stands in the way, or the first of it and
  `violations_total`. A state change that is refused names both states: `state` and `wanted`.
- `ResourceInfo` names what is missing or in the way.
- `RetryInfo` says when to try again: with UNAVAILABLE, and with RESOURCE_EXHAUSTED.

An unexpected error is INTERNAL and tells an `error_id` alone; the server's log has the rest under that id.
"""

FIELDS_HEAD = """\
In field violations, and in the refused rows of a bulk stream. Beside these, the rules that are written in the protos
(`buf.validate`) give the id of the broken rule in capitals, such as `STRING_PATTERN` or `REPEATED_MAX_ITEMS`.
"""

NOTICES_HEAD = """\
What operations tell along the way, in their metadata and responses.
"""

DELIVERIES_HEAD = """\
Why the last attempt of a delivery failed: `failure_reason`. It is tried again unless the meaning says otherwise.
"""


def rendered() -> str:
    """The page."""
    parts = [
        HEAD,
        "## Errors\n",
        _table(
            ("reason", "status", "severity", "message"),
            ((f"`{each.code}`", each.status, each.severity.lower(), each.message) for each in errors()),
        ),
        "## Fields\n",
        FIELDS_HEAD,
        _table(
            ("reason", "severity", "meaning"),
            ((f"`{each.code}`", each.severity.lower(), each.message) for each in FIELDS),
        ),
        "## Notices\n",
        NOTICES_HEAD,
        _table(
            ("code", "severity", "meaning"),
            ((f"`{each.code}`", each.severity.lower(), each.message) for each in NOTICES),
        ),
        "## Deliveries\n",
        DELIVERIES_HEAD,
        _table(
            ("reason", "severity", "meaning"),
            ((f"`{each.code}`", each.severity.lower(), each.message) for each in DELIVERIES),
        ),
    ]
    return "\n".join(parts)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(rendered(), encoding="utf-8")
    print(f"wrote {TARGET}")
