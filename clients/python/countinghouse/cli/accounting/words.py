"""How claims, disputes, operations and amounts are written on the command line, and shown."""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from countinghouse.cli.names import full, last
from countinghouse.cli.output import Column, Format, amount, show_table, show_value, word

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from google.type.money_pb2 import Money

    from countinghouse.accounting.v1.operations_pb2 import AccountingEntry

Claim = Annotated[str, typer.Argument(metavar="CLAIM", help="The claim's id or full name.")]
Operation = Annotated[
    str, typer.Argument(metavar="OPERATION", help="CLAIM/ID, as tables show it, or the operation's full name.")
]
Reason = Annotated[str, typer.Option(help="Why; it is kept.")]
Note = Annotated[str, typer.Option(help="A note that the operations carry.")]
ValidateOnly = Annotated[
    bool, typer.Option("--dry-run", "--validate-only", help="Show what would happen; change nothing.")
]

_AMOUNT = re.compile(r"(-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?) ?([A-Z]{3})")
_OPERATION_PARTS = 2


def examples(*lines: str) -> str:
    """What stands below the help of a command."""
    return "\b\n" + "\n".join(["Examples:", *(f"  countinghouse accounting {line}" for line in lines)])


def claim_name(claim: str) -> str:
    """`C-1` or `claims/C-1` as the latter."""
    return full("claims", claim)


def dispute_name(claim: str, dispute: str) -> str:
    """`1`, a dispute of the claim, or its full name, as the latter."""
    return dispute if "/" in dispute else f"{claim_name(claim)}/disputes/{dispute}"


def operation_name(operation: str) -> str:
    """`C-1/06c…` or `claims/C-1/operations/06c…` as the latter.

    Raises:
        typer.BadParameter: It names no claim: ids of operations alone are not looked up.
    """
    parts = operation.split("/")
    if len(parts) == _OPERATION_PARTS:
        return f"claims/{parts[0]}/operations/{parts[1]}"
    if len(parts) != 2 * _OPERATION_PARTS:
        raise typer.BadParameter(f"write it as CLAIM/ID, such as C-1/{operation or '06c…'}", param_hint="OPERATION")
    return operation


def short_operation(name: str) -> str:
    """`claims/C-1/operations/06c…` as `C-1/06c…`; empty when there is none."""
    return "/".join(name.split("/")[1::2])


def money_of(text: str) -> "Money":
    """`12.00 USD`, or `1,234.50USD`, exactly.

    Raises:
        typer.BadParameter: It is not written like that.
    """
    from countinghouse.values import money_from_decimal

    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter(f"'{text}' is no amount: write it with its currency, such as '12.00 USD'")
    try:
        return money_from_decimal(Decimal(found[1].replace(",", "")), found[2])
    except ValueError as error:
        raise typer.BadParameter(f"'{text}': {error}") from None


def entry_of(claim: str, text: str) -> "AccountingEntry":
    """`D` or `D=12.00 USD`: a dispute of the claim, and the caller's amount if there is one."""
    from countinghouse.accounting.v1.operations_pb2 import AccountingEntry

    dispute, equals, given = text.partition("=")
    if not dispute:
        raise typer.BadParameter(f"'{text}' names no dispute: write D, or D='12.00 USD'", param_hint="--dispute")
    return AccountingEntry(dispute=dispute_name(claim, dispute), amount=money_of(given) if equals else None)


def pairs_of(texts: Iterable[str], what: str) -> dict[str, str]:
    """`name=value` each.

    Raises:
        typer.BadParameter: One has no name or no `=`, or names one twice.
    """
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals) or name in pairs:
            raise typer.BadParameter(f"'{text}': write NAME=VALUE, each name once", param_hint=what)
        pairs[name] = value
    return pairs


def accounts(one: Any) -> str:  # noqa: ANN401 - an operation, or a rule by hand
    """What is debited, then what is credited."""
    return f"Dr {last(one.debit.collection)}\nCr {last(one.credit.collection)}"


def state_of(operation: Any) -> str:  # noqa: ANN401 - the type is imported when it is needed
    """The operation's state, and that it was reversed."""
    from countinghouse.accounting.v1.operations_pb2 import AccountingOperationState

    told = word(AccountingOperationState, operation.state)
    return f"{told}, reversed" if operation.reversed_by else told


def how(operation: Any) -> str:  # noqa: ANN401
    """What kind of operation it is."""
    from countinghouse.accounting.v1.operations_pb2 import AccountingOperationKind

    return word(AccountingOperationKind, operation.kind)


def stacked(*lines: str) -> str:
    """Texts of one cell, a line each; lists stay as narrow as a terminal by it."""
    return "\n".join(filter(None, lines))


OPERATION_COLUMNS = (
    Column("OPERATION", lambda one: stacked(short_operation(one.name), f"{how(one)}, dispute {last(one.dispute)}")),
    Column("STATE", state_of),
    Column("", accounts),
    Column("AMOUNT", lambda one: amount(one.amount), right=True),
)
"""What a person looks for first."""


def show_operations(answer: "Message", operations: Sequence[Any], output: Format) -> None:
    """Print the operations that a call made, or the whole answer as JSON or YAML."""
    from countinghouse.cli.output import jsonable

    if output is not Format.TABLE:
        show_value(jsonable(answer), output)
    elif operations:
        show_table(OPERATION_COLUMNS, [[column.text(one) for column in OPERATION_COLUMNS] for one in operations])
