"""Who does what, when, by which call: handed to every use case, so that time and ids are arguments."""

from __future__ import annotations

from dataclasses import dataclass

from domain.kernel.scopes import EVERYTHING, Scope


@dataclass(frozen=True, slots=True)
class Call:
    """One call, as the audit trail remembers it (PLT-11).

    `method` is the full method name without the leading slash; `operation_id` is set where a long-running operation
    does the work, and then `caller`, `method` and `request_id` are those of the call that started it. `now_us` is the
    instant of the call in microseconds UTC, from the one injected clock (PLT-04). `scope` is what the caller's
    permissions hold for (PLT-14). `traceparent` names the trace that the call belongs to (W3C Trace Context), empty for
    none.
    """

    caller: str
    method: str
    request_id: str
    now_us: int
    operation_id: str = ""
    scope: Scope = EVERYTHING
    traceparent: str = ""
