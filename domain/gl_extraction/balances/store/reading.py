"""SQL that adds movements up to trial balances: over the movements of one ledger, however many details there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, func, literal, or_, select

from domain.gl_extraction.balances.errors import BalanceTooLarge
from domain.gl_extraction.balances.model import Figures, Line
from domain.gl_extraction.extraction.store.sums import exact_sums
from domain.gl_extraction.periods.model import Period
from domain.gl_extraction.tables import accounting_period, balance_movement

_m, _p = balance_movement.c, accounting_period.c
_END = 1 << 63


def totals(tx: Connection, period: Period, as_of_us: int) -> tuple[tuple[Line, ...], int]:
    """A line a currency, in the order of their codes, and how many lines there are by account. Two statements."""
    by_account = select(literal(1)).select_from(_lines(period, as_of_us, (_m.distribution_account, _m.currency)))
    with exact_sums(BalanceTooLarge):
        found = tx.execute(_figures(period, as_of_us, (literal("").label("account"), _m.currency), (_m.currency,)))
        lines = tuple(map(_line, found))
        return lines, int(tx.execute(select(func.count()).select_from(by_account.subquery())).scalar_one())


def page(
    tx: Connection, period: Period, as_of_us: int, *, account: str | None, after: tuple[str, str] | None, limit: int
) -> list[Line]:
    """At most `limit` lines by account and currency, those behind `after`; `account` None: of all. One statement."""
    key = (_m.distribution_account, _m.currency)
    query = _figures(period, as_of_us, key, key).limit(limit)
    if account is not None:
        query = query.where(_m.distribution_account == account)
    if after is not None:
        behind = and_(_m.distribution_account == after[0], _m.currency > after[1])
        query = query.where(or_(_m.distribution_account > after[0], behind))
    with exact_sums(BalanceTooLarge):
        return list(map(_line, tx.execute(query)))


def _lines(period: Period, as_of_us: int, key: Sequence[ColumnElement[str]]) -> Any:  # noqa: ANN401
    return _figures(period, as_of_us, key, key).subquery()


def _figures(
    period: Period, as_of_us: int, shown: Sequence[ColumnElement[Any]], key: Sequence[ColumnElement[str]]
) -> Select[Any]:
    """By `key`, the sums before the period and in it, of all details and of the extracted ones."""
    before = _p.start_day < period.start_day

    def opening(debit: ColumnElement[int], credit: ColumnElement[int]) -> ColumnElement[int]:
        return func.sum(case((before, debit - credit), else_=0))

    def within(column: ColumnElement[int]) -> ColumnElement[int]:
        return func.sum(case((before, 0), else_=column))

    ever = func.sum(_m.detail_count)
    return (
        select(
            *shown,
            opening(_m.debit_minor, _m.credit_minor),
            within(_m.debit_minor),
            within(_m.credit_minor),
            opening(_m.extracted_debit_minor, _m.extracted_credit_minor),
            within(_m.extracted_debit_minor),
            within(_m.extracted_credit_minor),
            within(_m.detail_count),
            within(_m.extracted_count),
        )
        .join_from(
            balance_movement,
            accounting_period,
            and_(_p.ledger_code == _m.ledger_code, _p.code == _m.accounting_period_code),
        )
        .where(_m.ledger_code == period.ledger_code, _p.start_day <= period.start_day)
        .where(_m.settled_us > 0, _m.settled_us <= as_of_us)
        .group_by(*key)
        .having(ever != 0)
        .order_by(*key)
    )


def _line(row: Row[*tuple[Any, ...]]) -> Line:
    account, currency, *sums = row
    figures = [int(figure) for figure in sums]
    line = Line(account, currency, Figures(*figures[:3]), Figures(*figures[3:6]), figures[6], figures[7])
    told = (*figures, line.all.closing_minor, line.extracted.closing_minor, line.unextracted.closing_minor)
    if max(map(abs, told)) >= _END:
        raise BalanceTooLarge
    return line
