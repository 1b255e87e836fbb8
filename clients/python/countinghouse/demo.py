"""A ledger for trying things out: made up, balanced in every currency, and the same for the same seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2
from countinghouse.importing.mapping import Ledger, Periods, Reference
from countinghouse.values import NANOS, date_to_proto, money_from_nanos

LEDGER = SOURCE = "demo"
YEAR = 2026
CURRENCIES = (("USD", 2), ("USD", 2), ("USD", 2), ("EUR", 2), ("EUR", 2), ("JPY", 0))
"""Currency and its decimal digits; one that is named more often occurs more often."""

_RECEIVABLE, _TAX = ("1100", "receivables"), ("2200", "taxes")
_FUNDS = (
    ("electricity", ("4010", "revenue")),
    ("gas", ("4020", "revenue")),
    ("water", ("4030", "revenue")),
    ("claims", ("5010", "claims")),
    ("", ("4990", "revenue")),  # no bulking group: a value of its own
)
_GROUP_ACCOUNTS = (
    ("receivables", "Receivables"),
    ("revenue", "Revenue"),
    ("taxes", "Taxes"),
    ("claims", "Claims paid"),
)
_DAYS = 334  # the last month is for reversals
_REVERSED_OF = 25  # one entry in so many is reversed
_REMEMBERED = 64  # entries that may still be reversed


@dataclass(frozen=True, slots=True)
class _Line:
    account: tuple[str, str]
    minor: int
    debit: bool


@dataclass(frozen=True, slots=True)
class _Entry:
    """Lines whose debits are their credits."""

    number: int
    day: date
    fund: str
    subject: str
    currency: str
    digits: int
    lines: tuple[_Line, ...]
    reversal: bool = False


def reference() -> Reference:
    """The ledger, its twelve periods and the group accounts that the details name."""
    periods = Periods(date(YEAR, 1, 1), date(YEAR, 12, 31), "%Y-%m")
    return Reference((Ledger(LEDGER, "Demo data", periods),), _GROUP_ACCOUNTS)


def details(seed: int, count: int) -> Iterator[details_pb2.AccountingDetail]:
    """`count` details that balance in each currency; the same seed and count give the same details, ids included.

    Raises:
        ValueError: `count` is 1 or below zero: one detail alone cannot balance.
    """
    if count < 0 or count == 1:
        raise ValueError("a balanced ledger has at least two details")
    return _details(Random(seed), seed, count)  # noqa: S311 - made-up data, not a secret


def external_id(seed: int, *, number: int, place: int) -> str:
    """The external id of a line of an entry; entries count from 1, lines from 0."""
    return f"demo-{seed}-{number}-{place}"


def _details(random: Random, seed: int, count: int) -> Iterator[details_pb2.AccountingDetail]:
    made, number, recent = 0, 0, list[_Entry]()
    while made < count:
        number += 1
        old = recent.pop(random.randrange(len(recent))) if recent and not random.randrange(_REVERSED_OF) else None
        left = count - made
        if old is not None and len(old.lines) <= left and left - len(old.lines) != 1:
            entry = _reversal(random, number, old)
        else:
            entry = _entry(random, number, lines=_size(random, left))
            recent = [*recent[-_REMEMBERED:], entry]
        for place, line in enumerate(entry.lines):
            yield _detail(entry, line, external_id=external_id(seed, number=number, place=place))
        made += len(entry.lines)


def _size(random: Random, left: int) -> int:
    """Two or three lines, so that never a single one is left over."""
    return {2: 2, 3: 3, 4: 2}.get(left) or 2 + random.randrange(2)


def _entry(random: Random, number: int, *, lines: int) -> _Entry:
    """Somebody owes something for something, with tax where there are three lines."""
    fund, income = _FUNDS[random.randrange(len(_FUNDS))]
    currency, digits = CURRENCIES[random.randrange(len(CURRENCIES))]
    net = 1 + random.randrange(500 * 10**digits) if digits else 100 + random.randrange(50_000)
    taxed = (_Line(_TAX, net // 5 + 1, debit=False),) if lines == 3 else ()  # noqa: PLR2004
    gross = net + sum(line.minor for line in taxed)
    return _Entry(
        number=number,
        day=date(YEAR, 1, 1) + timedelta(days=random.randrange(_DAYS)),
        fund=fund,
        subject=f"account-{random.randrange(2_000):05}",
        currency=currency,
        digits=digits,
        lines=(_Line(_RECEIVABLE, gross, debit=True), _Line(income, net, debit=False), *taxed),
    )


def _reversal(random: Random, number: int, old: _Entry) -> _Entry:
    """The same lines on the other side, on a later day of their own (GLX-03)."""
    day = old.day + timedelta(days=1 + random.randrange(30))
    lines = tuple(_Line(line.account, line.minor, not line.debit) for line in old.lines)
    return _Entry(number, day, old.fund, old.subject, old.currency, old.digits, lines, reversal=True)


def _detail(entry: _Entry, line: _Line, *, external_id: str) -> details_pb2.AccountingDetail:
    code, group = line.account
    money = money_from_nanos(line.minor * NANOS // 10**entry.digits, entry.currency)
    registered = entry.number % 10 == 0
    return details_pb2.AccountingDetail(
        source=SOURCE,
        external_id=external_id,
        description=f"{'Reversal' if entry.reversal else 'Entry'} {entry.number}",
        subject_type=details_pb2.SUBJECT_TYPE_ACCOUNT,
        subject=entry.subject,
        origin=details_pb2.ORIGIN_REGISTRATION if registered else details_pb2.ORIGIN_FINANCIAL,
        grouping=f"run-{entry.day:%Y-%m}",
        bulking_group=entry.fund,
        reversal=entry.reversal,
        distribution_account=code,
        ledger_code=LEDGER,
        accounting_date=date_to_proto(entry.day),
        group_account_code=group,
        category=group,
        debit=money if line.debit else None,
        credit=None if line.debit else money,
        gl_segments=[code, entry.fund],
    )
