"""Gathers the facts that performing needs, for one claim or thousands, in the same few statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from domain.accounting.claims.errors import ClaimNotFound
from domain.accounting.claims.model import Claim, Dispute
from domain.accounting.configuration.snapshot import Configurations, Snapshot
from domain.accounting.performing.planning import Facts
from domain.accounting.performing.store import balances, facts
from domain.accounting.performing.store.balances import BalanceKey
from domain.kernel.scopes import Scope


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is known of some claims, by claim; they are locked until the transaction ends."""

    snapshot: Snapshot
    claims: Mapping[str, Claim]
    disputes: Mapping[str, Mapping[str, Dispute]]
    balances: Mapping[str, Mapping[BalanceKey, int]]

    def of(self, claim_id: str, scope: Scope) -> Facts:
        """What is known of one of them. Raises: ClaimNotFound, also for what lies outside the scope."""
        claim = self.claims.get(claim_id)
        if claim is None or not scope.has_client(claim.client_code):
            raise ClaimNotFound(claim_id)
        return Facts(
            self.snapshot,
            self.snapshot.clients[claim.client_code],
            claim,
            self.disputes.get(claim_id, {}),
            self.balances.get(claim_id, {}),
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
    of_claims: dict[str, dict[BalanceKey, int]] = defaultdict(dict)
    for key, minor in balances.executed(tx, disputes).items():
        of_claims[key[0]][key] = minor
    return replace(gathered, balances=of_claims)
