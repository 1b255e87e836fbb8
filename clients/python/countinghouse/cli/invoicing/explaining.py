"""`countinghouse invoicing why` and `history`: why a batch stands where it does, and how it came there."""

from typing import TYPE_CHECKING

import typer

from countinghouse.cli.invoicing.standing import age, state
from countinghouse.cli.invoicing.words import Batch
from countinghouse.cli.names import full, last
from countinghouse.cli.output import (
    Column,
    Format,
    Limit,
    ListOutput,
    Output,
    jsonable,
    moment,
    show_fields,
    show_list,
    show_table,
    show_value,
)
from countinghouse.cli.settings import session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from countinghouse.invoicing.v1.invoice_batches_pb2 import (
        ExplainInvoiceBatchResponse,
        InvoiceBatch,
        InvoiceBatchTransition,
    )

_HISTORY = (
    Column("NO", lambda one: last(one.name), right=True),
    Column("STATE", lambda one: state(one.to_state)),
    Column("TIME", lambda one: moment(one.transition_time)),
    Column("BY", lambda one: one.caller),
    Column("CALL", lambda one: one.method),
    Column("WHY", lambda one: one.reason),
)


def why(context: typer.Context, name: Batch, output: Output = Format.TABLE) -> None:
    """Why a batch stands where it does: what it waits for, since when, and who can move it on by which call."""
    from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb

    batch = full("invoiceBatches", name)
    with session(context) as client:
        found = client.invoicing.explain_batch(pb.ExplainInvoiceBatchRequest(name=batch))
        if output is not Format.TABLE:
            show_value(jsonable(found), output)
            return
        history = client.invoicing.list_transitions(pb.ListInvoiceBatchTransitionsRequest(parent=batch))
        _explain(found, history)


def history(context: typer.Context, name: Batch, limit: Limit = 0, output: ListOutput = Format.TABLE) -> None:
    """Every state that a batch has been in: since when, by whom, by which call, and why."""
    from countinghouse.invoicing.v1 import invoice_batches_pb2 as pb

    request = pb.ListInvoiceBatchTransitionsRequest(parent=full("invoiceBatches", name))
    with session(context) as client:
        show_list(client.invoicing.list_transitions(request, limit=limit or None), _HISTORY, output)


def _explain(found: "ExplainInvoiceBatchResponse", history: "Iterable[InvoiceBatchTransition]") -> None:
    batch = found.invoice_batch
    show_fields(
        [
            ("batch", last(batch.name)),
            ("state", f"{state(batch.state)}, for {age(batch.state_time)}"),
            ("waits for", found.message),
            ("reason", found.reason),
            ("since", f"{moment(found.since_time)}, for {age(found.since_time)}"),
            *((name.replace("_", " "), f"{count:,}") for name, count in sorted(found.facts.items())),
        ]
    )
    if found.ways:
        columns = (Column("WHO", str), Column("CALL", str), Column("PERMISSION", str), Column("COMMAND", str))
        rows = [[_mover(way.mover), way.method, way.permission, _command(way.method, batch)] for way in found.ways]
        print()
        show_table(columns, rows)
    print()
    show_table(_HISTORY, [[column.text(made) for column in _HISTORY] for made in history])


def _command(method: str, batch: "InvoiceBatch") -> str:
    """The command that makes a call."""
    name, operation = last(batch.name), last(batch.operation)
    return {
        "RunInvoiceBatchEngine": "countinghouse invoicing engine",
        "AggregateInvoices": f"countinghouse invoicing aggregate {name}",
        "RunInvoiceExportEngine": "countinghouse invoicing export --watch",
        "PublishInvoiceBatch": f"countinghouse invoicing publish {name} --watch",
        "RetryInvoiceBatch": f"countinghouse invoicing retry {name}",
        "CancelInvoiceBatch": f"countinghouse invoicing cancel {name}",
        "ResumeOperation": f"countinghouse ops resume {operation}",
        "RecoverOperation": f"countinghouse ops recover {operation}",
    }.get(method, "")


def _mover(number: int) -> str:
    from countinghouse.invoicing.v1.invoice_batches_pb2 import InvoiceBatchMover

    word = InvoiceBatchMover.Name(number)  # type: ignore[arg-type]
    return word.removeprefix("INVOICE_BATCH_MOVER_").lower()
