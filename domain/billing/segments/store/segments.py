"""The SQL of bill segments; one statement a function, by primary key unless said otherwise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, func, literal, select, tuple_

from domain.billing.segments.documents import document_of, worked_of
from domain.billing.segments.model import Segment, Spent
from domain.billing.segments.periods import Period
from domain.billing.segments.states import LIVE, SegmentKind, SegmentState
from domain.billing.segments.store import bills
from domain.billing.tables import bill_segment
from domain.kernel.bulk import Cell
from domain.kernel.documents import from_text, to_text
from domain.kernel.keys import among
from domain.kernel.money import Money
from domain.kernel.script import Script

Key = tuple[str, str]
"""The ids of an account and of one of its segments, or of its agreements."""

COLUMNS = tuple(column.name for column in bill_segment.columns)
_s = bill_segment.c
_LIVE = ", ".join(f"'{each}'" for each in sorted(LIVE))
_BILLED = (
    "SELECT a.account_id, a.agreement_id, (SELECT s.end_day FROM bill_segment s"  # noqa: S608 - words of ours
    f" WHERE s.account_id = a.account_id AND s.agreement_id = a.agreement_id AND s.kind = '{SegmentKind.USAGE}'"
    f" AND s.state IN ({_LIVE}) ORDER BY s.start_day DESC LIMIT 1) FROM service_agreement a WHERE a.account_id"
)
_AMONG = {"postgresql": "= ANY (CAST(? AS text[]))", "sqlite": "IN (SELECT value FROM json_each(?))"}


@dataclass(frozen=True, slots=True)
class SegmentFilter:
    """Which segments of an account; the empty string means any."""

    account_id: str
    bill_id: str = ""
    agreement_id: str = ""
    state: str = ""
    cycles: frozenset[str] | None = None


def of_bills(tx: Connection, keys: Collection[Key]) -> dict[str, list[Segment]]:
    """By account, all segments of bills (account and bill), as they stand on them. Cost: along ix_bill_segment_bill."""
    found: dict[str, list[Segment]] = defaultdict(list)
    if not keys:
        return found
    query = select(bill_segment).where(among((_s.account_id, _s.bill_id), keys))
    query = query.order_by(_s.account_id, _s.position, _s.start_day, _s.segment_id)
    for row in tx.execute(query).mappings():
        found[row["account_id"]].append(from_row(row))
    return found


def billed_through(tx: Connection, account_ids: Collection[str]) -> dict[Key, int]:
    """By account and agreement, the end of its last segment that stays, of those that have one.

    Cost: one statement; a look along ix_bill_segment_agreement for each agreement.
    """
    ids = sorted(account_ids)
    together = tx.dialect.name == "postgresql"
    rows = Script(tx).ask(f"{_BILLED} {_AMONG[tx.dialect.name]}", ids if together else to_text(ids))
    return {(account_id, agreement_id): end_day for account_id, agreement_id, end_day in rows if end_day is not None}


def spent(tx: Connection, keys: Mapping[Key, int]) -> dict[Key, Spent]:
    """What the last frozen segments of agreements came to: at most so many of each (BIL-16).

    One that is about to be canceled counts until it is: a correction is judged by what it corrects, however often.

    Cost: one statement, along ix_bill_segment_agreement; it reads all segments of these agreements.
    """
    if not keys:
        return {}
    age = func.row_number().over(
        partition_by=(_s.account_id, _s.agreement_id), order_by=(_s.start_day.desc(), _s.segment_id.desc())
    )
    numbered = (
        select(
            _s.account_id, _s.agreement_id, _s.start_day, _s.end_day, _s.full_days, _s.amount_minor, age.label("age")
        )
        .where(
            among((_s.account_id, _s.agreement_id), keys),
            _s.kind == SegmentKind.USAGE,
            _s.state.in_(sorted(LIVE)),
        )
        .subquery()
    )
    of_key: dict[Key, list[tuple[int, int]]] = defaultdict(list)
    for row in tx.execute(select(numbered).where(numbered.c.age <= max(keys.values()))).mappings():
        key = (row["account_id"], row["agreement_id"])
        if row["age"] <= keys[key]:
            days = Period(row["start_day"], row["end_day"], row["full_days"]).days
            of_key[key].append((row["amount_minor"], days))
    return {
        key: Spent(sum(minor for minor, _ in rows), sum(days for _, days in rows), len(rows))
        for key, rows in of_key.items()
    }


def find(tx: Connection, account_id: str, segment_id: str, cycles: frozenset[str] | None = None) -> Segment | None:
    """The segment, if there is one, of an account in one of the cycles; None: in any."""
    query = select(bill_segment).where(_s.account_id == account_id, _s.segment_id == segment_id)
    if cycles is not None:
        query = query.where(_s.account_id.in_(bills.of_cycles(cycles)))
    row = tx.execute(query).mappings().one_or_none()
    return None if row is None else from_row(row)


def page(tx: Connection, wanted: SegmentFilter, *, after: Sequence[str | int], limit: int) -> list[Segment]:
    """At most `limit` segments of an account: of the newest bill first, as they stand on it.

    `after` is the key of the last before: bill, position, first day, segment. Cost: along ix_bill_segment_bill.
    """
    order = (_s.bill_id.desc(), _s.position, _s.start_day, _s.segment_id)
    query = select(bill_segment).where(_s.account_id == wanted.account_id).order_by(*order).limit(limit)
    if after:
        bill_id, *rest = after
        behind = tuple_(_s.position, _s.start_day, _s.segment_id) > tuple_(*map(literal, rest))
        query = query.where(_s.bill_id <= bill_id, (_s.bill_id < bill_id) | behind)
    for column, value in (
        (_s.bill_id, wanted.bill_id),
        (_s.agreement_id, wanted.agreement_id),
        (_s.state, wanted.state),
    ):
        query = query.where(column == value) if value else query
    if wanted.cycles is not None:
        query = query.where(_s.account_id.in_(bills.of_cycles(wanted.cycles)))
    return [from_row(row) for row in tx.execute(query).mappings()]


def put_state(tx: Connection, segments: Iterable[Segment]) -> None:
    """Put states in their place, of segments that the transaction holds. Cost: one statement."""
    script = Script(tx)
    rows = [(each.account_id, each.segment_id, each.state.value, each.version) for each in segments]
    script.update("bill_segment", ("account_id", "segment_id"), ("state", "version"), rows)
    script.run()


def delete(script: Script, account_id: str, segment_ids: Sequence[str]) -> None:
    """Delete segments of an account. Cost: one statement of the script."""
    if segment_ids:
        marks = ", ".join("?" * len(segment_ids))
        statement = f"DELETE FROM bill_segment WHERE account_id = ? AND segment_id IN ({marks})"  # noqa: S608
        script.add(statement, account_id, *segment_ids)


def insert(script: Script, segments: Sequence[Segment]) -> None:
    """Add segments. Cost: one statement of the script, a COPY when they are many."""
    script.insert("bill_segment", COLUMNS, [row_of(each) for each in segments])


def row_of(value: Segment) -> list[Cell]:
    """The segment as cells, in the order of COLUMNS."""
    return [
        value.account_id,
        value.segment_id,
        value.bill_id,
        value.agreement_id,
        value.type_code,
        value.kind.value,
        value.position,
        value.state.value,
        value.reason,
        int(value.estimated),
        int(value.stale),
        int(value.accepted),
        value.rebills_id,
        value.cancel_bill_id,
        value.receivable_code,
        value.period.start,
        value.period.end,
        value.period.full_days,
        value.accounting_day,
        value.rate_code,
        value.amount.currency,
        value.amount.minor,
        value.tax.minor,
        to_text(document_of(value.worked)),
        value.version,
        value.created_us,
        value.frozen_us,
        value.canceled_us,
    ]


def from_row(row: RowMapping) -> Segment:
    """The segment of a row."""
    currency = row["currency"]
    return Segment(
        account_id=row["account_id"],
        segment_id=row["segment_id"],
        bill_id=row["bill_id"],
        agreement_id=row["agreement_id"],
        type_code=row["type_code"],
        kind=SegmentKind(row["kind"]),
        position=row["position"],
        state=SegmentState(row["state"]),
        reason=row["reason"],
        estimated=bool(row["estimated"]),
        stale=bool(row["stale"]),
        accepted=bool(row["accepted"]),
        rebills_id=row["rebills_id"],
        cancel_bill_id=row["cancel_bill_id"],
        receivable_code=row["receivable_code"],
        period=Period(row["start_day"], row["end_day"], row["full_days"]),
        accounting_day=row["accounting_day"],
        rate_code=row["rate_code"],
        amount=Money(row["amount_minor"], currency),
        tax=Money(row["tax_minor"], currency),
        worked=worked_of(from_text(row["calculation"]), currency),
        version=row["version"],
        created_us=row["created_us"],
        frozen_us=row["frozen_us"],
        canceled_us=row["canceled_us"],
    )
