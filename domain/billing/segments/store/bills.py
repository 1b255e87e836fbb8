"""The SQL of bills; one statement a function, by primary key unless said otherwise."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, RowMapping, case, func, select

from domain.billing.segments.model import Bill, Ordered
from domain.billing.segments.states import BillKind, BillState, SegmentState
from domain.billing.tables import bill, bill_segment, billing_account
from domain.kernel.bulk import Cell
from domain.kernel.documents import from_text, to_text
from domain.kernel.keys import among
from domain.kernel.script import Script

Key = tuple[str, str]
"""The ids of an account and of one of its bills."""

COLUMNS = tuple(column.name for column in bill.columns)
_KEY = ("account_id", "bill_id")
_GENERATED = (
    "window_code",
    "bill_day",
    "accounting_day",
    "through_day",
    "processing_order",
    "version",
    "updated_us",
)
_b, _s = bill.c, bill_segment.c
_COUNTED = (SegmentState.FREEZABLE, SegmentState.FROZEN)


@dataclass(frozen=True, slots=True)
class BillFilter:
    """Which bills; the empty string means any. `cycles` None: of accounts of all cycles, and of those without one."""

    account_id: str = ""
    cycle_code: str = ""
    window_code: str = ""
    state: str = ""
    cycles: frozenset[str] | None = None


class Sum(NamedTuple):
    """What a bill's segments come to, how many they are, and how many of them are in error or not calculated."""

    segments: int = 0
    in_error: int = 0
    minor: int = 0
    tax_minor: int = 0


def pending(tx: Connection, account_ids: Collection[str]) -> dict[str, Bill]:
    """The pending regular bill of each account that has one, along bill_open_once."""
    query = select(bill).where(
        _b.state == BillState.PENDING, _b.kind == BillKind.REGULAR, _b.account_id.in_(sorted(account_ids))
    )
    return {row["account_id"]: from_row(row) for row in tx.execute(query).mappings()}


def find(tx: Connection, account_id: str, bill_id: str, cycles: frozenset[str] | None = None) -> Bill | None:
    """The bill, if there is one, of an account in one of the cycles; None: in any."""
    query = select(bill).where(_b.account_id == account_id, _b.bill_id == bill_id)
    if cycles is not None:
        query = query.where(_b.account_id.in_(of_cycles(cycles)))
    row = tx.execute(query).mappings().one_or_none()
    return None if row is None else from_row(row)


def page(tx: Connection, wanted: BillFilter, *, after: Sequence[str | int], limit: int) -> list[Bill]:
    """At most `limit` bills by account, the newest of each first; those behind the key `after`, account and bill.

    Cost: along the primary key for an account, along ix_bill_cycle for a cycle.
    """
    query = select(bill).order_by(_b.account_id, _b.bill_id.desc()).limit(limit)
    if after:
        account_id, bill_id = after
        query = query.where(_b.account_id >= account_id, (_b.account_id > account_id) | (_b.bill_id < bill_id))
    for column, value in (
        (_b.account_id, wanted.account_id),
        (_b.cycle_code, wanted.cycle_code),
        (_b.window_code, wanted.window_code),
        (_b.state, wanted.state),
    ):
        query = query.where(column == value) if value else query
    if wanted.cycles is not None:
        query = query.where(_b.account_id.in_(of_cycles(wanted.cycles)))
    return [from_row(row) for row in tx.execute(query).mappings()]


def sums(tx: Connection, keys: Collection[Key]) -> dict[Key, Sum]:
    """What the segments of bills come to, less what they take back.

    Cost: two statements, along ix_bill_segment_bill and ix_bill_segment_cancel.
    """
    if not keys:
        return {}
    back = select(_s.account_id, _s.cancel_bill_id, func.sum(_s.amount_minor), func.sum(_s.tax_minor))
    back = back.where(_s.cancel_bill_id != "", among((_s.account_id, _s.cancel_bill_id), keys))
    taken = {
        (row[0], row[1]): (int(row[2]), int(row[3]))
        for row in tx.execute(back.group_by(_s.account_id, _s.cancel_bill_id))
    }
    counted = _s.state.in_(_COUNTED)
    query = (
        select(
            _s.account_id,
            _s.bill_id,
            func.count(),
            func.sum(case((_s.state.in_((SegmentState.ERROR, SegmentState.INCOMPLETE)), 1), else_=0)),
            func.sum(case((counted, _s.amount_minor), else_=0)),
            func.sum(case((counted, _s.tax_minor), else_=0)),
        )
        .where(among((_s.account_id, _s.bill_id), keys))
        .group_by(_s.account_id, _s.bill_id)
    )
    found = {(row[0], row[1]): Sum(*map(int, row[2:])) for row in tx.execute(query)}
    for key, (minor, tax_minor) in taken.items():
        of = found.get(key, Sum())
        found[key] = of._replace(minor=of.minor - minor, tax_minor=of.tax_minor - tax_minor)
    return found


def of_cycles(cycles: Collection[str]):  # type: ignore[no-untyped-def]  # noqa: ANN201 - a subquery
    """The ids of accounts in one of these cycles."""
    return select(billing_account.c.account_id).where(billing_account.c.cycle_code.in_(sorted(cycles)))


def insert(script: Script, bills: Sequence[Bill]) -> None:
    """Add bills. Cost: one statement of the script."""
    script.insert("bill", COLUMNS, [row_of(each) for each in bills])


def change(script: Script, bills: Sequence[Bill]) -> None:
    """Put what generating changes of pending bills in its place; their accounts are locked. Cost: as `insert`."""
    at = [COLUMNS.index(name) for name in (*_KEY, *_GENERATED)]
    rows = [row_of(each) for each in bills]
    script.update("bill", _KEY, _GENERATED, [[row[place] for place in at] for row in rows])


def row_of(value: Bill) -> list[Cell]:
    """The bill as cells, in the order of COLUMNS."""
    return [
        value.account_id,
        value.bill_id,
        value.cycle_code,
        value.window_code,
        value.kind.value,
        value.state.value,
        value.currency,
        value.bill_day,
        value.accounting_day,
        value.through_day,
        value.due_day,
        value.amount_minor,
        value.tax_minor,
        to_text(value.order),
        to_text(value.messages),
        value.routed_by,
        value.version,
        value.created_us,
        value.updated_us,
        value.completed_us,
    ]


def from_row(row: RowMapping) -> Bill:
    """The bill of a row."""
    fields = {name: row[name] for name in COLUMNS}
    order, messages = from_text(fields.pop("processing_order")), from_text(fields.pop("messages"))
    fields |= {"kind": BillKind(row["kind"]), "state": BillState(row["state"])}
    places = tuple(Ordered(agreement_id, at, tuple(why), sentence) for agreement_id, at, why, sentence in order)
    return Bill(**fields, order=places, messages=tuple(messages))
