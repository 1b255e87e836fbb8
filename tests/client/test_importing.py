"""Files as they come from other systems: what is sound is taken, everything else is refused with its line."""

import gzip
import os
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from countinghouse.client.errors import Violation
from countinghouse.client.rows import Refusal, StreamOutcome
from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2
from countinghouse.importing.amounts import Notation
from countinghouse.importing.mapping import Mapping, MappingError, load
from countinghouse.importing.records import UnreadableFile
from countinghouse.importing.report import Report
from countinghouse.importing.run import Import, ImportResult, RefusedRecord
from countinghouse.values import decimal_of, decimal_of_nanos, money_from_decimal

MAPPING = """
[amount]
currency = { column = "Currency" }
debit = "Debit"
credit = "Credit"
negative = "other side"

[detail]
source = { constant = "test" }
origin = { constant = "FINANCIAL" }
ledger_code = { constant = "MAIN" }
accounting_date = { column = "Date" }
description = { column = "Text" }
bulking_group = { column = "Group" }
"""
HEADING = "Date,Text,Group,Currency,Debit,Credit\n"


def mapping(folder: Path, text: str = MAPPING, name: str = "mapping.toml") -> Mapping:
    (folder / name).write_text(text)
    return load(folder / name)


def run(
    folder: Path, content: str | bytes, text: str = MAPPING
) -> tuple[ImportResult, list[RefusedRecord], list[details_pb2.AccountingDetail]]:
    path = folder / "ledger.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    refused: list[RefusedRecord] = []
    details: list[details_pb2.AccountingDetail] = []
    one = Import(path, mapping(folder, text), on_refused=refused.append)

    def send(rows: Iterable[details_pb2.AccountingDetail]) -> Iterator[StreamOutcome]:
        details.extend(rows)
        yield StreamOutcome(0, len(details), len(details), 0, ())

    return one.send(send), refused, details


def reasons(refused: list[RefusedRecord]) -> list[tuple[int, str, str]]:
    return [(one.line, v.field, v.reason) for one in refused for v in one.violations]


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1", "1"),
        ("3,276.25", "3276.25"),
        ("1,234,567.891", "1234567.891"),
        ("-5.10", "-5.10"),
        ("5.10-", "-5.10"),
        ("(5.10)", "-5.10"),
        (" 7 ", "7"),
        ("", "0"),
        ("0.000000001", "0.000000001"),
        ("99999999999999999999.99", "99999999999999999999.99"),
    ],
)
def test_amounts_are_read_exactly(text: str, amount: str) -> None:
    """However people write it, no digit is lost."""
    assert Notation().parse(text) == Decimal(amount)


@pytest.mark.parametrize(
    "text", ["1,23", "12,34.5", "1.2.3", "-1.01E+112", "--5", "(5", "-(5)", "n/a", "1 000", ".5", "٣", "NaN"]
)
def test_what_may_mean_something_else_is_no_amount(text: str) -> None:
    """`1,23` may have meant 1.23: it is refused, not guessed."""
    with pytest.raises(ValueError, match="is no amount"):
        Notation().parse(text)


def test_amounts_are_read_as_the_file_writes_them() -> None:
    """A comma for decimals and a point for thousands."""
    assert Notation(",", ".").parse("1.234,50") == Decimal("1234.50")
    assert Notation(".", "").parse("1234.50") == Decimal("1234.50")
    with pytest.raises(ValueError, match="is no amount"):
        Notation(".", "").parse("1,234.50")


@pytest.mark.rule("PLT-01")
def test_money_goes_over_the_wire_exactly() -> None:
    """Nine decimals and 63 bits pass unchanged; anything finer or larger is refused, never rounded."""
    for text in ("0.01", "40.005", "-3.000000001", "9223372036854775807.999999999", "1234567890123456789"):
        assert decimal_of(money_from_decimal(Decimal(text), "USD")) == Decimal(text)
    for text in ("0.0000000001", "9223372036854775808", "NaN", "Infinity"):
        with pytest.raises(ValueError, match=r"amount|decimals"):
            money_from_decimal(Decimal(text), "USD")
    assert str(decimal_of_nanos(100 * 10**9)) == "100"


