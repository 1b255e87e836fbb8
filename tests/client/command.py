"""Runs commands, and what servers of their tests answer."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from google.longrunning import operations_pb2
from google.type import money_pb2
from typer import testing
from typer.main import get_command
from typer.testing import CliRunner

from countinghouse.cli import main
from countinghouse.gl_extraction.v1 import extraction_pb2
from countinghouse.operations.v1 import data_files_pb2, notice_pb2
from countinghouse.operations.v1 import operations_pb2 as watch_pb2
from tests.client.server import operation

NAME = "operations/a"


def money(currency: str, units: int, nanos: int = 0) -> money_pb2.Money:
    return money_pb2.Money(currency_code=currency, units=units, nanos=nanos)


TOTALS = [
    data_files_pb2.ControlTotal(debit=money("JPY", 1234567), credit=money("JPY", 0)),
    data_files_pb2.ControlTotal(debit=money("USD", 150, 250_000_000), credit=money("USD", 150, 250_000_000)),
]
RESPONSE = extraction_pb2.GenerateAccountingMessageResponse(
    extraction_batch="extractionBatches/7",
    data_file_set="dataFileSets/GL-7",
    detail_count=12345,
    element_count=5,
    message_count=1,
    totals=TOTALS,
    notices=[
        notice_pb2.Notice(code="ACT-FL-DAFI-001", severity=notice_pb2.SEVERITY_INFORMATIVE, message="Written to GL-7")
    ],
)
END = operation(NAME, watch_pb2.OPERATION_STATE_SUCCEEDED, written=10, response=RESPONSE)
RUNNING = operation(NAME, watch_pb2.OPERATION_STATE_RUNNING, written=4)


vars(testing)["_get_command"] = cache(get_command)  # to make hundreds of commands of an app costs more than to run one


def run(address: str, *arguments: str) -> Any:
    """The result of one command."""
    return CliRunner().invoke(main.app, ["--address", address, *arguments])


def fixed(answer: Any) -> Callable[..., Any]:
    """A method that always gives this."""
    return lambda _request, _context: answer


def watching(*snapshots: operations_pb2.Operation) -> Callable[..., Iterator[watch_pb2.WatchOperationResponse]]:
    """A watch that tells these."""

    def watch(_request: object, _context: object) -> Iterator[watch_pb2.WatchOperationResponse]:
        for sequence, snapshot in enumerate(snapshots, start=1):
            yield watch_pb2.WatchOperationResponse(sequence=sequence, operation=snapshot)

    return watch
