"""Moving running invoices on to the next schedule, where they take over what has begun there (INV-11).

An invoice that is carried keeps its id: the newer one of the account, if there is one, hands its lines over and is
dropped. What runs in the next schedule is looked for and changed by keys alone, and locked for a bounded time: invoices
are moved a few at a time, until that time is used up (INV-19).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, case, select
from sqlalchemy.exc import IntegrityError

from domain.invoicing.batches import closing
from domain.invoicing.batches.closing import Closed
from domain.invoicing.batches.counting import Span, within
from domain.invoicing.batches.errors import InvoiceCurrenciesDiffer
from domain.invoicing.batches.model import Batch
from domain.invoicing.configuration.model import CycleSettings, Schedule
from domain.invoicing.invoices.states import InvoiceState
from domain.invoicing.tables import invoice
from domain.kernel.clock import now_us as clock_us
from domain.kernel.documents import to_text
from domain.operations.errors import StepOvertaken
from domain.operations.states import added

_i = invoice.c
_GROWS = 4  # at most, from one piece to the next


@dataclass(frozen=True, slots=True)
class Pace:
    """How many invoices are moved first, and for how long invoices of the next schedule are locked (µs).

    Further pieces are as large as half of the time that is left allows, by what the last one took.
    """

    first: int = 50
    within_us: int = 80_000

    def following(self, size: int, taken_us: int, spent_us: int) -> int:
        """How many next, after `size` that took so long; 0: no more in this transaction."""
        allowed = size * (self.within_us - spent_us) // (2 * max(taken_us, 1))
        return min(allowed, _GROWS * size) if allowed >= self.first // 2 else 0


@dataclass(frozen=True, slots=True)
class Carried:
    """How many invoices were moved, how many of the next schedule they have taken over, and what was closed after all.

    `rest` is where there are more to move; None: nowhere.
    """

    moved: int
    merged: int
    closed: Closed
    rest: Span | None


@dataclass(frozen=True, slots=True)
class _Older:
    """An invoice that is looked at: it `meets` what closes it, or is moved."""

    account_id: str
    invoice_id: str
    currency: str
    line_count: int
    last_line_no: int
    meets: int


@dataclass(frozen=True, slots=True)
class _Newer:
    """One of the next schedule, whose lines an older one of its account takes over."""

    invoice_id: str
    currency: str
    line_count: int
    last_line_no: int
    net_minor: int
    final: int


_NONE = _Newer("", "", 0, 0, 0, 0)


def carry(  # noqa: PLR0917 - what is moved, where to, and how
    tx: Connection, batch: Batch, span: Span, target: Schedule, settings: CycleSettings, now_us: int, pace: Pace
) -> Carried:
    """Move running invoices of a span to a schedule that is open and stays so until the transaction ends.

    The minimum is looked at once more: what meets it by now is closed instead (INV-03).

    Cost: a piece six statements and the clock, the first along invoice_once, the others by keys. They lock these
    invoices and those that they take over, in the order of accounts.

    Raises: InvoiceCurrenciesDiffer; StepOvertaken when one has begun in the next schedule meanwhile: it is not locked,
    and looked at anew.
    """
    begun_us = before_us = clock_us(tx)
    size, moved, merged, closed = pace.first, 0, 0, Closed(0, 0, {})
    while size:
        piece = _running(tx, batch, span, settings, size)
        if not piece:
            return Carried(moved, merged, closed, None)
        part = replace(span, first=piece[0].account_id, last=piece[-1].account_id)
        if any(each.meets for each in piece):
            closed = _both(closed, closing.close(tx, batch, part, settings, now_us))
        older = [each for each in piece if not each.meets]
        moved, merged = moved + len(older), merged + _move(tx, batch, target, older, now_us)
        span = replace(span, first=part.last, items=span.items - len(piece))
        after_us = clock_us(tx)
        size = pace.following(len(piece), after_us - before_us, after_us - begun_us)
        before_us = after_us
    return Carried(moved, merged, closed, span)


def _running(tx: Connection, batch: Batch, span: Span, settings: CycleSettings, limit: int) -> list[_Older]:
    """The first running invoices of a span, locked."""
    meets = case((closing.meets(settings), 1), else_=0)
    query = select(_i.account_id, _i.invoice_id, _i.currency, _i.line_count, _i.last_line_no, meets)
    query = query.where(within(batch, span), _i.state == InvoiceState.RUNNING).order_by(_i.account_id)
    return [_Older(*row) for row in tx.execute(query.limit(limit).with_for_update())]


def _move(tx: Connection, batch: Batch, target: Schedule, older: Sequence[_Older], now_us: int) -> int:
    """Move invoices, which are locked; gives how many of the next schedule they have taken over. Raises: as `carry`."""
    if not older:
        return 0
    newer = _newer(tx, batch, target, older)
    pairs = [(each, newer[each.account_id]) for each in older if each.account_id in newer]
    handed = [(old.account_id, new.invoice_id, old.invoice_id, old.last_line_no) for old, new in pairs]
    try:
        if handed:
            _apply(tx, _LINES, handed)
            _apply(tx, _TAXES, [row[:3] for row in handed])
            _apply(tx, _MERGE, [(*row[:3], now_us) for row in handed])
        rows = [_moved(each, newer.get(each.account_id, _NONE)) for each in older]
        _apply(tx, _MOVE, [(*row, target.code, now_us) for row in rows])
    except IntegrityError as error:
        if _has_begun(error):
            raise StepOvertaken from error
        raise
    return len(pairs)


def _newer(tx: Connection, batch: Batch, target: Schedule, older: Sequence[_Older]) -> dict[str, _Newer]:
    """By account, the newer one that runs in the next schedule, locked. Raises: InvoiceCurrenciesDiffer."""
    accounts = [each.account_id for each in older]
    told = accounts if tx.dialect.name == "postgresql" else to_text(accounts)
    rows = tx.exec_driver_sql(_FIND_NEWER[tx.dialect.name], (batch.cycle_code, target.code, told))
    found = {account_id: _Newer(*cells) for account_id, *cells in rows}
    for each in older:
        new = found.get(each.account_id, _NONE)
        if new.line_count and each.line_count and new.currency != each.currency:
            raise InvoiceCurrenciesDiffer(each.account_id)
    return found


def _moved(old: _Older, new: _Newer) -> tuple[str, str, str, int, int, int, int]:
    """The key of an invoice that is moved, and what it takes over."""
    currency = old.currency if old.line_count or new is _NONE else new.currency
    return old.account_id, old.invoice_id, currency, new.line_count, new.last_line_no, new.net_minor, new.final


def _both(one: Closed, other: Closed) -> Closed:
    return Closed(one.count + other.count, one.empty + other.empty, added(one.net, other.net))


def _has_begun(error: IntegrityError) -> bool:
    """Whether an account has got an invoice in the next schedule since; on SQLite nobody else writes."""
    diagnosis = getattr(error.orig, "diag", None)
    return diagnosis is not None and diagnosis.constraint_name == "invoice_once"


_FIND = (
    "SELECT n.account_id, n.invoice_id, n.currency, n.line_count, n.last_line_no, n.net_minor, n.final FROM invoice n"
    " WHERE n.cycle_code = {mark} AND n.schedule_code = {mark} AND n.account_id {among} AND n.slot = ''"
    " AND n.state = 'RUNNING' ORDER BY n.account_id"
)
_FIND_NEWER = {
    "postgresql": _FIND.format(mark="%s", among="= ANY(%s)") + " FOR UPDATE OF n",
    "sqlite": _FIND.format(mark="?", among="IN (SELECT value FROM json_each(?))"),
}


def _by_keys(table: str, changes: str, **types: str) -> dict[str, str]:
    """A change of the rows that a key and more tell about, by dialect.

    Of `types` the first two are the key; the names stand in `changes` in braces. On PostgreSQL all rows are handed over
    at once, a column an array; SQLite is told each.
    """
    key = f"{table}.account_id = {{account_id}} AND {table}.invoice_id = {{invoice_id}}"
    statement = f"UPDATE {table} SET {changes}{{keys}} WHERE {key}"  # noqa: S608 - names of ours
    arrays = ", ".join(f"CAST(%s AS {kind}[])" for kind in types.values())
    keys = f" FROM unnest({arrays}) AS h ({', '.join(types)})"
    return {
        "postgresql": statement.format(keys=keys, **{name: f"h.{name}" for name in types}),
        "sqlite": statement.format(keys="", **{name: f"?{at}" for at, name in enumerate(types, 1)}),
    }


_LINES = _by_keys(
    "invoice_line",
    "invoice_id = {older_id}, line_no = line_no + {shift}",
    account_id="text",
    invoice_id="text",
    older_id="text",
    shift="int",
)
_TAXES = _by_keys(
    "invoice_reckoned_tax", "invoice_id = {older_id}", account_id="text", invoice_id="text", older_id="text"
)
_MERGE = _by_keys(
    "invoice",
    "state = 'MERGED', slot = invoice.invoice_id, merged_into = {older_id}, line_count = 0, net_minor = 0,"
    " aggregated = 0, version = version + 1, updated_us = {now_us}",
    account_id="text",
    invoice_id="text",
    older_id="text",
    now_us="bigint",
)
_MOVE = _by_keys(
    "invoice",
    "schedule_code = {target}, currency = {currency}, line_count = line_count + {more_lines},"
    " last_line_no = last_line_no + {more_numbers}, net_minor = net_minor + {more_minor},"
    " final = CASE WHEN final + {is_final} > 0 THEN 1 ELSE 0 END, carried_count = carried_count + 1, aggregated = 0,"
    " version = version + 1, updated_us = {now_us}",
    account_id="text",
    invoice_id="text",
    currency="text",
    more_lines="int",
    more_numbers="int",
    more_minor="bigint",
    is_final="int",
    target="text",
    now_us="bigint",
)


def _apply(tx: Connection, statement: Mapping[str, str], rows: Sequence[tuple[str | int, ...]]) -> None:
    """Carry a change out for all rows."""
    if tx.dialect.name == "postgresql":
        tx.exec_driver_sql(statement["postgresql"], tuple(list(column) for column in zip(*rows, strict=True)))
    else:
        tx.exec_driver_sql(statement["sqlite"], list(rows))
