"""What performing tells the audit trail: one entry a use case and client, with counts and totals (PLT-11)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from domain.accounting.performing.model import Operation
from domain.accounting.performing.planning import Planned
from domain.kernel import events, scopes
from domain.kernel.call import Call
from domain.kernel.documents import Document
from domain.kernel.ids import new_id
from domain.kernel.script import Script

_TOLD_MAX = 100  # operations in one entry


def performed(script: Script, call: Call, planned: Sequence[Planned], *, workflow_points: Sequence[str]) -> None:
    """Operations were recorded. Cost: one statement of the script a client."""
    add(
        script,
        call,
        "accounting.performed",
        (each.operation for each in planned),
        {"workflow_points": list(workflow_points)},
    )


def tell(tx: Connection, call: Call, kind: str, operations: Iterable[Operation], more: Document) -> None:
    """Something happened to operations: an entry for each client, about the claim where it is one alone."""
    script = Script(tx)
    add(script, call, kind, operations, more)
    script.run()


def add(script: Script, call: Call, kind: str, operations: Iterable[Operation], more: Document) -> None:
    """As `tell`, by a script. The scope of a client is kept since there is the client."""
    by_client: dict[str, list[Operation]] = defaultdict(list)
    for operation in operations:
        by_client[operation.client_code].append(operation)
    for client_code, its in sorted(by_client.items()):
        claims = {operation.claim_id for operation in its}
        owner = f"claims/{claims.pop()}" if len(claims) == 1 else f"accountingCalls/{new_id(call.now_us)}"
        payload = {
            **more,
            "operation_count": len(its),
            "totals": _totals(its),
            "operations": [operation.name for operation in its[:_TOLD_MAX]],
        }
        scope_id = scopes.id_of(scopes.of_clients((client_code,)))
        events.add(script, call, owner, kind, payload, scope_id=scope_id)


def _totals(operations: Iterable[Operation]) -> Document:
    sums: dict[str, int] = defaultdict(int)
    for operation in operations:
        sums[operation.amount.currency] += operation.amount.minor
    return dict(sorted(sums.items()))
