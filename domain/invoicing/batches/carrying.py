"""Moving running invoices on to the next schedule, where they take over what has begun there (INV-11).

An invoice that is carried keeps its id: the newer one of the account, if there is one, hands its lines over and is
dropped. What runs in the next schedule is looked for and changed by keys alone, however the databases would rather do
it, and is locked for no longer than that takes (INV-19).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, TextClause, select, text
from sqlalchemy.exc import IntegrityError

from domain.invoicing.batches.counting import Span, within
from domain.invoicing.batches.errors import InvoiceCurrenciesDiffer
from domain.invoicing.batches.model import Batch
from domain.invoicing.configuration.model import Schedule
from domain.invoicing.invoices.states import InvoiceState
from domain.invoicing.tables import invoice
from domain.kernel.documents import to_text
from domain.operations.errors import StepOvertaken

_i = invoice.c


@dataclass(frozen=True, slots=True)
class Carried:
    """How many invoices were moved, and how many of the next schedule they have taken over."""

    moved: int
    merged: int


@dataclass(frozen=True, slots=True)
class _Older:
    """An invoice that is moved."""

    account_id: str
    older_id: str
    currency: str
    line_count: int
    last_line_no: int


@dataclass(frozen=True, slots=True)
class _Pair:
    """An invoice that is moved, and the newer one whose lines it takes over: their numbers grow by `shift`."""

    account_id: str
    older_id: str
    newer_id: str
    shift: int


def carry(tx: Connection, batch: Batch, span: Span, target: Schedule, now_us: int) -> Carried:
    """Move the running invoices of a span to a schedule that is open and stays so until the transaction ends.

    Cost: seven statements, the first along invoice_once, the others by keys. They lock these invoices and those that
    they take over, in the order of accounts.

    Raises: InvoiceCurrenciesDiffer; StepOvertaken when one has begun in the next schedule meanwhile: it is not locked,
    and looked at anew.
    """
    older = _running(tx, batch, span)
    if not older:
        return Carried(0, 0)
    pairs = _pairs(tx, batch, target, older)
    handed = [asdict(each) for each in pairs]
    try:
        for statement in _HAND_OVER if handed else ():
            _apply(tx, statement, handed, now_us=now_us)
        _apply(tx, _MOVE, [_key(each) for each in older], now_us=now_us, target=target.code)
    except IntegrityError as error:
        if _has_begun(error):
            raise StepOvertaken from error
        raise
    return Carried(len(older), len(pairs))


def _running(tx: Connection, batch: Batch, span: Span) -> list[_Older]:
    """The running invoices of a span, locked."""
    query = select(_i.account_id, _i.invoice_id, _i.currency, _i.line_count, _i.last_line_no)
    query = query.where(within(batch, span), _i.state == InvoiceState.RUNNING)
    return [_Older(*row) for row in tx.execute(query.order_by(_i.account_id).with_for_update())]


def _pairs(tx: Connection, batch: Batch, target: Schedule, older: Sequence[_Older]) -> list[_Pair]:
    """Those that meet a newer one of their account in the next schedule, which is locked. Raises: as `carry`."""
    by_account = {each.account_id: each for each in older}
    keys = to_text([_key(each) for each in older])
    rows = tx.execute(_FIND_NEWER[tx.dialect.name], {"keys": keys, "cycle": batch.cycle_code, "target": target.code})
    pairs = []
    for account_id, newer_id, currency, line_count in rows:
        mine = by_account[account_id]
        if currency != mine.currency and line_count and mine.line_count:
            raise InvoiceCurrenciesDiffer(account_id)
        pairs.append(_Pair(account_id, mine.older_id, newer_id, mine.last_line_no))
    return pairs


def _key(each: _Older) -> dict[str, str | int]:
    """As statements are told it; they know nothing of the rest."""
    return {"account_id": each.account_id, "older_id": each.older_id, "newer_id": "", "shift": 0}


def _has_begun(error: IntegrityError) -> bool:
    """Whether an account has got an invoice in the next schedule since; on SQLite nobody else writes."""
    diagnosis = getattr(error.orig, "diag", None)
    return diagnosis is not None and diagnosis.constraint_name == "invoice_once"


_KEYS = "json_to_recordset(CAST(:keys AS json)) AS h(account_id text, older_id text, newer_id text, shift int)"
"""On PostgreSQL the keys are a table, which it takes for a short one: it goes by indexes. SQLite is told each."""

_NEWER = (
    "SELECT n.account_id, n.invoice_id, n.currency, n.line_count FROM {h} CROSS JOIN invoice n"
    " WHERE n.cycle_code = :cycle AND n.schedule_code = :target AND n.account_id = h.account_id AND n.slot = ''"
    " AND n.state = 'RUNNING' ORDER BY n.account_id"
)
_FIND_NEWER = {
    "postgresql": text(_NEWER.format(h=_KEYS) + " FOR UPDATE OF n"),
    "sqlite": text(_NEWER.format(h="(SELECT value ->> 'account_id' AS account_id FROM json_each(:keys)) AS h")),
}


def _by_keys(statement: str) -> dict[str, TextClause]:
    """A statement that names keys, by dialect."""
    names = ("account_id", "older_id", "newer_id", "shift")
    of_table = {name: f"h.{name}" for name in names}
    of_row = {name: f":{name}" for name in names}
    return {
        "postgresql": text(statement.format(from_keys=f" FROM {_KEYS}", with_keys=f"{_KEYS}, ", **of_table)),
        "sqlite": text(statement.format(from_keys="", with_keys="", **of_row)),
    }


_HAND_OVER = (
    _by_keys(
        "UPDATE invoice_line SET invoice_id = {older_id}, line_no = line_no + {shift}{from_keys}"
        " WHERE invoice_line.account_id = {account_id} AND invoice_line.invoice_id = {newer_id}"
    ),
    _by_keys(
        "UPDATE invoice_reckoned_tax SET invoice_id = {older_id}{from_keys}"
        " WHERE invoice_reckoned_tax.account_id = {account_id} AND invoice_reckoned_tax.invoice_id = {newer_id}"
    ),
    _by_keys(
        "UPDATE invoice SET line_count = invoice.line_count + n.line_count,"
        " net_minor = invoice.net_minor + n.net_minor, last_line_no = invoice.last_line_no + n.last_line_no,"
        " currency = CASE WHEN invoice.line_count = 0 THEN n.currency ELSE invoice.currency END,"
        " final = CASE WHEN invoice.final + n.final > 0 THEN 1 ELSE 0 END FROM {with_keys}invoice n"
        " WHERE n.account_id = {account_id} AND n.invoice_id = {newer_id}"
        " AND invoice.account_id = {account_id} AND invoice.invoice_id = {older_id}"
    ),
    _by_keys(
        "UPDATE invoice SET state = 'MERGED', slot = invoice.invoice_id, merged_into = {older_id}, line_count = 0,"
        " net_minor = 0, aggregated = 0, version = invoice.version + 1, updated_us = :now_us{from_keys}"
        " WHERE invoice.account_id = {account_id} AND invoice.invoice_id = {newer_id}"
    ),
)
_MOVE = _by_keys(
    "UPDATE invoice SET schedule_code = :target, carried_count = carried_count + 1, aggregated = 0,"
    " version = version + 1, updated_us = :now_us{from_keys}"
    " WHERE invoice.account_id = {account_id} AND invoice.invoice_id = {older_id}"
)


def _apply(
    tx: Connection, statement: Mapping[str, TextClause], keys: Sequence[Mapping[str, str | int]], **more: str | int
) -> None:
    """Carry a statement out for all keys."""
    if tx.dialect.name == "postgresql":
        tx.execute(statement["postgresql"], {"keys": to_text(keys), **more})
    else:
        tx.execute(statement["sqlite"], [{**key, **more} for key in keys])
