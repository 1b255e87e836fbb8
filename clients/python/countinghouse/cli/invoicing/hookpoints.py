"""`countinghouse invoicing hookpoints` and `ask-hook`: where somebody else decides whether batches go on."""

from enum import StrEnum
from typing import Annotated

import typer

from countinghouse.cli.exits import FINDINGS
from countinghouse.cli.invoicing.words import Batch
from countinghouse.cli.names import full
from countinghouse.cli.output import Column, Format, Limit, ListOutput, Output, show_list, show_one
from countinghouse.cli.settings import session


class Point(StrEnum):
    """Where a batch asks its hook."""

    CLOSED = "closed"
    READY_FOR_SENDING = "ready-for-sending"


_COLUMNS = (
    Column("KEY", lambda one: one.key),
    Column("FROM", lambda one: one.origin),
    Column("DESCRIPTION", lambda one: one.description, prose=True),
)
_ANSWER = (
    Column("answer", lambda one: "goes on" if one.goes_on else "held"),
    Column("reason", lambda one: one.reason),
    Column("message", lambda one: one.message),
)


def hookpoints(context: typer.Context, limit: Limit = 0, output: ListOutput = Format.TABLE) -> None:
    """List the hookpoints that the server knows, by key; a cycle names one."""
    from countinghouse.invoicing.v1 import hookpoints_pb2 as pb

    with session(context) as client:
        show_list(client.invoicing.list_hookpoints(pb.ListHookpointsRequest(), limit=limit or None), _COLUMNS, output)


def ask_hook(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="The hookpoint's key.")],
    name: Batch,
    at: Annotated[Point, typer.Option(help="Where the batch is said to stand.")] = Point.CLOSED,
    output: Output = Format.TABLE,
) -> None:
    """Ask a hook what it would say of a batch; nothing comes of its answer. It ends with 9 when it would hold it."""
    from countinghouse.invoicing.v1 import hookpoints_pb2 as pb

    request = pb.TestHookpointRequest(
        name=full("hookpoints", key),
        invoice_batch=full("invoiceBatches", name),
        point=pb.InvoiceBatchPoint.Value(f"INVOICE_BATCH_POINT_{at.name}"),
    )
    with session(context) as client:
        answer = client.invoicing.test_hookpoint(request)
    show_one(answer, _ANSWER, output)
    if not answer.goes_on:
        raise typer.Exit(FINDINGS)
