"""The SQL of deliveries and of the targets that are in trouble."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, bindparam, delete, not_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from domain.deliveries.model import Delivery, DeliveryFilter, Kind, Limits, NewDelivery, State, Trouble, Waiting
from domain.deliveries.tables import delivery, delivery_target
from domain.kernel import scopes
from domain.kernel.documents import from_text, to_text
from domain.kernel.script import Script

_FIELDS = ", ".join(column.name for column in delivery.columns)
_LIMITS = ("attempts_max", "pause_us", "pause_max_us", "under_way_max")

_WAITING = text(
    # From one target to the next along ix_delivery_due: what it costs is the number of targets, not of deliveries.
    """
    WITH RECURSIVE each(target) AS (
        SELECT min(target) FROM delivery WHERE state = 'PENDING' AND kind = :kind
        UNION ALL
        SELECT (SELECT min(d.target) FROM delivery d
                WHERE d.state = 'PENDING' AND d.kind = :kind AND d.target > each.target)
        FROM each WHERE each.target IS NOT NULL
    )
    SELECT each.target,
        (SELECT min(d.next_attempt_us) FROM delivery d
         WHERE d.state = 'PENDING' AND d.kind = :kind AND d.target = each.target) AS due_us,
        (SELECT count(*) FROM delivery d WHERE d.claimed = 1 AND d.state = 'PENDING' AND d.kind = :kind
         AND d.target = each.target AND d.next_attempt_us > :now_us) AS under_way,
        (SELECT d.under_way_max FROM delivery d WHERE d.state = 'PENDING' AND d.kind = :kind AND d.target = each.target
         ORDER BY d.next_attempt_us, d.delivery_id LIMIT 1) AS under_way_max,
        t.failures, t.failing_since_us, t.paused_until_us
    FROM each LEFT JOIN delivery_target t ON t.kind = :kind AND t.target = each.target
    WHERE each.target IS NOT NULL"""
)

_CLAIM = """
    UPDATE delivery SET claimed = 1, epoch = epoch + 1, attempts = attempts + 1, unanswered = unanswered + 1,
        next_attempt_us = :until_us, attempted_us = :now_us
    WHERE state = 'PENDING' AND delivery_id {among}
    RETURNING {fields}"""
_DUE = """
    SELECT delivery_id FROM delivery
    WHERE state = 'PENDING' AND kind = :kind AND target = :target AND next_attempt_us <= :now_us
    ORDER BY next_attempt_us, delivery_id LIMIT :most"""
_CLAIMS = {  # PostgreSQL may run a query behind IN more than once, and claim as often; an array it makes once
    "postgresql": text(_CLAIM.format(among=f"= ANY (ARRAY ({_DUE} FOR UPDATE SKIP LOCKED))", fields=_FIELDS)),
    "sqlite": text(_CLAIM.format(among=f"IN ({_DUE})", fields=_FIELDS)),
}


_NEW = (
    "delivery_id",
    "kind",
    "target",
    "key",
    "subject",
    "event_type",
    "payload",
    "state",
    "scope_id",
    *_LIMITS,
)
_TIMES = ("next_attempt_us", "since_us", "created_us")


def insert_deliveries(script: Script, rows: Sequence[tuple[str, NewDelivery]]) -> None:
    """Record deliveries, due at once, under their ids; those whose key the target has already are left out.

    Cost: one statement of the script.
    """
    values = ", ".join([*("?" * len(_NEW)), *([script.now] * len(_TIMES))])
    cells = [_new_row(delivery_id, new) for delivery_id, new in rows]
    script.insert("delivery", (*_NEW, *_TIMES), cells, values=values, then="ON CONFLICT (key, target) DO NOTHING")


def _new_row(delivery_id: str, new: NewDelivery) -> list[str | int]:
    return [
        delivery_id,
        str(new.kind),
        new.target,
        new.key,
        new.subject,
        new.event_type,
        to_text(new.payload),
        str(State.PENDING),
        new.scope_id,
        *limits_row(new.limits).values(),
    ]


def limits_row(limits: Limits) -> dict[str, str | int]:
    """The columns of a delivery's limits."""
    return {name: getattr(limits, name) for name in _LIMITS}


