"""The SQL of the feed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile

from sqlalchemy import Connection, RowMapping, delete, literal_column, select, text, update

from domain.accounting.feed.model import AccountingEvent, EventKind, NewEvent, Waiting
from domain.accounting.tables import accounting_event, accounting_feed
from domain.kernel.documents import to_text
from domain.kernel.ids import new_id
from domain.kernel.script import Script

_e = accounting_event.c
_COLUMNS = ("claim_id", "sequence", "client_code", "event_id", "kind", "operation_id", "at_us")

_MAKE = {
    "postgresql": text(
        "UPDATE claim SET events_made = events_made + CAST(made.value AS BIGINT) FROM json_each_text(:made) made"
        ' WHERE claim_id = made.key COLLATE "C" RETURNING claim_id, events_made'
    ),
    "sqlite": text(
        "UPDATE claim SET events_made = events_made + made.value FROM json_each(:made) made"
        " WHERE claim_id = made.key RETURNING claim_id, events_made"
    ),
}

_WAITING = text(
    "WITH RECURSIVE client (code) AS ("
    " SELECT min(client_code) FROM accounting_event WHERE position = 0"
    " UNION ALL"
    " SELECT (SELECT min(client_code) FROM accounting_event WHERE position = 0 AND client_code > client.code)"
    " FROM client WHERE client.code IS NOT NULL)"
    " SELECT code FROM client WHERE code IS NOT NULL"
)
_MAKE_FEED = text("INSERT INTO accounting_feed (client_code, position) VALUES (:client, 0) ON CONFLICT DO NOTHING")

_WITH_OLDER = text(
    "SELECT client_code FROM accounting_feed feed WHERE (SELECT at_us FROM accounting_event e"
    " WHERE e.client_code = feed.client_code AND e.position > 0 ORDER BY e.position LIMIT 1) < :before_us"
    " ORDER BY client_code LIMIT :limit"
)

_EARLIER = {  # not along ix_accounting_event_unplaced, which may hold very many: a sum is in no index
    "postgresql": text(
        "SELECT e.claim_id, e.sequence, e.event_id FROM json_each_text(:newest) newest JOIN accounting_event e"
        ' ON e.claim_id = newest.key COLLATE "C" AND e.sequence < CAST(newest.value AS BIGINT) WHERE e.position + 0 = 0'
    ),
    "sqlite": text(
        "SELECT e.claim_id, e.sequence, e.event_id FROM json_each(:newest) newest JOIN accounting_event e"
        " ON e.claim_id = newest.key AND e.sequence < newest.value WHERE e.position + 0 = 0"
    ),
}
_PLACE_ALL = text(
    "UPDATE accounting_event SET position = placed.position"
    " FROM json_to_recordset(:placed) placed (claim_id TEXT, sequence BIGINT, position BIGINT)"
    ' WHERE accounting_event.claim_id = placed.claim_id COLLATE "C" AND accounting_event.sequence = placed.sequence'
)
_PLACE_ONE = text(
    "UPDATE accounting_event SET position = :position WHERE claim_id = :claim_id AND sequence = :sequence"
)

_KNOWN = {"postgresql": "json_each_text(:known)", "sqlite": "json_each(:known)"}
_COLLATED = {"postgresql": 'known.key COLLATE "C"', "sqlite": "known.key"}
_NEWER = {
    dialect: {
        "clients": text(
            f"SELECT e.* FROM {known} known JOIN accounting_feed f ON f.client_code = {_COLLATED[dialect]}"  # noqa: S608
            " JOIN accounting_event e ON e.client_code = f.client_code AND e.position > 0"
            " AND e.position > CAST(known.value AS BIGINT) AND e.position > f.position - :most"
            " ORDER BY e.client_code, e.position"
        ),
        "claims": text(
            f"SELECT e.* FROM {known} known JOIN claim c ON c.claim_id = {_COLLATED[dialect]}"  # noqa: S608 - ours
            " JOIN accounting_event e ON e.claim_id = c.claim_id"
            " AND e.sequence > CAST(known.value AS BIGINT) AND e.sequence > c.events_made - :most"
            " ORDER BY e.claim_id, e.sequence"
        ),
    }
    for dialect, known in _KNOWN.items()
}


def take(tx: Connection, counts: Mapping[str, int]) -> dict[str, int]:
    """Let claims have made so many events more; gives the sequence of the last before them, by claim.

    Cost: one statement, whatever number of claims; their rows are locked already.
    """
    made = tx.execute(_MAKE[tx.dialect.name], {"made": to_text(counts)}).all()
    assert len(made) == len(counts), "an event of a claim that is not there"
    return {row.claim_id: row.events_made - counts[row.claim_id] for row in made}


def set_made(script: Script, made: Mapping[str, int]) -> None:
    """Put how many events claims have made; their rows are locked. Cost: one statement of the script."""
    script.update("claim", ("claim_id",), ("events_made",), sorted(made.items()))


def insert(script: Script, events: Sequence[NewEvent], made: Mapping[str, int]) -> dict[str, int]:
    """Insert events, in their order, with the sequences behind those that were `made`; gives what that is then.

    Cost: one statement of the script.
    """
    last = dict(made)
    rows = []
    for event in events:
        last[event.claim_id] += 1
        rows.append(
            (
                event.claim_id,
                last[event.claim_id],
                event.client_code,
                new_id(event.at_us),
                event.kind.value,
                event.operation_id,
                event.at_us,
            )
        )
    script.insert("accounting_event", _COLUMNS, rows)
    return last


def of_claim(tx: Connection, claim_id: str, *, after: int, limit: int) -> list[AccountingEvent]:
    """At most `limit` events of a claim, those behind a sequence, in their order. Cost: one by primary key."""
    query = select(accounting_event).where(_e.claim_id == claim_id, _e.sequence > after)
    return [_event_from_row(row) for row in tx.execute(query.order_by(_e.sequence).limit(limit)).mappings()]


def of_client(tx: Connection, client_code: str, *, after: int, limit: int) -> list[AccountingEvent]:
    """At most `limit` events of a client, those behind a position, in their order.

    Cost: one statement along accounting_event_position_unique.
    """
    placed = _e.position > literal_column("0")  # in the words of the partial index
    query = select(accounting_event).where(_e.client_code == client_code, placed, _e.position > after)
    return [_event_from_row(row) for row in tx.execute(query.order_by(_e.position).limit(limit)).mappings()]


def last_position(tx: Connection, client_code: str) -> int:
    """The position of the client's newest event; 0 when it has none. Cost: one statement by primary key."""
    query = select(accounting_feed.c.position).where(accounting_feed.c.client_code == client_code)
    return tx.execute(query).scalar_one_or_none() or 0


