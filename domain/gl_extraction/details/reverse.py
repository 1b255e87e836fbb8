"""Reversal: the correction of a detail that must stay (GLX-03): sides swapped, amounts positive, a day of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from domain.gl_extraction.details import books
from domain.gl_extraction.details.errors import (
    DetailIsReversal,
    DetailIsReversed,
    DetailIsVoid,
    DetailMadeElsewhere,
    DetailNotFound,
    PeriodClosed,
    PeriodMissing,
    ReversalExists,
    ReverseNotAllowed,
)
from domain.gl_extraction.details.making import make
from domain.gl_extraction.details.model import Detail, Maker, NewDetail, calendar_day
from domain.gl_extraction.details.rows import SoundRow, prepare
from domain.gl_extraction.details.rules import Books
from domain.gl_extraction.details.store import marks, read
from domain.gl_extraction.details.store.insert import Making
from domain.gl_extraction.names import DETAIL_TYPE, detail_id_of, detail_name, ledger_name
from domain.kernel import events, scopes
from domain.kernel.amounts import amount_of
from domain.kernel.call import Call
from domain.kernel.characters import require_storable
from domain.kernel.scopes import Scope
from domain.kernel.time import iso_day


@dataclass(frozen=True, slots=True)
class ReverseRequest:
    """Which details, by name, are reversed by whom, and why.

    `day` (yyyymmdd) is the accounting date of the reversals; 0 for `today`, or, when its period is closed, the first
    day of the next open one. `today` is their transaction date. `maker` asks for details of its own making.
    """

    names: Sequence[str]
    day: int
    today: int
    reason: str
    maker: Maker = Maker.INGEST


def reverse(tx: Connection, call: Call, request: ReverseRequest) -> list[Detail]:
    """Make a reversal of each detail, or of none; gives the reversals in the order of the request.

    Raises: DetailNotFound; DetailIsVoid, DetailIsReversed, DetailIsReversal or DetailMadeElsewhere, for the first
    detail that cannot be reversed; PeriodMissing, PeriodClosed, NoOpenPeriod; ReversalExists.
    """
    require_storable(reason=request.reason)
    originals = _locked(tx, request.names, call.scope)
    _refuse_irreversible(originals, request.maker)
    known = books.read(
        tx,
        {(original.ledger_code, request.day or request.today) for original in originals},
        group_accounts={original.group_account_code for original in originals},
    )
    days = {ledger: _day(tx, known, ledger, request) for ledger in {original.ledger_code for original in originals}}
    prepared = prepare([_mirror(original, days[original.ledger_code], request.today) for original in originals])
    assert not prepared.unsound, "a stored detail broke a rule on form"
    ids = _made(tx, call, prepared.sound, originals)
    seen_by = {ledger: scopes.intern(tx, scopes.of_ledgers((ledger,))) for ledger in days}
    for original, reversal_id in zip(originals, ids, strict=True):
        changes = {
            "from": {"reversed_by": ""},
            "to": {"reversed_by": detail_name(reversal_id)},
            "accounting_date": iso_day(days[original.ledger_code]),
            "reason": request.reason,
        }
        scope_id = seen_by[original.ledger_code]
        events.append(tx, call, original.name, "accounting_detail.reversed", changes, scope_id=scope_id)
    found = {detail.detail_id: detail for detail in read.by_ids(tx, ids)}
    return [found[reversal_id] for reversal_id in ids]


def obstacle(original: Detail, maker: Maker) -> type[ReverseNotAllowed] | None:
    """What stands in the way of a reversal, if anything: the first that applies."""
    if original.voided_us:
        return DetailIsVoid
    if original.reversed_by:
        return DetailIsReversed
    if original.reverses or original.reversal:
        return DetailIsReversal
    return DetailMadeElsewhere if original.maker is not maker else None


def _locked(tx: Connection, names: Sequence[str], scope: Scope) -> list[Detail]:
    """The details, locked. What lies outside the scope is neither found nor waited for."""
    ids = [detail_id_of(name) for name in names]
    if scope.limited:
        _found(tx, names, ids, scope, lock=False)
    return _found(tx, names, ids, scope, lock=True)


def _found(
    tx: Connection, names: Sequence[str], ids: Sequence[int | None], scope: Scope, *, lock: bool
) -> list[Detail]:
    wanted = [detail_id for detail_id in ids if detail_id is not None]
    found = {detail.detail_id: detail for detail in read.by_ids(tx, wanted, lock=lock)}
    details = []
    for name, detail_id in zip(names, ids, strict=True):
        detail = found.get(detail_id or 0)
        if detail is None or not scope.has_ledger(detail.ledger_code):
            raise DetailNotFound(name)
        details.append(detail)
    return details


def _refuse_irreversible(originals: Sequence[Detail], maker: Maker) -> None:
    refused = [(original, found) for original in originals if (found := obstacle(original, maker))]
    if refused:
        original, found = refused[0]
        raise found(original.name, others=len(refused) - 1)


def _day(tx: Connection, known: Books, ledger_code: str, request: ReverseRequest) -> int:
    """The accounting date of the reversals in a ledger: never the originals', always in an open period."""
    if not request.day:
        return books.open_day(tx, known, ledger_code, request.today)
    period = known.period_of(ledger_code, request.day)
    if period is None:
        raise PeriodMissing(ledger_name(ledger_code), request.day)
    if not period.is_open:
        raise PeriodClosed(period.name, request.day)
    return request.day


def _mirror(original: Detail, day: int, today: int) -> NewDetail:
    return NewDetail(
        name="",
        source=original.source,
        external_id=f"reversal:{original.name.rpartition('/')[2]}",
        description=original.description,
        subject_type=original.subject_type,
        subject=original.subject,
        origin=original.origin.value,
        grouping=original.grouping,
        bulking_group=original.bulking_group,
        reversal=True,
        distribution_account=original.distribution_account,
        ledger_code=original.ledger_code,
        accounting_date=calendar_day(day),
        transaction_date=calendar_day(today),
        accounting_period_code="",
        category=original.category,
        debit=amount_of(original.credit_minor, original.currency) if original.credit_minor else None,
        credit=amount_of(original.debit_minor, original.currency) if original.debit_minor else None,
        group_account_code=original.group_account_code,
        gl_segments=original.gl_segments,
        attributes=original.attributes,
    )


def _made(tx: Connection, call: Call, rows: list[SoundRow], originals: Sequence[Detail]) -> list[int]:
    """Ids of the reversals, made and linked both ways."""
    slots = {row.slot for row in rows}
    known = books.read(tx, {(ledger, day) for ledger, day, _ in slots}, group_accounts=())
    reverses = {position: original.detail_id for position, original in enumerate(originals)}
    making = Making(originals[0].maker, call.operation_id, call.now_us)
    made = make(tx, rows, making, periods=books.open_periods(known, slots), reverses=reverses)
    for row in rows:
        if row.position in made.clashes:
            raise ReversalExists(
                f"the external id {row.external_id} of source {row.source} is held by another detail",
                resource_type=DETAIL_TYPE,
                resource_name=originals[row.position].name,
            )
    ids = [made.ids[position] for position in range(len(rows))]
    marked = marks.mark_reversed(tx, dict(zip(reverses.values(), ids, strict=True)))
    assert marked == len(ids) == len(made.created), "a locked detail changed"
    return ids
