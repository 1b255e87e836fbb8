"""`countinghouse gl balance`: the trial balance of a period."""

from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer

from countinghouse.cli import choices
from countinghouse.cli.choices import INSTANT_FORMATS
from countinghouse.cli.exits import FINDINGS
from countinghouse.cli.names import period
from countinghouse.cli.output import (
    Column,
    Format,
    Limit,
    Output,
    amount_text,
    jsonable,
    moment,
    say,
    show_table,
    show_value,
)
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from google.type.money_pb2 import Money

    from countinghouse.gl_extraction.v1.balances_pb2 import CheckTrialBalanceResponse, TrialBalanceLine


def _amount(money: "Money") -> str:
    from countinghouse.values import decimal_of

    return amount_text(decimal_of(money), money.currency_code)


COLUMNS = (
    Column("ACCOUNT", str),
    Column("CURRENCY", str),
    Column("OPENING", str, right=True),
    Column("DEBIT", str, right=True),
    Column("CREDIT", str, right=True),
    Column("CLOSING", str, right=True),
    Column("EXTRACTED", str, right=True),
    Column("NOT EXTRACTED", str, right=True),
    Column("DETAILS", str, right=True),
)
_NONE = "(none)"


def balance(
    context: typer.Context,
    ledger: Annotated[str, typer.Argument(help="The ledger's code.")],
    code: Annotated[str, typer.Argument(metavar="PERIOD", help="The period's code, such as 2026-11.")],
    as_of: Annotated[
        datetime | None,
        typer.Option("--as-of", formats=INSTANT_FORMATS, metavar="INSTANT", help="As of this instant, in UTC."),
    ] = None,
    account: Annotated[str | None, typer.Option(help="Only this distribution account.")] = None,
    totals: Annotated[bool, typer.Option("--totals", help="Only the totals of each currency.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Add up the details themselves, and compare; exit code 9 if they differ.")
    ] = False,
    limit: Limit = 0,
    output: Output = Format.TABLE,
) -> None:
    """Show the trial balance of a period: a line for each account and currency, and totals for each currency.

    Above zero is a debit balance, below zero a credit balance. EXTRACTED and NOT EXTRACTED part the closing balance.
    """
    from countinghouse.gl_extraction.v1 import balances_pb2

    name = f"{period(ledger, code)}/trialBalance"
    with session(context) as client:
        if check:
            _show_check(client.gl.check_trial_balance(balances_pb2.CheckTrialBalanceRequest(name=name)), output)
            return
        asked = balances_pb2.GetTrialBalanceRequest(name=name, as_of_time=choices.instant(as_of))
        found = client.gl.get_trial_balance(asked)
        wanted = balances_pb2.ListTrialBalanceLinesRequest(
            parent=name, as_of_time=found.as_of_time, distribution_account=account, page_size=1_000
        )
        lines = [] if totals else list(client.gl.list_trial_balance_lines(wanted, limit=limit or None))
    if output is not Format.TABLE:
        told = {"trialBalanceLines": [jsonable(line) for line in lines]}
        show_value(jsonable(found) | ({} if totals else told), output)
        return
    rows = [_row(line.distribution_account or _NONE, line) for line in lines]
    sums = [_row("TOTAL", total) for total in found.totals]
    show_table(COLUMNS, list(chain(rows, sums)))
    left_out = found.line_count - len(lines)
    if account is None and not totals and left_out:
        say(f"{left_out:,} more {'line' if left_out == 1 else 'lines'}; --limit 0 shows all")
    print(f"as of {moment(found.as_of_time)}")


def _row(name: str, line: "TrialBalanceLine") -> list[str]:
    return [
        name,
        line.currency_code,
        _amount(line.all.opening),
        _amount(line.all.debit),
        _amount(line.all.credit),
        _amount(line.all.closing),
        _amount(line.extracted.closing),
        _amount(line.unextracted.closing),
        f"{line.detail_count:,}",
    ]


def _show_check(answer: "CheckTrialBalanceResponse", output: Format) -> None:
    if output is not Format.TABLE:
        show_value(jsonable(answer), output)
    elif answer.matches:
        print("the trial balance is what its details come to")
    else:
        headings = ("ACCOUNT", "CURRENCY", "", "DEBIT", "CREDIT", "DETAILS", "EXTRACTED")
        columns = [Column(heading, str, right=place > 2) for place, heading in enumerate(headings)]  # noqa: PLR2004
        show_table(
            columns,
            [
                [
                    one.distribution_account or _NONE,
                    one.currency_code,
                    word,
                    _amount(sums.debit),
                    _amount(sums.credit),
                    f"{sums.detail_count:,}",
                    f"{sums.extracted_count:,}",
                ]
                for one in answer.differences
                for word, sums in (("told", one.recorded), ("details", one.found))
            ],
        )
    if not answer.matches:
        places = "account or currency" if answer.difference_count == 1 else "accounts and currencies"
        say(f"In {answer.difference_count:,} {places}, what is told is not what the details come to.")
        raise typer.Exit(FINDINGS)