def newer_of_clients(tx: Connection, known: Mapping[str, int], *, most: int) -> list[AccountingEvent]:
    """The newest events of clients behind the positions that are known of them, `most` of each, client by client.

    Cost: one statement by keys, whose answer is as long as there are events.
    """
    return _newer(tx, "clients", known, most)


def newer_of_claims(tx: Connection, known: Mapping[str, int], *, most: int) -> list[AccountingEvent]:
    """The newest events of claims behind the sequences that are known of them, `most` of each, claim by claim.

    Cost: one statement by keys, whose answer is as long as there are events.
    """
    return _newer(tx, "claims", known, most)


def clients_waiting(tx: Connection) -> Sequence[str]:
    """Clients that have events without a position. Cost: one statement, a look into an index for each of them."""
    return tx.execute(_WAITING).scalars().all()


def lock_feed(tx: Connection, client_code: str) -> int:
    """The position of the client's newest event; nobody else gives any until the transaction ends.

    Cost: one statement by primary key, and two more for the first event of a client.
    """
    query = select(accounting_feed.c.position).where(accounting_feed.c.client_code == client_code).with_for_update()
    last: int | None = tx.execute(query).scalar_one_or_none()
    if last is None:
        tx.execute(_MAKE_FEED, {"client": client_code})
        last = tx.execute(query).scalar_one()
    return last


def oldest_waiting(tx: Connection, client_code: str, limit: int) -> list[Waiting]:
    """At most `limit` of a client's events without a position, the oldest by their ids.

    Cost: one statement along ix_accounting_event_unplaced.
    """
    unplaced = _e.position == literal_column("0")  # in the words of the partial index
    query = select(_e.claim_id, _e.sequence, _e.event_id).where(_e.client_code == client_code, unplaced)
    return [Waiting(*row) for row in tx.execute(query.order_by(_e.event_id).limit(limit))]


def earlier_waiting(tx: Connection, newest: Mapping[str, int]) -> list[Waiting]:
    """The events without a position that come before a sequence of each claim.

    Cost: one statement along the primary key, which reads what happened to these claims before.
    """
    rows = tx.execute(_EARLIER[tx.dialect.name], {"newest": to_text(dict(newest))})
    return [Waiting(*row) for row in rows]


def set_positions(tx: Connection, ordered: Sequence[Waiting], *, first: int) -> None:
    """Give events positions from `first` on, in their order.

    Cost: one statement by primary keys, on SQLite one for each; the feed is locked already.
    """
    placed = [
        {"claim_id": event.claim_id, "sequence": event.sequence, "position": position}
        for position, event in enumerate(ordered, first)
    ]
    if tx.dialect.name == "postgresql":
        tx.execute(_PLACE_ALL, {"placed": to_text(placed)})
    else:
        tx.execute(_PLACE_ONE, placed)


def set_last(tx: Connection, client_code: str, last: int) -> None:
    """Record the position of the client's newest event. Cost: one statement by primary key."""
    tx.execute(update(accounting_feed).where(accounting_feed.c.client_code == client_code).values(position=last))


def clients_with_older(tx: Connection, before_us: int, limit: int) -> Sequence[str]:
    """Clients whose first event that is kept is older. Cost: one statement, a look into an index for each client."""
    return tx.execute(_WITH_OLDER, {"before_us": before_us, "limit": limit}).scalars().all()


def forget_first(tx: Connection, client_code: str, before_us: int, limit: int) -> int:
    """Delete the first events of a client, at most `limit`, up to the first that is not older; gives how many.

    Cost: two statements along accounting_event_position_unique.
    """
    placed = (_e.client_code == client_code, _e.position > literal_column("0"))
    query = select(_e.position, _e.at_us).where(*placed).order_by(_e.position).limit(limit)
    older = [row.position for row in takewhile(lambda row: row.at_us < before_us, tx.execute(query))]
    if older:
        tx.execute(delete(accounting_event).where(*placed, _e.position <= older[-1]))
    return len(older)


def _newer(tx: Connection, whose: str, known: Mapping[str, int], most: int) -> list[AccountingEvent]:
    rows = tx.execute(_NEWER[tx.dialect.name][whose], {"known": to_text(dict(known)), "most": most}).mappings()
    return [_event_from_row(row) for row in rows]


def _event_from_row(row: RowMapping) -> AccountingEvent:
    return AccountingEvent(**{**row, "kind": EventKind(row["kind"])})
