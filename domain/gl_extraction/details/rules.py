"""What an accounting detail must be to be taken in: rules as data, each a pure function of a row and the books.

The rules on form are those that the contract writes at the fields of `AccountingDetail`; the others say what a contract
cannot (GLX-03, GLX-04, PLT-01). `violations` gives everything that is wrong with a row at once.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from domain.gl_extraction.details.model import CalendarDay, NewDetail, Origin, SubjectType
from domain.gl_extraction.periods.model import Period
from domain.gl_extraction.tables import ATTRIBUTES, SEGMENTS
from domain.kernel.amounts import Amount, amount_fault, minor_of
from domain.kernel.characters import REASON as CHARACTER_REFUSED
from domain.kernel.characters import character_fault
from domain.kernel.errors import Violation
from domain.kernel.time import iso_day, real_day

CODE = re.compile(r"[A-Za-z0-9._-]{1,64}")
SUBJECT_TYPES = frozenset({"", *(kind.value for kind in SubjectType)})
ORIGINS = frozenset(origin.value for origin in Origin)
NOTHING: Amount = ("", 0, 0)
"""An amount that was sent empty: as good as not given."""


@dataclass(frozen=True, slots=True)
class TextRule:
    """A text's bounds, in characters; `code` says that it is one (`CODE`), if it is not empty."""

    field: str
    length_max: int
    length_min: int = 0
    code: bool = False


@dataclass(frozen=True, slots=True)
class ListRule:
    """A list's bounds: how many items, and how many characters in each."""

    field: str
    items_max: int
    length_max: int


TEXTS = (
    TextRule("name", 64),
    TextRule("source", 64, length_min=1),
    TextRule("external_id", 128, length_min=1),
    TextRule("description", 512),
    TextRule("subject", 128),
    TextRule("grouping", 64),
    TextRule("bulking_group", 64),
    TextRule("distribution_account", 64),
    TextRule("ledger_code", 64, length_min=1, code=True),
    TextRule("accounting_period_code", 64),
    TextRule("category", 64),
    TextRule("group_account_code", 64, code=True),
)
LISTS = (ListRule("gl_segments", SEGMENTS, 64), ListRule("attributes", ATTRIBUTES, 256))


@dataclass(frozen=True, slots=True)
class Books:
    """The reference data that rows are held against: the codes that there are, and each ledger's periods by date."""

    ledgers: frozenset[str]
    group_accounts: frozenset[str]
    periods: Mapping[str, Sequence[Period]]

    def period_of(self, ledger_code: str, day: int) -> Period | None:
        """The ledger's period that holds the day (yyyymmdd)."""
        periods = self.periods.get(ledger_code, ())
        place = bisect_right(periods, day, key=lambda period: period.start_day)
        return periods[place - 1] if place and periods[place - 1].end_day >= day else None


Rule = Callable[[NewDetail, Books], Iterator[Violation]]


def violations(row: NewDetail, books: Books) -> tuple[Violation, ...]:
    """Everything that is wrong with the row; empty for a sound one."""
    return tuple(violation for rule in RULES for violation in rule(row, books))


def day_of_date(written: CalendarDay | None) -> int | None:
    """The day as yyyymmdd; None when it was not given or the calendar has no such day."""
    return None if written is None else real_day(*written)


def texts(row: NewDetail, _books: Books) -> Iterator[Violation]:
    """Each text is as long as it may be, and a code where it must be one."""
    for rule in TEXTS:
        text: str = getattr(row, rule.field)
        if rule.length_min and not text:
            yield Violation(rule.field, "FIELD_REQUIRED", "must be given")
        if len(text) > rule.length_max:
            yield Violation(rule.field, "FIELD_TOO_LONG", f"must have at most {rule.length_max} characters")
        elif rule.code and text and not CODE.fullmatch(text):
            yield Violation(rule.field, "FIELD_MALFORMED", "must be letters, digits, '.', '_' or '-'")


def lists(row: NewDetail, _books: Books) -> Iterator[Violation]:
    """Segments and attributes are as many, and as long, as they may be."""
    for rule in LISTS:
        items: tuple[str, ...] = getattr(row, rule.field)
        if len(items) > rule.items_max:
            yield Violation(rule.field, "TOO_MANY_ITEMS", f"must have at most {rule.items_max} items")
        for place, item in enumerate(items):
            if len(item) > rule.length_max:
                text = f"must have at most {rule.length_max} characters"
                yield Violation(f"{rule.field}[{place}]", "FIELD_TOO_LONG", text)


