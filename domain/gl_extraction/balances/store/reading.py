"""SQL that adds up to trial balances: over what was recorded of one ledger, however many details there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, func, literal, or_, select

from domain.gl_extraction.balances.errors import BalanceTooLarge
from domain.gl_extraction.balances.model import Figures, Line
from domain.gl_extraction.balances.store import movements
from domain.gl_extraction.extraction.store.sums import exact_sums
from domain.gl_extraction.periods.model import Period
from domain.gl_extraction.tables import accounting_period

_p = accounting_period.c
_BY_ACCOUNT = ("distribution_account", "currency")
_END = 1 << 63


def totals(tx: Connection, period: Period, as_of_us: int) -> tuple[tuple[Line, ...], int]:
    """A line a currency, in the order of their codes, and how many lines there are by account. Two statements."""
    by_account = _figures(tx, period, as_of_us, _BY_ACCOUNT).subquery()
    with exact_sums(BalanceTooLarge):
        lines = tuple(map(_line, tx.execute(_figures(tx, period, as_of_us, ("currency",)))))
        return lines, int(tx.execute(select(func.count()).select_from(by_account)).scalar_one())


def page(
    tx: Connection, period: Period, as_of_us: int, *, account: str | None, after: tuple[str, str] | None, limit: int
) -> list[Line]:
    """At most `limit` lines by account and currency, those behind `after`; `account` None: of all. One statement."""
    query = _figures(tx, period, as_of_us, _BY_ACCOUNT, account=account, after=after).limit(limit)
    with exact_sums(BalanceTooLarge):
        return list(map(_line, tx.execute(query)))


def _figures(
    tx: Connection,
    period: Period,
    as_of_us: int,
    key: Sequence[str],
    *,
    account: str | None = None,
    after: tuple[str, str] | None = None,
) -> Select[Any]:
    """By `key`, the sums before the period and in it, of all details and of the extracted ones.

    The first column is the account, empty when it is not in the key.
    """
    recorded = movements.recorded(tx, period.ledger_code, until_us=as_of_us)
    r: Any = recorded.c
    before = _p.start_day < period.start_day
    by = [r[name] for name in key]
    shown: list[Any] = [*([literal("")] if len(by) == 1 else []), *by]

    def opening(kind: str) -> ColumnElement[int]:
        return func.sum(case((before, r[f"{kind}debit_minor"] - r[f"{kind}credit_minor"]), else_=0))

    def within(name: str) -> ColumnElement[int]:
        return func.sum(case((before, 0), else_=r[name]))

    query = (
        select(
            *shown,
            opening(""),
            within("debit_minor"),
            within("credit_minor"),
            opening("extracted_"),
            within("extracted_debit_minor"),
            within("extracted_credit_minor"),
            within("detail_count"),
            within("extracted_count"),
        )
        .join_from(recorded, accounting_period, _p.code == r.accounting_period_code)
        .where(_p.ledger_code == period.ledger_code, _p.start_day <= period.start_day)
        .group_by(*by)
        .having(func.sum(r.detail_count) != 0)
        .order_by(*by)
    )
    if account is not None:
        query = query.where(r.distribution_account == account)
    if after is not None:
        behind = and_(r.distribution_account == after[0], r.currency > after[1])
        query = query.where(or_(r.distribution_account > after[0], behind))
    return query


def _line(row: Row[*tuple[Any, ...]]) -> Line:
    account, currency, *sums = row
    figures = [int(figure) for figure in sums]
    line = Line(account, currency, Figures(*figures[:3]), Figures(*figures[3:6]), figures[6], figures[7])
    told = (*figures, line.all.closing_minor, line.extracted.closing_minor, line.unextracted.closing_minor)
    if max(map(abs, told)) >= _END:
        raise BalanceTooLarge
    return line
