"""Lists as CSV, for spreadsheets and programs that read nothing else."""

import csv
import io
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

from countinghouse.gl_extraction.v1 import accounting_details_pb2 as pb
from tests.client.command import fixed, money, run
from tests.client.server import serve


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def shown(*details: pb.AccountingDetail) -> Any:
    with serve(ListAccountingDetails=fixed(pb.ListAccountingDetailsResponse(accounting_details=details))) as address:
        return run(address, "gl", "details", "list", "-o", "csv")


def test_a_list_has_a_column_for_each_field_whatever_is_set() -> None:
    """Amounts are exact and beside their currency, days and instants as in ISO 8601, texts whole, several as JSON."""
    detail = pb.AccountingDetail(
        name="accountingDetails/1",
        description='half, "quoted",\nand broken',
        origin=pb.ORIGIN_FINANCIAL,
        accounting_date=Date(year=2026, month=3, day=2),
        debit=money("USD", 1_234_567, 500_000_000),
        gl_segments=["1100", "É"],
        create_time=Timestamp(seconds=1_775_811_600),
        void=True,
    )
    taken = shown(detail, pb.AccountingDetail(name="accountingDetails/2"))
    assert taken.exit_code == 0
    first, second = rows_of(taken.stdout)
    assert first["description"] == 'half, "quoted",\nand broken'
    assert (first["debit"], first["debit_currency"], first["credit"]) == ("1234567.5", "USD", "")
    assert (first["accounting_date"], first["origin"]) == ("2026-03-02", "ORIGIN_FINANCIAL")
    assert (first["gl_segments"], first["void"]) == ('["1100", "É"]', "true")
    assert first["create_time"].startswith("2026-04-10T")
    assert second["name"] == "accountingDetails/2"
    assert {second[name] for name in ("debit", "accounting_date", "origin", "gl_segments", "create_time")} == {""}


def test_nothing_found_is_nothing() -> None:
    """There is no type to make a header of, nor a row that wants one."""
    assert shown().stdout == ""


@pytest.mark.parametrize("what", [("gl", "ledgers", "get", "MAIN"), ("ops", "get", "a")])
def test_one_thing_is_no_list(what: tuple[str, ...]) -> None:
    """It is said before anything is asked for."""
    taken = run("127.0.0.1:1", *what, "-o", "csv")
    assert taken.exit_code == 2
    assert "csv is for lists" in taken.output
