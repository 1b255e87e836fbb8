"""`countinghouse accounting resolve`, `reopen`: the end of a claim."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from countinghouse.cli import choices
from countinghouse.cli.accounting.claims import COLUMNS
from countinghouse.cli.accounting.words import Claim, Reason, ValidateOnly, claim_name
from countinghouse.cli.exits import FINDINGS
from countinghouse.cli.names import last
from countinghouse.cli.output import (
    Column,
    Format,
    Output,
    amount,
    jsonable,
    say,
    show_one,
    show_table,
    show_value,
    word,
)
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from countinghouse.accounting.v1.resolution_pb2 import CheckResolutionRequest, CheckResolutionResponse
    from countinghouse.client import Client


class Ending(StrEnum):
    """How a claim ends."""

    PAY = "pay"
    PARTIAL_DENY = "partial-deny"
    WRITE_OFF = "write-off"
    DENY = "deny"


_OBSTACLE_COLUMNS = (
    Column("IN THE WAY", str),
    Column("DISPUTE", str),
    Column("AMOUNT", str, right=True),
    Column("WHAT WOULD SETTLE IT", str, prose=True),
)
_REMEDIES_SHOWN = 3


def resolve(
    context: typer.Context,
    claim: Claim,
    ending: Annotated[Ending, typer.Option("--as", help="How it ends.")],
    check: Annotated[
        bool, typer.Option("--check", help="Only show what stands in the way; exit code 9 if anything does.")
    ] = False,
    validate_only: ValidateOnly = False,
    limit: Annotated[int, typer.Option("--limit", min=0, help="Of --check: how many at most; 0 for all.")] = 50,
    output: Output = Format.TABLE,
) -> None:
    """Resolve a claim whose accounting allows it; then it takes reversals alone, until it is reopened."""
    from countinghouse.accounting.v1 import resolution_pb2 as pb
    from countinghouse.accounting.v1 import vocabulary_pb2

    name, resolution = claim_name(claim), choices.number(vocabulary_pb2.Resolution, ending)
    with session(context) as client:
        if check:
            found = _check(client, pb.CheckResolutionRequest(name=name, resolution=resolution), limit)
            _show_check(found, output)
            return
        request = pb.ResolveClaimRequest(name=name, resolution=resolution, validate_only=validate_only)
        show_one(client.accounting.resolve_claim(request), _CLAIM_COLUMNS, output)


def reopen(
    context: typer.Context,
    claim: Claim,
    reason: Reason,
    validate_only: ValidateOnly = False,
    output: Output = Format.TABLE,
) -> None:
    """Reopen a resolved claim: it takes operations again."""
    from countinghouse.accounting.v1 import resolution_pb2 as pb

    request = pb.ReopenClaimRequest(name=claim_name(claim), reason=reason, validate_only=validate_only)
    with session(context) as client:
        show_one(client.accounting.reopen_claim(request), _CLAIM_COLUMNS, output)


def _check(client: "Client", request: "CheckResolutionRequest", limit: int) -> "CheckResolutionResponse":
    """The answer with as many obstacles as are to be shown, of however many pages."""
    found = client.accounting.check_resolution(request)
    page = found
    while page.next_page_token and (not limit or len(found.obstacles) < limit):
        request.page_token = page.next_page_token
        page = client.accounting.check_resolution(request)
        found.obstacles.extend(page.obstacles)
    if limit:
        del found.obstacles[limit:]
    found.ClearField("next_page_token")
    return found


def _show_check(found: "CheckResolutionResponse", output: Format) -> None:
    if output is not Format.TABLE:
        show_value(jsonable(found), output)
    elif found.allowed:
        print("Its accounting allows it.")
    else:
        show_table(_OBSTACLE_COLUMNS, list(map(_obstacle, found.obstacles)))
        left_out = found.obstacle_count - len(found.obstacles)
        if left_out:
            say(f"{left_out:,} more; --limit 0 shows all")
    if not found.allowed:
        raise typer.Exit(FINDINGS)


def _obstacle(one: Any) -> list[str]:  # noqa: ANN401 - the type is imported when it is needed
    from countinghouse.accounting.v1.resolution_pb2 import ObstacleKind

    what = f"{last(one.collection)} is not zero" if one.collection else f"operation {word(ObstacleKind, one.kind)}"
    remedies = [_short(each.description, one) for each in one.remedies[:_REMEDIES_SHOWN]]
    where = f"{what}\n{last(one.operation)}" if one.operation else what
    return [where, last(one.dispute), amount(one.amount), "\n".join(remedies)]


def _short(description: str, obstacle: Any) -> str:  # noqa: ANN401
    """The sentence, less the names that the row shows already."""
    for name, word_ in ((obstacle.operation, "it"), (obstacle.assignment, "it")):
        description = description.replace(name, word_) if name else description
    return description.replace("accountingRules/", "").replace("it and complete it", "it and complete its assignment")


_CLAIM_COLUMNS = (*COLUMNS, Column("RESOLUTION", lambda one: one.resolution))
