"""The SQL of what is known of claims as something is performed for them: one way to the database and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from domain.accounting.claims import store as claims
from domain.accounting.claims.model import Claim, Dispute
from domain.accounting.tables import claim, dispute
from domain.kernel.documents import to_text
from domain.kernel.script import Script

_CLAIM = [column.name for column in claim.columns]
_DISPUTE = [column.name for column in dispute.columns]
_COLUMNS = ", ".join([*(f"c.{name}" for name in _CLAIM), *(f"d.{name}" for name in _DISPUTE)])
_READ = (
    f"SELECT (SELECT version FROM accounting_configuration), {_COLUMNS} FROM {{keys}}"  # noqa: S608 - names of ours
    " CROSS JOIN claim c LEFT JOIN dispute d ON d.claim_id = c.claim_id AND d.dispute_id = {dispute}"
    " WHERE c.claim_id = {claim}"
)
_LOCK = "SELECT 1 FROM claim WHERE claim_id = ANY (CAST(? AS text[])) ORDER BY claim_id FOR UPDATE"
_ARRAYS = "unnest(CAST(? AS text[]), CAST(? AS text[])) k (claim_id, dispute_id)"
_POSTGRESQL = f"{_LOCK};{_READ.format(keys=_ARRAYS, claim='k.claim_id', dispute='k.dispute_id')}"
_SQLITE = _READ.format(
    keys="json_each(?) k", claim="json_extract(k.value, '$[0]')", dispute="json_extract(k.value, '$[1]')"
)


@dataclass(frozen=True, slots=True)
class Found:
    """Claims by id, disputes of each by id, and the version of the configuration; 0 when no claim is there."""

    version: int
    claims: dict[str, Claim]
    disputes: dict[str, dict[str, Dispute]]


def lock(tx: Connection, keys: Iterable[tuple[str, str]]) -> Found:
    """Lock claims, in the order of their ids, and read what they are then, with disputes of them.

    Keys are claim and dispute; the dispute is empty for none. Cost: one statement; on PostgreSQL two that are sent
    together, of which the second sees what whoever held the claims before has done.
    """
    wanted = sorted(set(keys))
    if tx.dialect.name == "postgresql":
        ids = [claim_id for claim_id, _ in wanted]
        rows = Script(tx).ask(_POSTGRESQL, ids, ids, [dispute_id for _, dispute_id in wanted])
    else:
        rows = Script(tx).ask(_SQLITE, to_text(wanted))
    return _found(rows)


def _found(rows: Sequence[tuple[Any, ...]]) -> Found:
    found = Found(rows[0][0] if rows else 0, {}, {})
    for row in rows:
        of_claim, of_dispute = row[1 : 1 + len(_CLAIM)], row[1 + len(_CLAIM) :]
        if of_claim[0] not in found.claims:
            found.claims[of_claim[0]] = claims.claim_from(dict(zip(_CLAIM, of_claim, strict=True)))
        if of_dispute[0] is not None:
            value = claims.dispute_from(dict(zip(_DISPUTE, of_dispute, strict=True)))
            found.disputes.setdefault(value.claim_id, {})[value.dispute_id] = value
    return found