def waiting(tx: Connection, kinds: Sequence[Kind], now_us: int) -> list[Waiting]:
    """Every target with pending deliveries. Cost: one statement a kind, a few looks into indexes for each target."""
    return [
        Waiting(
            kind=kind,
            target=row["target"],
            due_us=row["due_us"],
            under_way=row["under_way"],
            trouble=_trouble_from_row(row),
            under_way_max=row["under_way_max"],
        )
        for kind in kinds
        for row in tx.execute(_WAITING, {"kind": kind, "now_us": now_us}).mappings()
    ]


def claim(tx: Connection, kind: Kind, target: str, *, most: int, now_us: int, until_us: int) -> list[Delivery]:
    """Claim the deliveries of a target that are due longest; those that others claim just now are passed over.

    Cost: one statement along ix_delivery_due.
    """
    asked = {"kind": kind, "target": target, "most": most, "now_us": now_us, "until_us": until_us}
    return [_delivery_from_row(row) for row in tx.execute(_CLAIMS[tx.dialect.name], asked).mappings()]


_EXTEND = (
    update(delivery)
    .where(delivery.c.delivery_id == bindparam("held_id"), delivery.c.epoch == bindparam("held_epoch"))
    .where(delivery.c.claimed == 1)
    .values(next_attempt_us=bindparam("until_us"))
)


def extend(tx: Connection, held: Collection[Delivery], *, until_us: int) -> None:
    """Extend the leases of claimed deliveries. Cost: one statement each, by primary key."""
    if held:
        tx.execute(
            _EXTEND,
            [{"held_id": each.delivery_id, "held_epoch": each.epoch, "until_us": until_us} for each in _in_order(held)],
        )


def hand_back(tx: Connection, held: Collection[Delivery], *, now_us: int) -> None:
    """Make claimed deliveries due again, as if nobody had tried. Cost: one statement each, by primary key."""
    for each in _in_order(held):
        changes = {
            "claimed": 0,
            "attempts": each.attempts - 1,
            "unanswered": each.unanswered - 1,
            "next_attempt_us": now_us,
        }
        tx.execute(update(delivery).where(_held(each)).values(**changes))


_CHANGED = ("state", "claimed", "next_attempt_us", "ended_us", "reason", "message", "unanswered")
_END = "UPDATE delivery SET {changes}{source} WHERE {held} AND delivery.claimed = 1 AND delivery.state = 'PENDING'"
_END_ONE = text(
    _END.format(
        changes=", ".join(f"{name} = :{name}" for name in _CHANGED),
        source="",
        held="delivery_id = :delivery_id AND epoch = :epoch",
    )
)
_END_MANY = text(  # PostgreSQL: a statement each would be a way to the server and back each
    _END.format(
        changes=", ".join(f"{name} = a.{name}" for name in _CHANGED),
        source=f""" FROM unnest(CAST(:delivery_id AS text[]), CAST(:epoch AS bigint[]), CAST(:state AS text[]),
            CAST(:claimed AS integer[]), CAST(:next_attempt_us AS bigint[]), CAST(:ended_us AS bigint[]),
            CAST(:reason AS text[]), CAST(:message AS text[]),
            CAST(:unanswered AS integer[])) AS a (delivery_id, epoch, {", ".join(_CHANGED)})""",
        held="delivery.delivery_id = a.delivery_id AND delivery.epoch = a.epoch",
    )
    + " RETURNING delivery.delivery_id, delivery.epoch"
)


def end_attempts(tx: Connection, after: Sequence[Delivery]) -> set[tuple[str, int]]:
    """The fence: write what became of attempts, but for deliveries that have another sender by now.

    Gives the ids and epochs of those written. Cost: one statement by primary key, on SQLite one each.
    """
    rows = [{name: getattr(each, name) for name in ("delivery_id", "epoch", *_CHANGED)} for each in after]
    for row in rows:
        row.update(state=str(row["state"]), claimed=int(row["claimed"]))
    if tx.dialect.name == "postgresql":
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        return {(delivery_id, epoch) for delivery_id, epoch in tx.execute(_END_MANY, columns)}
    return {(row["delivery_id"], row["epoch"]) for row in rows if tx.execute(_END_ONE, row).rowcount}


def find(tx: Connection, delivery_id: str, *, visible: frozenset[int] | None) -> Delivery | None:
    """The delivery, if its scope is among the visible ones (None: all). Cost: one statement by primary key."""
    return _one(tx, select(delivery).where(delivery.c.delivery_id == delivery_id, *_seen(visible)))