def test_sound_rows_are_taken_and_every_other_is_refused_with_its_line(tmp_path: Path) -> None:
    """Line breaks inside quotes, shifted rows, broken quotes and bytes that are no text: the rest goes on."""
    content = (
        b"\xef\xbb\xbf" + HEADING.encode() + b'2026-11-02,"two\nlines",A,USD,"1,000.00",\n'
        b"2026-11-02,shifted,A,USD,1.00\n"
        b"\n"
        b'2026-11-02,"broken"quote,A,USD,1.00,\n'
        b"2026-11-02,\xff\xfe,A,USD,1.00,\n"
        b"02.11.2026,both,A,USD,1.00,2.00\n"
        b"2026-11-03,,B,EUR,,0.01\n"
    )
    result, refused, details = run(tmp_path, content)
    assert [(d.description, decimal_of(d.debit), decimal_of(d.credit)) for d in details] == [
        ("two\nlines", Decimal(1000), Decimal(0)),
        ("", Decimal(0), Decimal("0.01")),
    ]
    assert reasons(refused) == [
        (4, "", "COLUMN_COUNT"),
        (6, "", "CSV_MALFORMED"),
        (7, "", "NOT_TEXT"),
        (8, "accounting_date", "DATE_UNREADABLE"),
        (8, "amount", "AMOUNT_ON_BOTH_SIDES"),
    ]
    assert (result.read_count, result.accepted_count, result.refused_count) == (6, 2, 4)
    assert [(t.currency, t.debit, t.credit) for t in result.totals.by_currency()] == [
        ("EUR", Decimal(0), Decimal("0.01")),
        ("USD", Decimal(1000), Decimal(0)),
    ]


def test_a_quote_that_is_not_closed_is_told_with_all_the_lines_it_takes_in(tmp_path: Path) -> None:
    """Sound rows that it swallows are not passed over in silence: the one who mends the file knows where to look."""
    rows = "2026-11-02,,A,USD,1.00,\n" * 10_000
    result, refused, details = run(tmp_path, f'{HEADING}2026-11-02,"open,A,USD,1.00,\n{rows}')
    (one,) = refused
    assert (one.line, one.violations[0].reason) == (2, "CSV_MALFORMED")
    assert f"a quote that is not closed takes in the lines up to {one.last_line}" in one.violations[0].description
    assert one.last_line + len(details) == 10_002
    assert result.read_count == 1 + len(details)


@pytest.mark.rule("GLX-03")
def test_a_negative_amount_goes_on_the_other_side(tmp_path: Path) -> None:
    """A debit of -5 is a credit of 5; where the mapping does not say so, it is refused."""
    content = HEADING + "2026-11-02,,A,USD,-5.00,\n2026-11-02,,A,USD,,(7.00)\n2026-11-02,,A,USD,0.00,0.00\n"
    _, refused, details = run(tmp_path, content)
    assert [str(decimal_of(d.debit) - decimal_of(d.credit)) for d in details] == ["-5", "7"]
    assert reasons(refused) == [(4, "amount", "AMOUNT_MISSING")]
    _, refused, _ = run(tmp_path, content, MAPPING.replace("other side", "refuse"))
    assert [reason for _, _, reason in reasons(refused)] == ["AMOUNT_NEGATIVE", "AMOUNT_NEGATIVE", "AMOUNT_MISSING"]


def test_one_signed_column_gives_the_side(tmp_path: Path) -> None:
    """Above zero is a debit, below a credit."""
    text = MAPPING.replace('debit = "Debit"\ncredit = "Credit"', 'signed = "Debit"')
    _, _, details = run(tmp_path, HEADING + "2026-11-02,,A,USD,5,\n2026-11-02,,A,USD,-6,\n", text)
    assert [str(decimal_of(d.debit) - decimal_of(d.credit)) for d in details] == ["5", "-6"]


def test_a_signed_column_beside_the_two_must_agree(tmp_path: Path) -> None:
    """A row whose values have shifted shows by its sums."""
    text = MAPPING.replace('credit = "Credit"', 'credit = "Credit"\nsigned = "Text"')
    _, refused, details = run(tmp_path, HEADING + "2026-11-02,5,A,USD,5,\n2026-11-02,4,A,USD,5,\n", text)
    assert len(details) == 1
    assert reasons(refused) == [(3, "amount", "AMOUNT_DISAGREES")]


