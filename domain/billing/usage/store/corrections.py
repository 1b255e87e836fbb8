"""The SQL of corrections: values in the place of others, which are kept, and the segments that they touch (BIL-24)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from domain.billing.configuration.model import ProfileKind
from domain.billing.segments.states import SegmentKind, SegmentState
from domain.billing.usage.rows import Content
from domain.billing.usage.store.insert import TABLES, Key
from domain.kernel.documents import to_text
from domain.kernel.script import Script

_REPLACED = (
    "account_id",
    "profile_id",
    "at_us",
    "revision",
    "units",
    "nanos",
    "attos",
    "estimated",
    "received_us",
    "replaced_us",
    "replaced_by",
)
_TOUCHED = (
    "SELECT DISTINCT s.account_id, s.segment_id, s.version, s.stale FROM {keys} CROSS JOIN bill_segment s"  # noqa: S608 - names of ours
    " WHERE s.account_id = {account} AND s.agreement_id = {agreement}"
    " AND s.start_day <= {day} AND s.end_day >= {after}"
    f" AND s.kind = '{SegmentKind.USAGE}' AND s.state = '{SegmentState.FROZEN}' ORDER BY 1, 2"
)
_TOUCHED_POSTGRESQL = _TOUCHED.format(
    keys="unnest(CAST(? AS text[]), CAST(? AS text[]), CAST(? AS int[]), CAST(? AS int[]))"
    " k (account_id, agreement_id, day, after)",
    account="k.account_id",
    agreement="k.agreement_id",
    day="k.day",
    after="k.after",
)
_TOUCHED_SQLITE = _TOUCHED.format(
    keys="json_each(?) k",
    **{name: f"json_extract(k.value, '$[{at}]')" for at, name in enumerate(("account", "agreement", "day", "after"))},
)


_ESTIMATED = (
    "SELECT s.account_id, s.segment_id, s.agreement_id, s.start_day, s.end_day, s.state, s.version"  # noqa: S608 - names of ours
    " FROM {keys} CROSS JOIN bill_segment s WHERE s.account_id = {account} AND s.agreement_id = {agreement}"
    " AND s.estimated = 1 AND s.stale = 0 AND s.state IN ('FREEZABLE', 'FROZEN')"
    f" AND s.kind = '{SegmentKind.USAGE}' ORDER BY 1, 2"
)
_ESTIMATED_POSTGRESQL = _ESTIMATED.format(
    keys="unnest(CAST(? AS text[]), CAST(? AS text[])) k (account_id, agreement_id)",
    account="k.account_id",
    agreement="k.agreement_id",
)
_ESTIMATED_SQLITE = _ESTIMATED.format(
    keys="json_each(?) k", account="json_extract(k.value, '$[0]')", agreement="json_extract(k.value, '$[1]')"
)


class Estimated(NamedTuple):
    """A segment of which something was estimated, freezable or frozen, and not stale yet; its days are [start, end)."""

    account: str
    segment: str
    agreement: str
    start: int
    end: int
    state: SegmentState
    version: int


class Change(NamedTuple):
    """A value that takes the place of another; `revision` is its own, and `old` are those before it, oldest first."""

    key: Key
    content: Content
    revision: int
    old: Sequence[tuple[int, Content, int]]  # revision, value, and when it was received


class Touched(NamedTuple):
    """What a correction touches of an agreement: segments that begin by `day`, and end on or after `after`."""

    account: str
    agreement: str
    day: int
    after: int


def replace(tx: Connection, kind: ProfileKind, changes: Sequence[Change], *, now_us: int, caller: str) -> None:
    """Put the values in their places, and keep those that were there; all are locked. Cost: two statements."""
    table, at = TABLES[kind]
    script = Script(tx)
    old = [
        (*change.key, revision, *content, received_us, now_us, caller)
        for change in changes
        for revision, content, received_us in change.old
    ]
    script.insert("usage_replaced", _REPLACED, old)
    columns = ("units", "nanos", "attos", "estimated", "revision", "received_us")
    rows = [(*change.key, *change.content, change.revision, now_us) for change in changes]
    script.update(table, ("account_id", "profile_id", at), columns, rows)
    script.run()


def stale(tx: Connection, touched: Collection[Touched]) -> list[tuple[str, str]]:
    """Mark the frozen segments that are touched; gives account and segment of each, by their ids.

    Their accounts are locked. Cost: two statements, along ix_bill_segment_agreement.
    """
    if not touched:
        return []
    wanted = sorted(touched)
    if tx.dialect.name == "postgresql":
        found = Script(tx).ask(_TOUCHED_POSTGRESQL, *(list(column) for column in zip(*wanted, strict=True)))
    else:
        found = Script(tx).ask(_TOUCHED_SQLITE, to_text([list(each) for each in wanted]))
    mark_stale(tx, [(account, segment, version) for account, segment, version, known in found if not known])
    return [(account, segment) for account, segment, *_ in found]


def estimated(tx: Connection, agreements: Collection[tuple[str, str]]) -> list[Estimated]:
    """What was estimated of agreements (account and agreement). Cost: one statement, ix_bill_segment_estimated."""
    if not agreements:
        return []
    wanted = sorted(agreements)
    if tx.dialect.name == "postgresql":
        found = Script(tx).ask(_ESTIMATED_POSTGRESQL, *(list(column) for column in zip(*wanted, strict=True)))
    else:
        found = Script(tx).ask(_ESTIMATED_SQLITE, to_text([list(each) for each in wanted]))
    return [Estimated(*row)._replace(state=SegmentState(row[5])) for row in found]


def mark_stale(tx: Connection, segments: Collection[tuple[str, str, int]]) -> None:
    """Mark segments, each by account, segment and its version; their accounts are locked. Cost: one statement."""
    script = Script(tx)
    marked = [(account, segment, 1, version + 1) for account, segment, version in segments]
    script.update("bill_segment", ("account_id", "segment_id"), ("stale", "version"), marked)
    script.run()
