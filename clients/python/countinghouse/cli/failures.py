"""Errors in words, what to do next, and the exit code."""

import re
from collections.abc import Iterator

import grpc

from countinghouse.cli.exits import FAILED, FORBIDDEN, INVALID, NOT_FOUND, OTHER, REFUSED, UNAVAILABLE
from countinghouse.client.errors import CountinghouseError, OperationFailed

_S = grpc.StatusCode
_EXITS = {
    _S.INVALID_ARGUMENT: INVALID,
    _S.OUT_OF_RANGE: INVALID,
    _S.NOT_FOUND: NOT_FOUND,
    _S.ALREADY_EXISTS: REFUSED,
    _S.FAILED_PRECONDITION: REFUSED,
    _S.ABORTED: REFUSED,
    _S.PERMISSION_DENIED: FORBIDDEN,
    _S.UNAUTHENTICATED: FORBIDDEN,
    _S.UNAVAILABLE: UNAVAILABLE,
    _S.DEADLINE_EXCEEDED: UNAVAILABLE,
    _S.RESOURCE_EXHAUSTED: UNAVAILABLE,
}
_UNREACHED = re.compile(r"^failed to connect to all addresses; last error: (UNKNOWN|UNAVAILABLE): ")
_NEXT = {
    _S.UNAUTHENTICATED: "Give a token by --token-file or COUNTINGHOUSE_TOKEN.",
    _S.ABORTED: "Somebody changed it meanwhile: look at it again, then repeat.",
    _S.UNAVAILABLE: "The server says so itself: try again in a moment.",
    _S.DEADLINE_EXCEEDED: "It may have been done all the same: look before you repeat it, or give it more --timeout.",
    _S.RESOURCE_EXHAUSTED: "The server has too much to do: try again in a moment.",
    _S.INTERNAL: "The server's log says more.",
    _S.UNIMPLEMENTED: "The server is older than this command.",
    _S.DATA_LOSS: "Nothing was kept of it: try again; if it fails again, the stored file is damaged.",
}

BY_REASON = {
    "AMOUNT_REQUIRED": "Write it behind the dispute: --dispute 1='12.00 USD'; or as --amount '12.00 USD'.",
    "RULE_NOT_MANUAL": "Those that may be used: countinghouse accounting rules CLAIM",
    "WORKFLOW_POINT_UNKNOWN": "The rules and their workflow points: countinghouse accounting config show",
    "CLAIM_RESOLVED": "To reopen it: countinghouse accounting reopen CLAIM --reason WHY",
    "RESOLUTION_BLOCKED": "All that stands in the way: countinghouse accounting resolve CLAIM --as RESOLUTION --check",
    "OUTCOME_IN_DOUBT": "Say what the system of record shows: countinghouse accounting assignments record CLAIM/ID",
    "TASK_CLAIMED_BY_ANOTHER": "They give it back by: countinghouse accounting tasks release CLIENT/ID",
}
"""Where a reason says more than its status."""


def exit_code(error: CountinghouseError) -> int:
    """The exit code for an error."""
    return FAILED if isinstance(error, OperationFailed) else _EXITS.get(error.code, OTHER)


def cause(error: CountinghouseError) -> str:
    """What happened, without the words that gRPC puts before it and without a full stop."""
    return _UNREACHED.sub("", error.message).rstrip(".")


def in_words(error: CountinghouseError, *, address: str) -> Iterator[str]:
    """Lines for a person: what happened, all details, and what to do next."""
    reason = f" [{error.reason}]" if error.reason else ""
    told_below = any(violation.description in error.message for violation in error.violations)
    yield f"Error: {'the request is invalid' if told_below else cause(error)}{reason}"
    for violation in error.violations:
        yield f"  {violation.field or 'request'}: {violation.description} [{violation.reason}]"
    for state in error.details.preconditions:
        if state.description != error.message:
            yield f"  {state.subject or state.type}: {state.description}"
    told = len(error.violations) + len(error.details.preconditions)
    untold = int(error.metadata.get("violations_total", "0")) - told
    if untold > 0:
        yield f"  … and {untold} more"
    if next_step := _next_step(error, address):
        yield next_step


def _next_step(error: CountinghouseError, address: str) -> str:
    step = BY_REASON.get(error.reason) or _NEXT.get(error.code, "")
    if isinstance(error, OperationFailed):
        canceled = error.code is _S.CANCELLED
        step = "" if canceled else f"When the cause is mended: countinghouse ops recover {error.operation}"
    elif error.code is _S.UNAVAILABLE and not error.reason:
        step = f"Is a server running at {address}? Start one with: countinghouse serve; or name another with --address."
    elif error.code is _S.DEADLINE_EXCEEDED and not error.request_id:
        step = ""
    elif approval := error.metadata.get("approval"):
        step = f"Have somebody else look at it: countinghouse approvals get {approval}"
    elif permission := error.metadata.get("permission"):
        step = f"It needs the permission {permission}."
    return step
