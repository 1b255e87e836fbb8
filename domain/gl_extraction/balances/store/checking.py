"""SQL that adds details themselves up, to hold what was recorded against it: the slow way, which is always right."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, case, func, literal, select

from domain.gl_extraction.balances.errors import BalanceTooLarge
from domain.gl_extraction.balances.model import Movement, Place
from domain.gl_extraction.balances.store import movements
from domain.gl_extraction.balances.store.movements import FIGURES, movement_of
from domain.gl_extraction.extraction.store.sums import exact_sums
from domain.gl_extraction.stamps import is_stamped
from domain.gl_extraction.tables import accounting_detail

_d = accounting_detail.c


def recorded(tx: Connection, ledger_code: str, period_code: str) -> list[Movement]:
    """What was recorded of a period, settled or not. Cost: one statement over its movements."""
    r = movements.recorded(tx, ledger_code, until_us=None).c
    place = [r[name] for name in Place._fields]
    query = select(*place, *(func.sum(r[name]) for name in FIGURES)).group_by(*place)
    query = query.where(r.accounting_period_code == period_code)
    with exact_sums(BalanceTooLarge):
        return [movement_of(row) for row in tx.execute(query)]


def found(tx: Connection, ledger_code: str, period_code: str) -> list[Movement]:
    """What the details of a period come to, void ones left out. Cost: one statement, which reads all details."""
    sent = case((is_stamped(), 1), else_=0).label("sent")
    place = [_d[name] for name in Place._fields]
    of_period = (_d.ledger_code == ledger_code, _d.accounting_period_code == period_code, _d.voided_us == 0)
    facts = select(*place, _d.debit_minor, _d.credit_minor, sent).where(*of_period).subquery()
    f: Any = facts.c
    by = [f[name] for name in Place._fields]
    figures = (f.debit_minor, f.credit_minor, literal(1))
    query = select(*by, *map(func.sum, figures), *(func.sum(figure * f.sent) for figure in figures)).group_by(*by)
    with exact_sums(BalanceTooLarge):
        return [movement_of(row) for row in tx.execute(query)]