def test_texts_become_codes_by_the_mapping(tmp_path: Path) -> None:
    """A text that the mapping does not list is refused, not passed through."""
    text = MAPPING + 'group_account_code = { column = "Text", map = { "A/P" = "payables" } }\n'
    _, refused, details = run(tmp_path, HEADING + "2026-11-02,A/P,A,USD,5,\n2026-11-02,A/R,A,USD,5,\n", text)
    assert details[0].group_account_code == "payables"
    assert reasons(refused) == [(3, "group_account_code", "VALUE_NOT_MAPPED")]


@pytest.mark.rule("GLX-02")
def test_equal_rows_are_separate_details_and_a_file_has_the_same_ids_packed_or_not(tmp_path: Path) -> None:
    """Only the record's number tells two equal rows apart; packing the file does not make it another."""
    content = HEADING + "2026-11-02,,A,USD,5,\n" * 2
    _, _, details = run(tmp_path, content)
    ids = [detail.external_id for detail in details]
    assert len(set(ids)) == 2
    _, _, details = run(tmp_path, gzip.compress(content.encode()))
    assert [detail.external_id for detail in details] == ids
    _, _, details = run(tmp_path, content + "2026-11-02,,A,USD,6,\n")
    assert not {detail.external_id for detail in details} & set(ids)


def test_refusals_of_the_server_are_told_by_line(tmp_path: Path) -> None:
    """Records refused here do not shift the places of those that the server refuses."""
    (tmp_path / "ledger.csv").write_text(
        HEADING + 'bad,,A,USD,5,\n2026-11-02,"a\nb",A,USD,5,\n2026-11-02,,A,USD,6,\n2026-11-02,,A,USD,7,\n'
    )
    refused: list[RefusedRecord] = []

    def send(rows: Iterable[details_pb2.AccountingDetail]) -> Iterator[StreamOutcome]:
        sent = list(rows)
        assert len(sent) == 3
        no = Violation("ledger_code", "PERIOD_CLOSED", "is closed")
        yield StreamOutcome(0, 2, 1, 0, (Refusal(1, "test", sent[1].external_id, (no,)),))
        yield StreamOutcome(2, 1, 0, 1, ())

    result = Import(tmp_path / "ledger.csv", mapping(tmp_path), on_refused=refused.append).send(send)
    assert [(one.line, one.last_line, one.by_server) for one in refused] == [(2, 2, False), (5, 5, True)]
    assert (result.created_count, result.unchanged_count) == (1, 1)
    assert (result.refused_here_count, result.refused_by_server_count) == (1, 1)
    assert [total.debit for total in result.totals.by_currency()] == [12]


def test_a_damaged_file_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    """A download that was cut short is noticed; half of it is not taken."""
    packed = gzip.compress((HEADING + "2026-11-02,,A,USD,5,\n" * 1000).encode())
    with pytest.raises(UnreadableFile, match="cannot be read"):
        run(tmp_path, packed[:-20])
    with pytest.raises(UnreadableFile, match=r"cannot be read: .+ invalid block type"):
        run(tmp_path, packed[:10] + b"\xff" + packed[11:])
    with pytest.raises(UnreadableFile, match="has no heading"):
        run(tmp_path, "")
    with pytest.raises(UnreadableFile, match="names a column twice: 'Debit'"):
        run(tmp_path, "Debit,Debit\n1,2\n")
    with pytest.raises(UnreadableFile, match="cannot be read"):
        Import(tmp_path / "missing.csv", mapping(tmp_path), on_refused=lambda _refused: None)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_a_file_in_another_encoding_is_refused_as_a_whole(tmp_path: Path, encoding: str) -> None:
    """What a spreadsheet saved as Unicode text is told as such, not as columns that are missing."""
    content = (HEADING + "2026-11-02,,A,USD,5,\n").encode(encoding)
    with pytest.raises(UnreadableFile, match="no text in the encoding utf-8"):
        run(tmp_path, content)
    _, _, details = run(tmp_path, content, f'[file]\nencoding = "{encoding}"\n{MAPPING}')
    assert len(details) == 1
    with pytest.raises(UnreadableFile, match=f"no text in the encoding {encoding}"):
        run(tmp_path, content[:-1], f'[file]\nencoding = "{encoding}"\n{MAPPING}')


