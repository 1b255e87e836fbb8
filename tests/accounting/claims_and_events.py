"""Claims as tests need them, put in by the store."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from domain.accounting.claims import store
from domain.accounting.claims.model import Claim
from domain.accounting.claims.states import ClaimState
from domain.accounting.feed.model import EventKind, NewEvent
from server.database.transaction import Database

AT_US = 1_795_000_000_000_000


def put_claim(tx: Connection, claim_id: str, client_code: str = "ACME") -> Claim:
    """An open claim."""
    claim = Claim(
        claim_id,
        client_code,
        "CARD",
        "",
        "ACC-1",
        {},
        {},
        ClaimState.OPEN,
        resolution="",
        events_made=0,
        version=1,
        created_us=AT_US,
        updated_us=AT_US,
        resolved_us=0,
    )
    store.create(tx, claim)
    return claim


def executed(claim: Claim, operation_id: str, *, at_us: int = AT_US) -> NewEvent:
    """An event of one of its operations."""
    return NewEvent(claim.claim_id, claim.client_code, EventKind.OPERATION_EXECUTED, operation_id, at_us)


def resolve(database: Database, claim_id: str) -> None:
    """Make the claim a resolved one, whatever its accounting says."""

    def write(tx: Connection) -> None:
        claim = store.lock(tx, claim_id)
        assert claim is not None
        store.change(tx, replace(claim, state=ClaimState.RESOLVED, resolution="PAY", resolved_us=AT_US))

    database.write(write)
