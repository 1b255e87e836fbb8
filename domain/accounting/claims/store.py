"""The SQL of claims and disputes; one statement a function, by primary key unless said otherwise."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, insert, select, text, update

from domain.accounting.claims.model import Claim, Dispute
from domain.accounting.claims.states import ClaimState
from domain.accounting.tables import claim, dispute
from domain.kernel.documents import from_text, to_text
from domain.kernel.keys import among
from domain.kernel.money import Money

DisputeKey = tuple[str, str]
"""The ids of a claim and of one of its disputes."""

_c, _d = claim.c, dispute.c
_NAMES = [column.name for column in claim.columns]
_CREATE = text(
    f"INSERT INTO claim ({', '.join(_NAMES)}) VALUES (:{', :'.join(_NAMES)}) ON CONFLICT DO NOTHING"  # noqa: S608 - ours
)


@dataclass(frozen=True, slots=True)
class ClaimFilter:
    """Which claims; the empty string means any. `clients` None: of all clients."""

    client_code: str = ""
    claim_type_code: str = ""
    state: str = ""
    clients: frozenset[str] | None = None


def find(tx: Connection, claim_id: str, clients: frozenset[str] | None = None) -> Claim | None:
    """The claim, if there is one, and it is of one of the clients; None: of any."""
    row = tx.execute(_one(claim_id, clients)).mappings().one_or_none()
    return None if row is None else claim_from(row)


def lock(tx: Connection, claim_id: str, clients: frozenset[str] | None = None) -> Claim | None:
    """As `find`, held against every other use case on the claim until the transaction ends."""
    row = tx.execute(_one(claim_id, clients).with_for_update()).mappings().one_or_none()
    return None if row is None else claim_from(row)


def lock_many(tx: Connection, claim_ids: Iterable[str], *, skip_locked: bool = False) -> dict[str, Claim]:
    """Those of the claims that there are, by id, each held as `lock` does, in the order of their ids.

    `skip_locked` leaves out those that others hold, and waits for none.
    """
    wanted = sorted(set(claim_ids))
    if not wanted:
        return {}
    query = select(claim).where(_c.claim_id.in_(wanted)).order_by(_c.claim_id).with_for_update(skip_locked=skip_locked)
    return {row["claim_id"]: claim_from(row) for row in tx.execute(query).mappings()}


def page(tx: Connection, wanted: ClaimFilter, *, after: str, limit: int) -> list[Claim]:
    """At most `limit` claims by id, those behind the id `after`.

    Cost: one statement along the primary key, or along ix_claim_client for one client.
    """
    query = select(claim).where(_c.claim_id > after).order_by(_c.claim_id).limit(limit)
    for column, value in (
        (_c.client_code, wanted.client_code),
        (_c.claim_type_code, wanted.claim_type_code),
        (_c.state, wanted.state),
    ):
        query = query.where(column == value) if value else query
    query = query if wanted.clients is None else query.where(_c.client_code.in_(sorted(wanted.clients)))
    return [claim_from(row) for row in tx.execute(query).mappings()]


def create(tx: Connection, value: Claim) -> bool:
    """Insert the claim; False when its id is taken, also by somebody who commits just now."""
    columns = {
        "claim_id": value.claim_id,
        "client_code": value.client_code,
        "claim_type_code": value.claim_type_code,
        "created_us": value.created_us,
        "events_made": value.events_made,
        **_moving_columns(value),
    }
    return tx.execute(_CREATE, columns).rowcount == 1


def change(tx: Connection, value: Claim) -> None:
    """Put the claim in its place, but for its events; it is locked."""
    tx.execute(update(claim).where(_c.claim_id == value.claim_id).values(**_moving_columns(value)))


def find_dispute(tx: Connection, claim_id: str, dispute_id: str) -> Dispute | None:
    """The dispute, if there is one."""
    return disputes(tx, claim_id, (dispute_id,)).get(dispute_id)


def disputes(tx: Connection, claim_id: str, dispute_ids: Collection[str]) -> dict[str, Dispute]:
    """Those of the claim's disputes that have these ids, by id: one of another claim is not among them."""
    if not dispute_ids:
        return {}
    query = select(dispute).where(_d.claim_id == claim_id, _d.dispute_id.in_(sorted(set(dispute_ids))))
    return {row["dispute_id"]: dispute_from(row) for row in tx.execute(query).mappings()}


