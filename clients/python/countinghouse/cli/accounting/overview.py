"""`countinghouse accounting overview`, `steps`: what a claim has come to."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from countinghouse.cli import choices
from countinghouse.cli.accounting.words import Claim, accounts, claim_name, dispute_name, short_operation, state_of
from countinghouse.cli.choices import INSTANT_FORMATS
from countinghouse.cli.names import full, last
from countinghouse.cli.output import (
    Column,
    Format,
    Limit,
    ListOutput,
    Output,
    amount,
    amount_text,
    day,
    jsonable,
    moment,
    say,
    show_list,
    show_table,
    show_value,
    word,
)
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from google.type.money_pb2 import Money

    from countinghouse.accounting.v1.operations_pb2 import AccountingOperation
    from countinghouse.accounting.v1.overview_pb2 import (
        AccountingOverview,
        AccountingStep,
        CollectionBalance,
    )
    from countinghouse.client import Client

Dispute = Annotated[str, typer.Option(help="Only of this dispute of the claim.")]
At = Annotated[
    datetime | None,
    typer.Option("--at", formats=INSTANT_FORMATS, metavar="INSTANT", help="As it stood at this instant, in UTC."),
]

_COLUMNS = (
    Column("COLLECTION", str),
    Column("CURRENCY", str),
    Column("EXECUTED", str, right=True),
    Column("OPS", str, right=True),
    Column("PENDING", str, right=True),
    Column("OPS", str, right=True),
    Column("", str),
)
_BEHIND_COLUMNS = (
    Column("OPERATION", lambda one: f"{short_operation(one.name)}\n{one.entry_reason}, dispute {last(one.dispute)}"),
    Column("STATE", lambda one: f"{state_of(one)}\n{day(one.accounting_date)}"),
    Column("", accounts),
    Column("AMOUNT", lambda one: amount(one.amount), right=True),
)
_STEP_COLUMNS = (
    Column("OPERATION", str),
    Column("DISPUTE", str),
    Column("", str),
    Column("AMOUNT", str, right=True),
    Column("BALANCE", str, right=True),
    Column("PENDING", str, right=True),
)


def overview(
    context: typer.Context,
    claim: Claim,
    dispute: Dispute = "",
    at: At = None,
    operations: Annotated[
        str, typer.Option("--operations", metavar="COLLECTION", help="Show the operations behind its balance.")
    ] = "",
    currency: Annotated[str, typer.Option(help="Of --operations: only in this currency.")] = "",
    sort: Annotated[
        str, typer.Option(metavar="COLUMN", help="Of --operations, such as amount or 'accounting_date desc'.")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", min=0, help="Of --operations: how many at most; 0 for all.")] = 50,
    output: Output = Format.TABLE,
) -> None:
    """Show what a claim has come to by collection: credits less debits, executed and pending apart.

    A suspense collection that is not zero is out of balance. OPS says how many operations make up a figure.
    """
    from countinghouse.accounting.v1 import overview_pb2 as pb

    parent = dispute_name(claim, dispute) if dispute else claim_name(claim)
    as_of = choices.instant(at)
    with session(context) as client:
        if operations:
            wanted = pb.AccountingOperationFilter(
                collection=full("collections", operations), currency_code=currency, as_of_time=as_of
            )
            request = pb.ListAccountingOperationsRequest(parent=parent, filter=wanted, order_by=sort)
            _show_behind(client, request, limit or None, output)
            return
        asked = pb.GetAccountingOverviewRequest(name=f"{parent}/accountingOverview", as_of_time=as_of)
        found = client.accounting.get_overview(asked)
    if output is Format.TABLE:
        _show(found, claim, dispute)
    else:
        show_value(jsonable(found), output)


def steps(
    context: typer.Context, claim: Claim, dispute: Dispute = "", limit: Limit = 0, output: ListOutput = Format.TABLE
) -> None:
    """Show both steps of each operation by accounting date, with what its collection had come to by then.

    BALANCE is what is executed, PENDING what is not yet; a canceled operation moves nothing.
    """
    from countinghouse.accounting.v1 import overview_pb2 as pb

    parent = dispute_name(claim, dispute) if dispute else claim_name(claim)
    with session(context) as client:
        found = client.accounting.list_steps(pb.ListAccountingStepsRequest(parent=parent), limit=limit or None)
        if output is not Format.TABLE:
            show_list(found, _STEP_COLUMNS, output)
            return
        rows = [_step(step) for step in found]
    show_table(_STEP_COLUMNS, rows)


def _show(found: "AccountingOverview", claim: str, dispute: str) -> None:
    shown = sorted(
        ((each.currency_code, last(of.collection), each) for of in found.collections for each in of.balances),
        key=lambda line: line[:2],
    )
    rows = [[code, currency, *_figures(balance), _flags(balance)] for currency, code, balance in shown]
    flagged = [place for place, (_, _, balance) in enumerate(shown) if balance.flags]
    if not rows:
        say("Nothing was moved, and no dispute has an amount.")
    show_table(_COLUMNS, rows, alarming=flagged)
    print(f"as of {moment(found.as_of_time)}")
    if flagged:
        of = f" --dispute {last(dispute)}" if dispute else ""
        say(
            f"What is behind it: countinghouse accounting overview {last(claim)}{of} --operations {rows[flagged[0]][0]}"
        )


def _figures(balance: "CollectionBalance") -> list[str]:
    return [
        _number(balance.executed),
        f"{balance.executed_count:,}" if balance.executed_count else "",
        _number(balance.pending) if balance.pending_count else "",
        f"{balance.pending_count:,}" if balance.pending_count else "",
    ]


def _flags(balance: "CollectionBalance") -> str:
    from countinghouse.accounting.v1 import overview_pb2 as pb

    if pb.BALANCE_FLAG_OUT_OF_BALANCE in balance.flags:
        return "OUT OF BALANCE"
    if pb.BALANCE_FLAG_DISPUTES_OUT_OF_BALANCE in balance.flags:
        return f"{balance.unsettled_dispute_count:,} DISPUTES OUT OF BALANCE"
    return ""


def _show_behind(client: "Client", request: Any, limit: int | None, output: Format) -> None:  # noqa: ANN401
    """What counts in a balance: what is executed, and what is pending."""
    from countinghouse.accounting.v1 import overview_pb2 as pb

    found: list[AccountingOperation] = []
    for part in (pb.BALANCE_PART_EXECUTED, pb.BALANCE_PART_PENDING):
        request.filter.part = part
        these = list(client.accounting.list_operations(request, limit=limit))
        found += these
        if output is Format.TABLE and these:
            print(f"{word(pb.BalancePart, part)}:")
            show_list(these, _BEHIND_COLUMNS, output)
    if output is not Format.TABLE:
        show_list(found, _BEHIND_COLUMNS, output)
    elif not found:
        say("No operation is behind it.")


def _step(step: "AccountingStep") -> list[str]:
    from countinghouse.accounting.v1 import overview_pb2 as pb

    operation, debit = step.operation, step.side == pb.ACCOUNTING_STEP_SIDE_DEBIT
    told = f"{day(operation.accounting_date)} {state_of(operation)}" if debit else f"  {last(operation.name)}"
    return [
        told,
        last(operation.dispute) if debit else "",
        f"{'Dr' if debit else 'Cr'} {last(step.target.collection)}",
        amount(step.amount) if debit else "",
        _number(step.executed_balance),
        _number(step.pending_balance),
    ]


def _number(money: "Money") -> str:
    from countinghouse.values import decimal_of

    return amount_text(decimal_of(money), money.currency_code)
