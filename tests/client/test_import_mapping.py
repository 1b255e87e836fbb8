"""The mapping of the real ledger, held against a count of the same file that shares no code with it."""

import csv
import gzip
import hashlib
import io
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2
from countinghouse.importing.mapping import load
from countinghouse.importing.records import read, survey
from countinghouse.importing.reference import months
from countinghouse.importing.run import Import, ImportResult, RefusedRecord
from countinghouse.values import decimal_of

ROOT = Path(__file__).resolve().parents[2]
LEDGER = ROOT.parent / "shared" / "data" / "gl" / "chugach_fy19.csv.gz"
MAPPING = ROOT / "examples" / "chugach.toml"

pytestmark = pytest.mark.skipif(not LEDGER.exists(), reason=f"the real ledger is not there: {LEDGER.name}")


def independent() -> Iterator[dict[str, str]]:
    """The journal lines as the csv module alone reads them."""
    with gzip.open(LEDGER, "rt", encoding="utf-8-sig", newline="") as file:
        yield from (row for row in csv.DictReader(file) if row["Post_Type"] == "Actual")


def plain(text: str) -> Decimal:
    return Decimal(text.replace(",", "") or 0)


@pytest.fixture(scope="module")
def imported() -> tuple[ImportResult, list[RefusedRecord], list[details_pb2.AccountingDetail]]:
    refused: list[RefusedRecord] = []
    run = Import(LEDGER, load(MAPPING), on_refused=refused.append)
    details = list(run._details())
    run = Import(LEDGER, load(MAPPING), on_refused=lambda _refused: None)
    return run.check(), refused, details


Imported = tuple[ImportResult, list[RefusedRecord], list[details_pb2.AccountingDetail]]


def test_every_record_of_the_real_ledger_is_accounted_for(imported: Imported) -> None:
    """33,304 records: subtotals are left out, units without an amount are refused, all others are details."""
    result, refused, details = imported
    assert result.read_count == 33_304
    assert result.read_count - result.filtered_count == 32_538
    assert result.read_count == result.filtered_count + result.refused_count + result.sent_count
    assert result.sent_count == len(details) == sum(1 for row in independent() if plain(row["Debit"] + row["Credit"]))
    assert result.refused_count == len(refused) == 15
    assert result.refused_count_by_reason == {"AMOUNT_MISSING": 15}


def test_the_sums_of_each_fund_are_those_of_the_file(imported: Imported) -> None:
    """Debits and credits per fund agree to the cent with a count by csv and Decimal alone."""
    result, _, _ = imported
    count, debit, credit = Counter[str](), defaultdict[str, Decimal](Decimal), defaultdict[str, Decimal](Decimal)
    for row in independent():
        fund = row["Fund_Code"]
        count[fund] += bool(row["Debit"] or row["Credit"])
        debit[fund] += plain(row["Debit"])
        credit[fund] += plain(row["Credit"])
    groups = list(result.totals.by_bulking_group())
    assert {one.bulking_group or "": (one.detail_count, one.debit, one.credit) for one in groups} == {
        fund: (count[fund], debit[fund], credit[fund]) for fund in count
    }
    (total,) = result.totals.by_currency()
    assert (total.currency, total.debit, total.credit) == ("USD", Decimal("52256792.12"), Decimal("52256792.12"))


def test_each_detail_carries_its_record(imported: Imported) -> None:
    """Date, account, sides and amounts are those of the record that the external id names."""
    _, _, details = imported
    content = survey(LEDGER)
    with gzip.open(LEDGER) as file:
        assert content.sha256 == hashlib.sha256(file.read()).hexdigest()
    columns, records = read(content, delimiter=",", encoding="utf-8")
    by_number = {record.number: dict(zip(columns, record.values, strict=True)) for record in records}
    assert len({detail.external_id for detail in details}) == len(details)
    for detail in details:
        sha256, _, number = detail.external_id.partition(":")
        row = by_number[int(number)]
        month, day, year = map(int, row["Date"].split("/"))
        assert sha256 == content.sha256
        assert decimal_of(detail.debit) - decimal_of(detail.credit) == plain(row["Amount"])
        assert detail.HasField("debit") != detail.HasField("credit")
        assert (detail.accounting_date.year, detail.accounting_date.month, detail.accounting_date.day) == (
            year,
            month,
            day,
        )
        assert detail.gl_segments[0] == detail.bulking_group == row["Fund_Code"]
        assert detail.distribution_account.split("-")[1] == row["Object_Code"]
        assert detail.description == row["Description"].strip()


def test_a_refused_record_is_found_in_the_file(imported: Imported) -> None:
    """The line of a refusal is where the record begins, although values above it hold line breaks."""
    _, refused, _ = imported
    with gzip.open(LEDGER, "rt", encoding="utf-8-sig", newline="") as file:
        lines = file.read().split("\n")
    for one in refused:
        text = "\n".join(lines[one.line - 1 : one.last_line])
        (values,) = csv.reader(io.StringIO(text, newline=""))
        assert (values[14], values[15], values[16]) == ("", "", "0")


def test_the_periods_of_the_mapping_hold_every_date(imported: Imported) -> None:
    """Twelve months without a gap, and no journal line outside of them."""
    _, _, details = imported
    (ledger,) = load(MAPPING).reference.ledgers
    assert ledger.periods is not None
    periods = list(months(ledger.periods))
    assert [period.code for period in periods] == [
        *(f"2018-{month:02}" for month in range(7, 13)),
        *(f"2019-{month:02}" for month in range(1, 7)),
    ]
    assert {(d.accounting_date.year, d.accounting_date.month) for d in details} == {
        (period.start_date.year, period.start_date.month) for period in periods
    }
    assert {detail.group_account_code for detail in details} == dict(load(MAPPING).reference.group_accounts).keys()
