"""Use cases of claim types that change them; they are read by `service`."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from domain.accounting.configuration.model import ClaimType
from domain.accounting.configuration.registers import CLAIM_TYPES
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.registers import service
from domain.kernel.registers.service import Change


def create(tx: Connection, call: Call, code: str, description: str) -> ClaimType:
    """Add a claim type. Raises: SharedBeyondScope; Invalid; CodeTaken."""
    service.refuse_outside(CLAIM_TYPES, code, call.scope)
    require_storable(**{"claim_type.description": description})
    new = ClaimType(code, description, version=1, created_us=call.now_us, updated_us=call.now_us)
    return service.create(tx, call, CLAIM_TYPES, new)


def update(tx: Connection, call: Call, change: Change) -> ClaimType:
    """Change the claim type that still has the etag.

    Raises: EtagMissing; NotFound; SharedBeyondScope; EtagStale; Invalid.
    """
    require_storable(**{"claim_type.description": change.changes.get("description", "")})
    return service.update(tx, call, CLAIM_TYPES, change, lambda old: replace(old, **change.changes))
