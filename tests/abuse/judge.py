"""What an answer must not be, and must not tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

DETAILS_KEY = "grpc-status-details-bin"
OURS = ("countinghouse.", "google.longrunning.")
NEVER = {
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.DATA_LOSS,
}
BY_GRPC = ("larger than max", "metadata size exceeds")
"""What gRPC's own library says when it refuses a call before the server sees it."""

BY_CLIENT = "Internal error from Core"
"""What the client's library calls it when it sends on in a stream that the server has ended."""

LEAK = re.compile(
    r"""
      \b(SELECT|INSERT\ INTO|UPDATE\ \w+\ SET|DELETE\ FROM|WHERE|RETURNING|ON\ CONFLICT)\b
    | \b(psycopg2?|sqlite3?|sqlalchemy|postgres\w*|protovalidate|pydantic|structlog|asyncio|concurrent\.futures)\b
    | \b(Traceback|site-packages|NoneType|object\ at\ 0x|lambda|__\w+__)
    | <class\b
    | \b[A-Z][A-Za-z]*(Error|Exception)\b
    | \bFile\ " | \bline\ \d+,\ in\b | \.py\b
    | (?<![\w:/.-])/(?:work|home|root|usr|opt|tmp|var|etc|proc)/
    | \b(domain|server)\.\w+\.
    """,
    re.VERBOSE,
)
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Answer:
    """How a call ended, as its caller saw it."""

    method: str
    code: grpc.StatusCode
    message: str
    details: bytes | None
    impatient: bool = False
    """Whether the caller left early on purpose."""


def faults(answer: Answer, sent: Sequence[bytes]) -> list[str]:
    """Everything that is wrong with an answer; `sent` is what the caller knows anyway."""
    left = answer.impatient and answer.code in {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}
    if left or answer.code is grpc.StatusCode.OK or (answer.message == BY_CLIENT and answer.details is None):
        return []
    found = [f"{answer.code.name} {answer.message!r}"] if answer.code in NEVER else []
    if any(words in answer.message for words in BY_GRPC):
        return found
    if answer.details is None:
        if answer.method.startswith(OURS):
            found.append(f"no details with {answer.code.name} {answer.message!r}")
        return found + _leaks([answer.message], sent)
    status = status_pb2.Status()
    try:
        status.ParseFromString(answer.details)
    except DecodeError:
        return [*found, "details that are no google.rpc.Status"]
    if (status.code, status.message) != (answer.code.value[0], answer.message):
        found.append(f"two texts: {answer.message!r} and {status.message!r}")
    info = error_details_pb2.ErrorInfo()
    if not (status.details and status.details[0].Unpack(info) and info.reason and info.domain == "countinghouse"):
        found.append(f"no ErrorInfo with {answer.code.name} {answer.message!r}")
    return found + _leaks(_texts(answer.message, status), sent)


def _texts(message: str, status: status_pb2.Status) -> Iterable[str]:
    yield message
    for packed in status.details:
        yield packed.value.decode(errors="replace")


def _leaks(texts: Iterable[str], sent: Sequence[bytes]) -> list[str]:
    """What the texts tell of the server's inside; what the caller has sent itself is none of it."""
    found = []
    for number, text in enumerate(texts):
        leaks = (leak[0] for leak in LEAK.finditer(text))
        found += [
            f"tells {leak!r} in {text[:300]!r}"
            for leak in leaks
            if not any(leak.encode() in content for content in sent)
        ]
        if number == 0 and (shown := UNPRINTABLE.search(text)):
            found.append(f"shows {shown[0]!r} in {text[:300]!r}")
    return found