def characters(row: NewDetail, _books: Books) -> Iterator[Violation]:
    """No text that is kept holds a character that cannot be; the name is the server's, and what was sent is dropped."""
    for rule in TEXTS:
        if rule.field != "name" and (fault := character_fault(getattr(row, rule.field))):
            yield Violation(rule.field, CHARACTER_REFUSED, fault)
    for items in LISTS:
        for place, item in enumerate(getattr(row, items.field)):
            if fault := character_fault(item):
                yield Violation(f"{items.field}[{place}]", CHARACTER_REFUSED, fault)


def kinds(row: NewDetail, _books: Books) -> Iterator[Violation]:
    """Subject type and origin are values of their enums, and the origin is told."""
    if row.subject_type not in SUBJECT_TYPES:
        yield Violation("subject_type", "SUBJECT_TYPE_UNKNOWN", "must be a value of SubjectType")
    if not row.origin:
        yield Violation("origin", "FIELD_REQUIRED", "must be registration or financial")
    elif row.origin not in ORIGINS:
        yield Violation("origin", "ORIGIN_UNKNOWN", "must be registration or financial")


def amounts(row: NewDetail, _books: Books) -> Iterator[Violation]:
    """Of debit and credit exactly one is above zero, in exact minor units of a known currency (GLX-03, PLT-01)."""
    given = {side: amount for side in ("debit", "credit") if (amount := getattr(row, side)) not in {None, NOTHING}}
    above_zero, faulty = [], False
    for side, amount in given.items():
        fault = amount_fault(amount)
        if fault is not None:
            faulty = True
            yield Violation(side, *fault)
        elif (minor := minor_of(amount)) < 0:
            faulty = True
            yield Violation(side, "AMOUNT_NEGATIVE", "must not be negative; a negative debit is a credit")
        elif minor > 0:
            above_zero.append(side)
    if len(above_zero) == len(("debit", "credit")):
        yield Violation("credit", "AMOUNT_ON_BOTH_SIDES", "must not be given beside a debit: exactly one is above zero")
    elif not above_zero and not faulty:
        yield Violation("debit", "AMOUNT_MISSING", "of debit and credit exactly one must be above zero")
    if len({amount[0] for amount in given.values()}) > 1:
        yield Violation("credit", "CURRENCIES_DIFFER", "must have the currency of the debit")


def dates(row: NewDetail, _books: Books) -> Iterator[Violation]:
    """The dates are days that the calendar has."""
    if row.accounting_date is None:
        yield Violation("accounting_date", "FIELD_REQUIRED", "must be given")
    for field in ("accounting_date", "transaction_date"):
        written: CalendarDay | None = getattr(row, field)
        if written is not None and real_day(*written) is None:
            year, month, day = written
            yield Violation(field, "DATE_INVALID", f"the calendar has no day {year}-{month}-{day}")


def ledger_and_period(row: NewDetail, books: Books) -> Iterator[Violation]:
    """The ledger is known, and has an open period on the accounting date; a given period is that one (GLX-04)."""
    if not CODE.fullmatch(row.ledger_code):
        return
    if row.ledger_code not in books.ledgers:
        yield Violation("ledger_code", "LEDGER_UNKNOWN", f"there is no ledger {row.ledger_code}")
        return
    day = day_of_date(row.accounting_date)
    if day is None:
        return
    period = books.period_of(row.ledger_code, day)
    if period is None:
        text = f"ledger {row.ledger_code} has no accounting period on {iso_day(day)}"
        yield Violation("accounting_date", "PERIOD_MISSING", text)
        return
    if row.accounting_period_code not in {"", period.code}:
        text = f"{iso_day(day)} lies in period {period.code} of ledger {row.ledger_code}"
        yield Violation("accounting_period_code", "PERIOD_DISAGREES", text)
    if not period.is_open:
        text = f"{iso_day(day)} lies in period {period.code} of ledger {row.ledger_code}, which is closed"
        yield Violation("accounting_date", "PERIOD_CLOSED", text)


def group_account(row: NewDetail, books: Books) -> Iterator[Violation]:
    """The group account, if one is named, is known (GLX-04)."""
    code = row.group_account_code
    if code and CODE.fullmatch(code) and code not in books.group_accounts:
        yield Violation("group_account_code", "GROUP_ACCOUNT_UNKNOWN", f"there is no group account {code}")


RULES: tuple[Rule, ...] = (texts, lists, characters, kinds, amounts, dates, ledger_and_period, group_account)