def disputes_of_many(tx: Connection, keys: Iterable[DisputeKey]) -> dict[DisputeKey, Dispute]:
    """Those of the disputes that there are, by the ids of claim and dispute."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    query = select(dispute).where(among((_d.claim_id, _d.dispute_id), wanted))
    found = map(dispute_from, tx.execute(query).mappings())
    return {(each.claim_id, each.dispute_id): each for each in found}


def page_of_disputes(tx: Connection, claim_id: str, *, after: str, limit: int) -> list[Dispute]:
    """At most `limit` disputes of a claim by id, those behind the id `after`."""
    query = select(dispute).where(_d.claim_id == claim_id, _d.dispute_id > after).order_by(_d.dispute_id).limit(limit)
    return [dispute_from(row) for row in tx.execute(query).mappings()]


def create_disputes(tx: Connection, values: Collection[Dispute]) -> None:
    """Insert the disputes; their ids are free, and their claim is locked or new."""
    if values:
        rows = [
            {
                "claim_id": value.claim_id,
                "dispute_id": value.dispute_id,
                "created_us": value.created_us,
                **_moving_columns_of_dispute(value),
            }
            for value in values
        ]
        tx.execute(insert(dispute).values(rows))


def change_dispute(tx: Connection, value: Dispute) -> None:
    """Put the dispute in its place; its claim is locked."""
    this = (_d.claim_id == value.claim_id, _d.dispute_id == value.dispute_id)
    tx.execute(update(dispute).where(*this).values(**_moving_columns_of_dispute(value)))


def _one(claim_id: str, clients: frozenset[str] | None) -> Select[Any]:
    query = select(claim).where(_c.claim_id == claim_id)
    return query if clients is None else query.where(_c.client_code.in_(sorted(clients)))


def _moving_columns(value: Claim) -> dict[str, Any]:
    return {
        "description": value.description,
        "account": value.account,
        "attributes": to_text(dict(value.attributes)),
        "dates": to_text(dict(value.dates)),
        "state": value.state,
        "resolution": value.resolution,
        "version": value.version,
        "updated_us": value.updated_us,
        "resolved_us": value.resolved_us,
    }


def _moving_columns_of_dispute(value: Dispute) -> dict[str, Any]:
    amounts = {name: {"minor": money.minor, "currency": money.currency} for name, money in value.amounts.items()}
    return {
        "description": value.description,
        "amount_minor": value.amount.minor,
        "currency": value.amount.currency,
        "transaction_day": value.transaction_day,
        "attributes": to_text(dict(value.attributes)),
        "amounts": to_text(amounts),
        "version": value.version,
        "updated_us": value.updated_us,
    }


def claim_from(row: Mapping[Any, Any]) -> Claim:
    """The claim of a row."""
    parts = {"attributes": from_text(row["attributes"]), "dates": from_text(row["dates"])}
    return Claim(**{**row, **parts, "state": ClaimState(row["state"])})


def dispute_from(row: Mapping[Any, Any]) -> Dispute:
    """The dispute of a row."""
    return Dispute(
        claim_id=row["claim_id"],
        dispute_id=row["dispute_id"],
        description=row["description"],
        amount=Money(row["amount_minor"], row["currency"]),
        transaction_day=row["transaction_day"],
        attributes=from_text(row["attributes"]),
        amounts={name: Money(**money) for name, money in from_text(row["amounts"]).items()},
        version=row["version"],
        created_us=row["created_us"],
        updated_us=row["updated_us"],
    )