def test_what_can_be_read_only_once_is_refused(tmp_path: Path) -> None:
    """A pipe would be empty when it is read for its rows: it is told before that, and nobody waits for it."""
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(UnreadableFile, match="no regular file"):
        Import(tmp_path / "pipe.csv", mapping(tmp_path), on_refused=lambda _refused: None)


def test_columns_that_the_file_does_not_have_are_told_at_once(tmp_path: Path) -> None:
    """The wrong mapping for a file is noticed before the first row."""
    with pytest.raises(MappingError) as caught:
        run(tmp_path, "Date,Text,Debit\n")
    assert caught.value.problems == [
        "the file has no 'Group', 'Currency', 'Credit'",
        "its columns are 'Date', 'Text', 'Debit'",
    ]


def test_everything_wrong_with_a_mapping_is_told_at_once(tmp_path: Path) -> None:
    """Unknown keys, missing fields and values that cannot be, in one go."""
    with pytest.raises(MappingError) as caught:
        mapping(
            tmp_path,
            """
            typo = 1
            [file]
            encoding = "utf-99"
            delimiter = "\\n"
            [amount]
            debit = "Debit"
            negative = "maybe"
            [detail]
            source = { constant = "x", column = "y" }
            ledger = { constant = "MAIN" }
            origin = "FINANCIAL"
            accounting_date = { column = 1.5 }
            grouping = { template = "{Source" }
            category = { template = "{}" }
            [[reference.ledgers]]
            code = "MAIN"
            periods = { first = 2026-02-01, last = 2026-01-01 }
            """,
        )
    assert sorted(caught.value.problems) == sorted(
        [
            "the mapping knows no 'typo'",
            "file.encoding: there is no encoding 'utf-99'",
            "file.delimiter is one character, neither a quote nor a line break",
            "amount needs the columns debit and credit, or signed",
            "amount.debit and amount.credit go together",
            "amount.negative is one of 'other side', 'refuse'",
            "amount.currency is required",
            "detail.source needs one of column, constant and template",
            "detail knows no 'ledger'",
            "detail.origin is a table",
            "detail.origin needs one of column, constant and template",
            "detail.accounting_date.column is a text",
            "detail.grouping.template is a text with columns in braces, such as {Fund}-{Object}",
            "detail.category.template is a text with columns in braces, such as {Fund}-{Object}",
            "detail.ledger_code is required",
            "reference.ledgers[0].periods.last is before first",
        ]
    )


def test_a_mapping_may_be_yaml(tmp_path: Path) -> None:
    """The same tables, for houses that write YAML."""
    text = """
    amount: {currency: {constant: USD}, debit: Debit, credit: Credit}
    detail:
      source: {constant: test}
      origin: {constant: R}
      ledger_code: {constant: MAIN}
      accounting_date: {column: Date, format: "%d.%m.%Y"}
    reference:
      ledgers: [{code: MAIN, periods: {first: 2026-01-01, last: 2026-03-15}}]
    """
    loaded = mapping(tmp_path, text, "mapping.yaml")
    assert loaded.reference.ledgers[0].periods is not None
    with pytest.raises(MappingError, match="is not well-formed"):
        mapping(tmp_path, "{", "mapping.yaml")


def test_no_cell_of_the_report_is_a_formula(tmp_path: Path) -> None:
    """A spreadsheet that opens the report runs nothing out of the file that was imported."""
    bad = Violation("field", "DATE_UNREADABLE", "=HYPERLINK(evil) is no date")
    with Report(tmp_path / "report.csv") as report:
        report.add(RefusedRecord(1, 2, 2, "id", False, (bad,)))
    assert (tmp_path / "report.csv").read_text().splitlines()[1:] == [
        "2,2,1,id,mapping,field,DATE_UNREADABLE,'=HYPERLINK(evil) is no date"
    ]
