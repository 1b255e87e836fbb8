"""Gathers the facts that performing needs, for one claim or thousands, in the same few statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from domain.accounting.claims.errors import ClaimNotFound
from domain.accounting.claims.model import Claim, Dispute
from domain.accounting.configuration.snapshot import Configurations, Snapshot
from domain.accounting.performing.planning import Facts
from domain.accounting.performing.store import balances, facts
from domain.kernel.scopes import Scope


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is known of some claims, which are locked until the transaction ends."""

    snapshot: Snapshot
    claims: Mapping[str, Claim]
    disputes: Mapping[tuple[str, str], Dispute]
    balances: Mapping[tuple[str, str, str, str], int]

    def of(self, claim_id: str, scope: Scope) -> Facts:
        """What is known of one of them. Raises: ClaimNotFound, also for what lies outside the scope."""
        claim = self.claims.get(claim_id)
        if claim is None or not scope.has_client(claim.client_code):
            raise ClaimNotFound(claim_id)
        return Facts(
            self.snapshot,
            self.snapshot.clients[claim.client_code],
            claim,
            {dispute: value for (owner, dispute), value in self.disputes.items() if owner == claim_id},
            {key: minor for key, minor in self.balances.items() if key[0] == claim_id},
        )


def gather(
    tx: Connection,
    configurations: Configurations,
    disputes: Iterable[tuple[str, str]],
    *,
    claim_ids: Iterable[str] = (),
) -> Gathered:
    """Lock claims, and read what is known of these disputes of them (claim and dispute).

    Claims are locked in the order of their ids, before anything else of them is read.

    Cost: one statement, however many claims.
    """
    wanted = set(disputes)
    alone = {*claim_ids} - {claim_id for claim_id, _ in wanted}
    found = facts.lock(tx, [*wanted, *((claim_id, "") for claim_id in alone)])
    snapshot = configurations.at(tx, found.version) if found.version else configurations.current(tx)
    return Gathered(snapshot, found.claims, found.disputes, {})


def with_balances(tx: Connection, gathered: Gathered, disputes: Iterable[tuple[str, str]]) -> Gathered:
    """The same with the executed balances of disputes. Cost: one statement, none for no disputes."""
    wanted = set(disputes)
    return replace(gathered, balances=balances.executed(tx, wanted)) if wanted else gathered
