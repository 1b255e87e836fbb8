"""Posting: the only way in which accounting, billing and invoicing make accounting details (the money path).

What is posted balances for every currency, lies in an open period of a known ledger, and each detail names its source.
A day whose period is closed rolls to the first day of the next open one; the transaction date stays (GLX-04).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import NoReturn

from sqlalchemy import Connection

from domain.gl_extraction.details import books
from domain.gl_extraction.details.alike import Own, Sheet, read_alike
from domain.gl_extraction.details.making import make, make_alike
from domain.gl_extraction.details.model import Maker, NewDetail, Origin, SubjectType, calendar_day
from domain.gl_extraction.details.rows import Slot, SoundRow, prepare
from domain.gl_extraction.details.rules import violations
from domain.gl_extraction.details.store.insert import Making
from domain.gl_extraction.details.totals import totals
from domain.gl_extraction.names import DETAIL_TYPE, detail_name
from domain.kernel import events
from domain.kernel.amounts import amount_of
from domain.kernel.call import Call
from domain.kernel.errors import AlreadyExists, Invalid, Refused, Violation
from domain.kernel.ids import new_id
from domain.kernel.money import Money, decimal_text
from domain.kernel.scopes import Scope


@dataclass(frozen=True, slots=True)
class Entry:
    """One side of a posting.

    `amount` is a debit when positive and, as a positive amount, a credit when negative; never zero. `source` and
    `source_id` name what it comes from, such as a bill segment's charge; they are unique together. `day` is the
    accounting date wished for and `transaction_day` that of the business event (yyyymmdd).
    """

    source: str
    source_id: str
    subject_type: SubjectType
    subject: str
    ledger_code: str
    day: int
    transaction_day: int
    amount: Money
    description: str = ""
    grouping: str = ""
    bulking_group: str = ""
    reversal: bool = False
    distribution_account: str = ""
    category: str = ""
    group_account_code: str = ""
    gl_segments: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alike:
    """Entries that differ from `like` in their own columns alone; amounts are in minor units of its currency.

    `minor` is a debit when positive, else a credit, and never zero; `grouping` of each is its own, too.
    """

    like: Entry
    source_ids: Sequence[str]
    subjects: Sequence[str]
    descriptions: Sequence[str]
    groupings: Sequence[str]
    minor: Sequence[int]

    def each(self) -> Iterator[Entry]:
        """The entries one by one."""
        currency = self.like.amount.currency
        columns = (self.source_ids, self.subjects, self.descriptions, self.groupings, self.minor)
        for source_id, subject, description, grouping, minor in zip(*columns, strict=True):
            yield replace(
                self.like,
                source_id=source_id,
                subject=subject,
                description=description,
                grouping=grouping,
                amount=Money(minor, currency),
            )


class PostingEmpty(Invalid):
    """A posting has entries."""

    reason = "POSTING_EMPTY"


class PostingUnbalanced(Refused):
    """Debits and credits of a posting are equal in every currency."""

    reason = "POSTING_UNBALANCED"

    def __init__(self, differences: dict[str, int]) -> None:
        told = ", ".join(f"{decimal_text(minor, currency)} {currency}" for currency, minor in differences.items())
        super().__init__(f"debits less credits come to {told}, not to zero", currencies=",".join(differences))


class AlreadyPosted(AlreadyExists):
    """What the entry comes from was posted before."""

    reason = "POSTED_BEFORE"


def post(
    tx: Connection,
    call: Call,
    entries: Sequence[Entry],
    maker: Maker,
    *,
    alike: Sequence[Alike] = (),
    scope_id: int | None = None,
) -> list[int]:
    """Make a detail of each entry, or of none; gives their ids in the order of the entries, then of those `alike`.

    The audit trail has one entry for the posting, with the `scope_id` of what it concerns, else the call's. Cost: about
    ten statements, however many entries.

    Raises: PostingEmpty; PostingUnbalanced; PeriodMissing, NoOpenPeriod; Invalid with the violations of every entry;
    AlreadyPosted.
    """
    assert maker is not Maker.INGEST, "what comes from outside is taken in, not posted"
    _refuse_unbalanced(entries, alike)
    rows, sheets, periods = _placed(tx, entries, alike, call.scope)
    making = Making(maker, call.operation_id, call.now_us)
    made = make(tx, rows, making, periods=periods)
    if len(made.created) < len(rows):
        _refuse_posted(rows, {row.position for row, _ in made.created})
    ids, moved = [made.ids[place] for place in range(len(rows))], [*made.moved]
    if sheets:
        made_alike = make_alike(tx, sheets, making, periods=periods)
        if made_alike is None:
            _refuse_alike(tx, alike, call.scope, making)
        ids, moved = [*ids, *made_alike.ids], [*moved, *made_alike.moved]
    changes = {
        "maker": maker.value,
        "created_count": len(ids),
        "created_totals": totals((each.place.currency, *each.all[:2]) for each in moved),
        "first_detail": detail_name(min(ids)),
        "last_detail": detail_name(max(ids)),
    }
    events.append(tx, call, f"postings/{new_id(call.now_us)}", "accounting_details.posted", changes, scope_id=scope_id)
    return ids


def _placed(
    tx: Connection, entries: Sequence[Entry], alike: Sequence[Alike], scope: Scope
) -> tuple[list[SoundRow], list[Sheet], dict[Slot, str]]:
    """The entries as rows, each on a day whose period is open; where any may break a rule, all are single rows."""
    kinds = [*entries, *(each.like for each in alike)]
    wished = {(kind.ledger_code, kind.day) for kind in kinds}
    group_accounts = {kind.group_account_code for kind in kinds}
    known = books.read(tx, wished, group_accounts=group_accounts, scope=scope)
    days = {
        (ledger, day): books.open_day(tx, known, ledger, day) if ledger in known.ledgers else day
        for ledger, day in sorted(wished)  # a ledger that is not known is left to the rules
    }
    rolled = {(ledger, day) for (ledger, _), day in days.items()}
    if rolled != wished:
        known = books.read(tx, rolled, group_accounts=group_accounts, scope=scope)
    prepared = prepare([_row(entry, days[entry.ledger_code, entry.day]) for entry in entries])
    sheets = [_sheet(each, days) for each in alike]
    ready = [each for each in sheets if each]
    sound = [*prepared.sound, *(each.like for each in ready)]
    periods = books.open_periods(known, {row.slot for row in sound})
    misfits = books.misfits(prepared._replace(sound=sound), known, periods)
    if alike and (misfits or len(ready) < len(sheets)):  # told as of single entries
        return _placed(tx, [*entries, *_each(alike)], (), scope)
    found = [
        Violation(f"entries[{place}].{violation.field}", violation.reason, violation.description)
        for place in misfits
        for violation in violations(prepared.rows[place], known)
    ]
    if found:
        raise Invalid(*found)
    return prepared.sound, ready, periods


def _sheet(alike: Alike, days: Mapping[tuple[str, int], int]) -> Sheet | None:
    """Entries that are alike, made ready; None where something may be wrong with one of them."""
    sample = _row(next(alike.each()), days[alike.like.ledger_code, alike.like.day])
    return read_alike(sample, Own(alike.source_ids, alike.descriptions, alike.subjects, alike.groupings, alike.minor))


def _each(alike: Iterable[Alike]) -> Iterator[Entry]:
    return chain.from_iterable(each.each() for each in alike)


def _refuse_unbalanced(entries: Sequence[Entry], alike: Sequence[Alike] = ()) -> None:
    if not entries and not alike:
        raise PostingEmpty(Violation("entries", PostingEmpty.reason, "must not be empty"))
    sums: Counter[str] = Counter()
    for entry in entries:
        assert entry.amount.minor != 0, "an entry has an amount"
        sums[entry.amount.currency] += entry.amount.minor
    for each in alike:
        assert each.minor, "there is an entry at least"
        assert all(each.minor), "an entry has an amount"
        sums[each.like.amount.currency] += sum(each.minor)
    differences = {currency: minor for currency, minor in sorted(sums.items()) if minor}
    if differences:
        raise PostingUnbalanced(differences)


def _refuse_posted(rows: Sequence[SoundRow], created: set[int]) -> NoReturn:
    first = next(row for row in rows if row.position not in created)
    raise AlreadyPosted(
        f"{first.external_id} of {first.source} was posted before",
        resource_type=DETAIL_TYPE,
        resource_name=first.external_id,
    )


def _refuse_alike(tx: Connection, alike: Sequence[Alike], scope: Scope, making: Making) -> NoReturn:
    """As `_refuse_posted`, of entries that are alike, which are looked at one by one."""
    rows, _, periods = _placed(tx, list(_each(alike)), (), scope)
    made = make(tx, rows, making, periods=periods)
    _refuse_posted(rows, {row.position for row, _ in made.created})


def _row(entry: Entry, day: int) -> NewDetail:
    amount = amount_of(abs(entry.amount.minor), entry.amount.currency)
    return NewDetail(
        name="",
        source=entry.source,
        external_id=entry.source_id,
        description=entry.description,
        subject_type=entry.subject_type.value,
        subject=entry.subject,
        origin=Origin.FINANCIAL.value,
        grouping=entry.grouping,
        bulking_group=entry.bulking_group,
        reversal=entry.reversal,
        distribution_account=entry.distribution_account,
        ledger_code=entry.ledger_code,
        accounting_date=calendar_day(day),
        transaction_date=calendar_day(entry.transaction_day),
        accounting_period_code="",
        category=entry.category,
        debit=amount if entry.amount.minor > 0 else None,
        credit=amount if entry.amount.minor < 0 else None,
        group_account_code=entry.group_account_code,
        gl_segments=entry.gl_segments,
        attributes=entry.attributes,
    )