def find_of(tx: Connection, key: str, target: str) -> Delivery | None:
    """The delivery of a key to a target. Cost: one statement along delivery_key_once_per_target."""
    return _one(tx, select(delivery).where(delivery.c.key == key, delivery.c.target == target))


def about(tx: Connection, kind: Kind, subjects: Sequence[str]) -> list[Delivery]:
    """Deliveries about subjects, by target. Cost: one statement along ix_delivery_subject."""
    query = (
        select(delivery).where(delivery.c.subject.in_(subjects), delivery.c.kind == kind).order_by(delivery.c.target)
    )
    return [_delivery_from_row(row) for row in tx.execute(query).mappings()]


def lock_of(tx: Connection, kind: Kind, key: str, target: str) -> Delivery | None:
    """The delivery of a key to a target, locked until the transaction ends; None also while another has it locked.

    Nobody waits: who claims or records goes on to what the caller may have locked before.
    Cost: one statement along delivery_key_once_per_target.
    """
    query = select(delivery).where(delivery.c.key == key, delivery.c.target == target, delivery.c.kind == kind)
    return _one(tx, query.with_for_update(skip_locked=True))


def lock(tx: Connection, delivery_id: str, *, visible: frozenset[int] | None) -> Delivery | None:
    """As `find`, and the row is locked until the transaction ends."""
    query = select(delivery).where(delivery.c.delivery_id == delivery_id, *_seen(visible))
    return _one(tx, query.with_for_update())


def page(
    tx: Connection, wanted: DeliveryFilter, *, before_id: str, limit: int, visible: frozenset[int] | None
) -> list[Delivery]:
    """Newest first, from the one before `before_id` on (empty: the newest). Cost: one statement along an index."""
    query = select(delivery).where(*_seen(visible)).order_by(delivery.c.delivery_id.desc()).limit(limit)
    for column, value in (
        (delivery.c.state, wanted.state),
        (delivery.c.kind, wanted.kind),
        (delivery.c.target, wanted.target),
        (delivery.c.subject, wanted.subject),
        (delivery.c.key, wanted.key),
    ):
        query = query.where(column == value) if value else query
    query = query.where(delivery.c.delivery_id < before_id) if before_id else query
    return [_delivery_from_row(row) for row in tx.execute(query).mappings()]


def begin_again(tx: Connection, delivery_id: str, *, now_us: int, **changes: str | int) -> None:
    """Make an ended delivery pending, with all its attempts. Cost: one statement by primary key."""
    tx.execute(
        update(delivery)
        .where(delivery.c.delivery_id == delivery_id)
        .values(
            state=State.PENDING,
            attempts=0,
            redeliveries=delivery.c.redeliveries + 1,
            next_attempt_us=now_us,
            since_us=now_us,
            ended_us=0,
            **changes,
        )
    )


def withdraw(tx: Connection, delivery_id: str, *, now_us: int) -> None:
    """End a delivery that nobody sends. Cost: one statement by primary key."""
    tx.execute(
        update(delivery)
        .where(delivery.c.delivery_id == delivery_id)
        .values(state=State.WITHDRAWN, next_attempt_us=0, ended_us=now_us)
    )


