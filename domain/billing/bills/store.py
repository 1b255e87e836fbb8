"""The SQL of what becomes of bills; one statement a function, by primary key unless said otherwise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import Connection, select

from domain.billing.segments.model import Bill, Segment
from domain.billing.segments.states import SegmentKind, SegmentState
from domain.billing.segments.store.segments import from_row
from domain.billing.tables import bill_segment
from domain.kernel.documents import from_text, to_text
from domain.kernel.keys import among
from domain.kernel.script import Script

_s = bill_segment.c
_KEY = ("account_id", "segment_id")


def taken_back(tx: Connection, keys: Collection[tuple[str, str]]) -> dict[str, list[Segment]]:
    """By account, the segments that bills (account and bill) take back. Cost: along ix_bill_segment_cancel."""
    found: dict[str, list[Segment]] = defaultdict(list)
    if keys:
        query = select(bill_segment).where(_s.cancel_bill_id != "", among((_s.account_id, _s.cancel_bill_id), keys))
        for row in tx.execute(query.order_by(_s.account_id, _s.position, _s.segment_id)).mappings():
            found[row["account_id"]].append(from_row(row))
    return found


def some(tx: Connection, account_id: str, segment_ids: Collection[str]) -> dict[str, Segment]:
    """Segments of an account by id, as far as there are."""
    if not segment_ids:
        return {}
    query = select(bill_segment).where(_s.account_id == account_id, _s.segment_id.in_(sorted(segment_ids)))
    return {row["segment_id"]: from_row(row) for row in tx.execute(query).mappings()}


def live_since(tx: Connection, account_id: str, day: int) -> list[Segment]:
    """The frozen segments of an account that end after a day, by agreement and first day. Cost: reads the account's."""
    query = select(bill_segment).where(
        _s.account_id == account_id, _s.state == SegmentState.FROZEN, _s.kind == SegmentKind.USAGE, _s.end_day > day
    )
    query = query.order_by(_s.agreement_id, _s.start_day)
    return [from_row(row) for row in tx.execute(query).mappings()]


def in_place_of(tx: Connection, account_id: str, segment_ids: Collection[str]) -> list[Segment]:
    """The segments that stand in place of others on the bill that takes these back. Cost: reads the account's."""
    query = select(bill_segment).where(_s.account_id == account_id, _s.rebills_id.in_(sorted(segment_ids)))
    return [from_row(row) for row in tx.execute(query.order_by(_s.position, _s.segment_id)).mappings()]


def distribution_codes(tx: Connection, keys: Collection[tuple[str, str]]) -> dict[str, frozenset[str]]:
    """By id of segments (account and segment), the distribution codes of their lines. Cost: reads their documents."""
    if not keys:
        return {}
    query = select(_s.segment_id, _s.calculation).where(among((_s.account_id, _s.segment_id), keys))
    return {
        row[0]: frozenset(line["distribution_code"] for line in from_text(row[1]).get("lines", ()))
        for row in tx.execute(query)
    }


def freeze(script: Script, segments: Sequence[Segment]) -> None:
    """Have segments frozen that the transaction holds. Cost: one statement of the script."""
    columns = ("state", "accounting_day", "receivable_code", "frozen_us", "version")
    rows = [
        (*_key(each), each.state.value, each.accounting_day, each.receivable_code, each.frozen_us, each.version)
        for each in segments
    ]
    script.update("bill_segment", _KEY, columns, rows)


def cancel(script: Script, segments: Sequence[Segment]) -> None:
    """Have segments canceled, or about to be, that the transaction holds. Cost: one statement of the script."""
    columns = ("state", "stale", "cancel_bill_id", "canceled_us", "version")
    rows = [
        (*_key(each), each.state.value, int(each.stale), each.cancel_bill_id, each.canceled_us, each.version)
        for each in segments
    ]
    script.update("bill_segment", _KEY, columns, rows)


def change(script: Script, bills: Sequence[Bill]) -> None:
    """Put what freezing and completing change of bills in its place. Cost: one statement of the script."""
    columns = (
        "state",
        "due_day",
        "amount_minor",
        "tax_minor",
        "messages",
        "routed_by",
        "version",
        "updated_us",
        "completed_us",
    )
    rows = [
        (
            each.account_id,
            each.bill_id,
            each.state.value,
            each.due_day,
            each.amount_minor,
            each.tax_minor,
            to_text(each.messages),
            each.routed_by,
            each.version,
            each.updated_us,
            each.completed_us,
        )
        for each in bills
    ]
    script.update("bill", ("account_id", "bill_id"), columns, rows)


def _key(segment: Segment) -> tuple[str, str]:
    return segment.account_id, segment.segment_id
