"""`countinghouse accounting execute`, `perform`, `rules`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from countinghouse.cli.accounting.words import (
    Claim,
    Note,
    ValidateOnly,
    accounts,
    claim_name,
    dispute_name,
    entry_of,
    money_of,
    show_operations,
)
from countinghouse.cli.names import full, last
from countinghouse.cli.output import Column, Format, Limit, ListOutput, Output, amount, say, show_list, word
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from countinghouse.accounting.v1.operations_pb2 import PerformManualAccountingRequest
    from countinghouse.client import Client

Dispute = Annotated[str, typer.Option(help="The dispute.")]
_LISTED = 20  # disputes that a message names


def execute(
    context: typer.Context,
    claim: Claim,
    workflow_point: Annotated[str, typer.Argument(metavar="POINT", help="The workflow point, as rules name it.")],
    disputes: Annotated[
        list[str],
        typer.Option("--dispute", metavar="D[=AMOUNT]", help="A dispute, with the amount if the rules ask for one."),
    ],
    step_key: Annotated[str, typer.Option(help="Refuses a second run with the same key.")] = "",
    note: Note = "",
    validate_only: ValidateOnly = False,
    output: Output = Format.TABLE,
) -> None:
    """Run a workflow point of a claim: all its rules, for the disputes named, all or none."""
    from countinghouse.accounting.v1 import operations_pb2 as pb

    request = pb.ExecuteAccountingRequest(
        parent=claim_name(claim),
        workflow_point=workflow_point,
        entries=[entry_of(claim, each) for each in disputes],
        step_key=step_key,
        note=note,
        validate_only=validate_only,
    )
    with session(context) as client:
        answer = client.accounting.execute(request)
    show_operations(answer, answer.operations, output)
    if output is Format.TABLE:
        for skipped in answer.skipped:
            say(f"{last(skipped.rule)} had nothing to move for dispute {last(skipped.dispute)}.")


def perform(
    context: typer.Context,
    claim: Claim,
    dispute: Dispute,
    given: Annotated[
        str | None, typer.Option("--amount", metavar="AMOUNT", help="Such as '12.00 USD'; some rules take their own.")
    ] = None,
    rule: Annotated[str, typer.Option(help="By this rule; `accounting rules` lists them.")] = "",
    debit: Annotated[str, typer.Option(help="Free-form: the collection to debit.")] = "",
    credit: Annotated[str, typer.Option(help="Free-form: the collection to credit.")] = "",
    debit_account: Annotated[str, typer.Option(help="Free-form: the account; else as configured.")] = "",
    credit_account: Annotated[str, typer.Option(help="Free-form: the account; else as configured.")] = "",
    reason: Annotated[str, typer.Option(help="Free-form: the entry reason.")] = "",
    carry_out: Annotated[
        bool, typer.Option("--carry-out", help="Free-form: have it carried out; else the money moves elsewhere.")
    ] = False,
    note: Note = "",
    validate_only: ValidateOnly = False,
    output: Output = Format.TABLE,
) -> None:
    """Perform an adjustment by hand: by a rule, or free-form."""
    from countinghouse.accounting.v1 import operations_pb2 as pb

    free_form = (debit, credit, debit_account, credit_account, reason, carry_out)
    if bool(rule) == any(free_form):
        raise typer.BadParameter("give --rule, or --debit, --credit and --reason")
    entry = pb.AccountingEntry(dispute=dispute_name(claim, dispute), amount=money_of(given) if given else None)
    request = pb.PerformManualAccountingRequest(
        parent=claim_name(claim), entry=entry, note=note, validate_only=validate_only
    )
    if rule:
        request.rule = full("accountingRules", rule)
    else:
        _free_form(request, *free_form)
    with session(context) as client:
        answer = client.accounting.perform_manual(request)
    show_operations(answer, answer.operations, output)


def _amounts(one: Any) -> str:  # noqa: ANN401 - a rule by hand
    return "as given" if one.amount_required else "\n".join(map(amount, one.amounts)) or "nothing"


_BY = {"service": "by its service", "batch": "by batch file", "manual": "by a person"}


def _way(one: Any) -> str:  # noqa: ANN401 - a rule by hand
    from countinghouse.accounting.v1.vocabulary_pb2 import Channel

    if one.HasField("error"):
        return "refused"
    if one.needs_approval:
        return "after approval"
    channel = word(Channel, one.channel)
    return "tracking only" if one.tracking_only else _BY.get(channel, channel)


RULE_COLUMNS = (
    Column("RULE", lambda one: last(one.rule)),
    Column("", accounts),
    Column("AMOUNT", _amounts, right=True),
    Column("CARRIED OUT", _way),
    Column("DESCRIPTION", lambda one: one.error.message or one.description, prose=True),
)


def rules(
    context: typer.Context,
    claim: Claim,
    dispute: Annotated[str, typer.Option(help="The dispute; may be left out where there is one only.")] = "",
    given: Annotated[
        str | None, typer.Option("--amount", metavar="AMOUNT", help="As if performed with this amount.")
    ] = None,
    limit: Limit = 50,
    output: ListOutput = Format.TABLE,
) -> None:
    """List the rules that may be used by hand for a dispute, with the values that they would use."""
    from countinghouse.accounting.v1 import manual_rules_pb2 as pb

    with session(context) as client:
        request = pb.ListManualRulesRequest(
            parent=dispute_name(claim, dispute or _only_dispute(client, claim)),
            amount=money_of(given) if given else None,
        )
        show_list(client.accounting.list_manual_rules(request, limit=limit or None), RULE_COLUMNS, output)


def _free_form(
    request: "PerformManualAccountingRequest",
    debit: str,
    credit: str,
    debit_account: str,
    credit_account: str,
    reason: str,
    carry_out: bool,
) -> None:
    if not (debit and credit and reason):
        raise typer.BadParameter("a free-form adjustment needs --debit, --credit and --reason")
    form = request.free_form
    form.debit_collection, form.credit_collection = full("collections", debit), full("collections", credit)
    form.debit_account, form.credit_account = debit_account, credit_account
    form.entry_reason = reason
    form.tracking_only = not carry_out


def _only_dispute(client: "Client", claim: str) -> str:
    """The claim's dispute, where there is one only."""
    from countinghouse.accounting.v1.claims_pb2 import ListDisputesRequest

    request = ListDisputesRequest(parent=claim_name(claim))
    found: Sequence[str] = [last(one.name) for one in client.accounting.list_disputes(request, limit=_LISTED + 1)]
    if len(found) != 1:
        more = " …" if len(found) > _LISTED else ""
        has = f"it has {', '.join(found[:_LISTED])}{more}" if found else "it has none"
        raise typer.BadParameter(f"name a dispute of the claim: {has}", param_hint="--dispute")
    return found[0]
