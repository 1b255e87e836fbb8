"""Trial balances as the contract tells them."""

from __future__ import annotations

from collections.abc import Sequence

from google.type.money_pb2 import Money

from countinghouse.gl_extraction.v1 import balances_pb2 as pb
from domain.gl_extraction.balances.model import Difference, Figures, Line, Movement, TrialBalance
from domain.kernel.amounts import amount_of
from server.mapping.operations import instant_to_proto

DIFFERENCES_TOLD_MAX = 100


def key_from_name(name: str) -> tuple[str, str]:
    """Ledger and period in the name of a trial balance."""
    _, ledger_code, _, period_code, _ = name.split("/")
    return ledger_code, period_code


def balance_to_proto(balance: TrialBalance) -> pb.TrialBalance:
    """A trial balance."""
    return pb.TrialBalance(
        name=balance.name,
        as_of_time=instant_to_proto(balance.as_of_us),
        totals=map(line_to_proto, balance.totals),
        line_count=balance.line_count,
    )


def line_to_proto(line: Line) -> pb.TrialBalanceLine:
    """A line."""
    return pb.TrialBalanceLine(
        distribution_account=line.distribution_account,
        currency_code=line.currency,
        all=_figures(line.all, line.currency),
        extracted=_figures(line.extracted, line.currency),
        unextracted=_figures(line.unextracted, line.currency),
        detail_count=line.detail_count,
        extracted_count=line.extracted_count,
    )


def check_to_proto(differences: Sequence[Difference]) -> pb.CheckTrialBalanceResponse:
    """What a check has found."""
    return pb.CheckTrialBalanceResponse(
        matches=not differences,
        differences=map(_difference, differences[:DIFFERENCES_TOLD_MAX]),
        difference_count=len(differences),
    )


def _figures(figures: Figures, currency: str) -> pb.BalanceFigures:
    return pb.BalanceFigures(
        opening=_money(figures.opening_minor, currency),
        debit=_money(figures.debit_minor, currency),
        credit=_money(figures.credit_minor, currency),
        closing=_money(figures.closing_minor, currency),
    )


def _difference(difference: Difference) -> pb.TrialBalanceDifference:
    return pb.TrialBalanceDifference(
        distribution_account=difference.place.distribution_account,
        currency_code=difference.place.currency,
        recorded=_sums(difference.recorded),
        found=_sums(difference.found),
    )


def _sums(movement: Movement) -> pb.BalanceSums:
    currency = movement.place.currency
    return pb.BalanceSums(
        debit=_money(movement.all.debit_minor, currency),
        credit=_money(movement.all.credit_minor, currency),
        detail_count=movement.all.detail_count,
        extracted_debit=_money(movement.extracted.debit_minor, currency),
        extracted_credit=_money(movement.extracted.credit_minor, currency),
        extracted_count=movement.extracted.detail_count,
    )


def _money(minor: int, currency: str) -> Money:
    _, units, nanos = amount_of(minor, currency)
    return Money(currency_code=currency, units=units, nanos=nanos)