def give_up_late(
    tx: Connection, kind: Kind, target: str, *, reason: str, before_us: int, now_us: int, most: int
) -> int:
    """Give up pending deliveries of a target that are older than `before_us` and in nobody's hands; gives how many.

    Cost: two statements along ix_delivery_due.
    """
    late = (
        select(delivery.c.delivery_id)
        .where(delivery.c.state == State.PENDING, delivery.c.kind == kind, delivery.c.target == target)
        .where(delivery.c.claimed == 0, delivery.c.attempts_max == 0, delivery.c.since_us < before_us)
        .order_by(delivery.c.next_attempt_us, delivery.c.delivery_id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    ids = tx.execute(late).scalars().all()
    if ids:
        changes = {"state": State.GIVEN_UP, "ended_us": now_us, "next_attempt_us": 0, "reason": reason}
        tx.execute(update(delivery).where(delivery.c.delivery_id.in_(ids)).values(**changes))
    return len(ids)


def forget_before(tx: Connection, before_us: int, limit: int) -> int:
    """Delete deliveries that ended before an instant, at most `limit`; gives how many. Cost: one statement.

    What a system of record did not take is kept until it is settled: it may be sent again, and whether an attempt was
    without an answer stands there.
    """
    open_still = and_(delivery.c.kind == Kind.SYSTEM_OF_RECORD, delivery.c.state == State.GIVEN_UP)
    old = (
        select(delivery.c.delivery_id)
        .where(delivery.c.ended_us > 0, delivery.c.ended_us < before_us, not_(open_still))
        .order_by(delivery.c.ended_us)
        .limit(limit)
    ).subquery()
    return tx.execute(delete(delivery).where(delivery.c.delivery_id.in_(select(old.c.delivery_id)))).rowcount


def lock_trouble(tx: Connection, kind: Kind, target: str) -> Trouble | None:
    """The target's trouble, locked until the transaction ends. Cost: one statement by primary key."""
    query = select(delivery_target).where(_this(kind, target)).with_for_update()
    row = tx.execute(query).mappings().one_or_none()
    return None if row is None else _trouble_from_row(row)


_UNDER_WAY = text(
    """
    SELECT count(*) FROM delivery
    WHERE claimed = 1 AND state = 'PENDING' AND kind = :kind AND target = :target AND next_attempt_us > :now_us"""
)


def under_way_if_ours(tx: Connection, kind: Kind, target: str, *, now_us: int) -> int | None:
    """How many of a target are under way, counted while no other sender can claim more; None: another claims just now.

    Who claims locks the target's row, without waiting: two senders that claim at once would not see what the other
    does. Cost: up to three statements by primary key and along ix_delivery_claimed; on SQLite, where one writes at a
    time, one.
    """
    if tx.dialect.name == "postgresql":
        query = select(delivery_target.c.failures).where(_this(kind, target)).with_for_update(skip_locked=True)
        if tx.execute(query).one_or_none() is None:
            row = {"kind": kind, "target": target, "failures": 0, "failing_since_us": 0}
            made = _insert(tx, delivery_target).values(**row).on_conflict_do_nothing()
            if not tx.execute(made).rowcount:
                return None
    return int(tx.execute(_UNDER_WAY, {"kind": kind, "target": target, "now_us": now_us}).scalar_one())


def save_trouble(tx: Connection, kind: Kind, target: str, trouble: Trouble | None, *, keep: bool = False) -> None:
    """Write the target's trouble; None strikes it off, and keeps the row if others lock it. Cost: one statement."""
    if trouble is None and not keep:
        tx.execute(delete(delivery_target).where(_this(kind, target)))
        return
    trouble = trouble or Trouble(0, 0, 0)
    changes = {
        "failures": trouble.failures,
        "failing_since_us": trouble.failing_since_us,
        "paused_until_us": trouble.paused_until_us,
    }
    statement = _insert(tx, delivery_target).values(kind=kind, target=target, **changes)
    tx.execute(statement.on_conflict_do_update(index_elements=["kind", "target"], set_=changes))


def _insert(tx: Connection, into: Any = delivery) -> Any:  # noqa: ANN401 - each dialect has its own
    return postgresql.insert(into) if tx.dialect.name == "postgresql" else sqlite.insert(into)


def _held(held: Delivery) -> Any:  # noqa: ANN401
    return and_(
        delivery.c.delivery_id == held.delivery_id,
        delivery.c.epoch == held.epoch,
        delivery.c.claimed == 1,
        delivery.c.state == State.PENDING,
    )


def _in_order(held: Collection[Delivery]) -> list[Delivery]:
    """In the one order in which rows are locked."""
    return sorted(held, key=lambda each: each.delivery_id)


def _this(kind: Kind, target: str) -> Any:  # noqa: ANN401
    return and_(delivery_target.c.kind == kind, delivery_target.c.target == target)


def _seen(visible: frozenset[int] | None) -> list[Any]:
    return [scopes.within(delivery.c.scope_id, visible)]


def _one(tx: Connection, query: Any) -> Delivery | None:  # noqa: ANN401
    row = tx.execute(query).mappings().one_or_none()
    return None if row is None else _delivery_from_row(row)


def _trouble_from_row(row: RowMapping) -> Trouble | None:
    return Trouble(row["failures"], row["failing_since_us"], row["paused_until_us"]) if row["failures"] else None


def _delivery_from_row(row: RowMapping) -> Delivery:
    columns = dict(row)
    limits = Limits(**{name: columns.pop(name) for name in _LIMITS})
    return Delivery(
        **{
            **columns,
            "kind": Kind(columns["kind"]),
            "state": State(columns["state"]),
            "payload": from_text(columns["payload"]),
            "claimed": bool(columns["claimed"]),
            "limits": limits,
        }
    )
