"""Makes an accounting detail of a record, or says all that keeps it from being one."""

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as Table
from decimal import Decimal

from countinghouse.client.errors import Violation
from countinghouse.gl_extraction.v1 import accounting_details_pb2 as details_pb2
from countinghouse.importing.mapping import DATE_FIELDS, TEXT_FIELDS, Amount, Mapping, MappingError, Value
from countinghouse.importing.reads import Columns, Read, Unsound, day
from countinghouse.importing.records import Content, Record
from countinghouse.values import money_from_decimal

Step = Callable[[details_pb2.AccountingDetail, Sequence[str]], None]
"""Fills a part of a detail out of a record's values; raises Unsound."""

_WORDS: Table[str, Table[str, int]] = {
    "origin": {
        "F": details_pb2.ORIGIN_FINANCIAL,
        "FINANCIAL": details_pb2.ORIGIN_FINANCIAL,
        "R": details_pb2.ORIGIN_REGISTRATION,
        "REGISTRATION": details_pb2.ORIGIN_REGISTRATION,
    },
    "subject_type": {
        "": details_pb2.SUBJECT_TYPE_UNSPECIFIED,
        "POLICY": details_pb2.SUBJECT_TYPE_POLICY,
        "CLAIM": details_pb2.SUBJECT_TYPE_CLAIM,
        "ACCOUNT": details_pb2.SUBJECT_TYPE_ACCOUNT,
    },
    "reversal": dict.fromkeys(("TRUE", "YES", "Y", "1"), True) | dict.fromkeys(("FALSE", "NO", "N", "0", ""), False),
}


class Converter:
    """Applies a mapping to the records of one file.

    Raises:
        MappingError: The mapping names columns that the file does not have.
    """

    def __init__(self, mapping: Mapping, columns: Sequence[str], content: Content) -> None:
        found = Columns(columns)
        self._sha256 = content.sha256
        self._filters = [(found.place(one.column), one.values) for one in mapping.filters]
        self._steps = list(_steps(mapping, found))
        if found.missing:
            missing, there = (", ".join(map(repr, names)) for names in (found.missing, columns))
            raise MappingError(mapping.path, [f"the file has no {missing}", f"its columns are {there}"])

    def selects(self, record: Record) -> bool:
        """Whether the record is a journal line; subtotals and the like are not."""
        return all(record.values[place].strip() in values for place, values in self._filters)

    def external_id(self, record: Record) -> str:
        """What a record is known by when the mapping names nothing: its file's content and its number.

        Records that are equal in every value are separate details, and the same file imported twice makes no second
        ones.
        """
        return f"{self._sha256}:{record.number}"

    def convert(self, record: Record) -> details_pb2.AccountingDetail | tuple[Violation, ...]:
        """The detail, or everything that is wrong with the record."""
        detail = details_pb2.AccountingDetail(external_id=self.external_id(record))
        violations: list[Violation] = []
        for field, step in self._steps:
            try:
                step(detail, record.values)
            except Unsound as unsound:
                violations.append(Violation(field, unsound.reason, unsound.description))
        return tuple(violations) if violations else detail


def _steps(mapping: Mapping, columns: Columns) -> Iterator[tuple[str, Step]]:
    for name, value in mapping.fields:
        yield name, _field_step(name, value, columns.reader(value))
    if mapping.segments:
        yield "gl_segments", _list_step("gl_segments", [columns.reader(value) for value in mapping.segments])
    if mapping.attributes:
        yield "attributes", _list_step("attributes", [columns.reader(value) for value in mapping.attributes])
    yield "amount", _amount_step(mapping.amount, columns)


def _field_step(name: str, value: Value, read: Read) -> Step:
    if name in TEXT_FIELDS:
        return lambda detail, values: setattr(detail, name, read(values))
    if name in DATE_FIELDS:
        return lambda detail, values: getattr(detail, name).CopyFrom(day(read(values), value.format))
    words = _WORDS[name]

    def choose(detail: details_pb2.AccountingDetail, values: Sequence[str]) -> None:
        text = read(values).upper()
        if text not in words:
            raise Unsound("VALUE_UNKNOWN", f"{text!r} is none of {', '.join(filter(None, words))}")
        setattr(detail, name, words[text])

    return choose


def _list_step(name: str, reads: Sequence[Read]) -> Step:
    return lambda detail, values: getattr(detail, name).extend([read(values) for read in reads])


def _amount_step(amount: Amount, columns: Columns) -> Step:
    currency = columns.reader(amount.currency)
    sides = _sides(amount, columns)

    def put(detail: details_pb2.AccountingDetail, values: Sequence[str]) -> None:
        debit, credit = sides(values)
        if debit and credit:
            raise Unsound("AMOUNT_ON_BOTH_SIDES", "both debit and credit are given")
        if debit < 0 or credit < 0:
            if not amount.other_side:
                raise Unsound("AMOUNT_NEGATIVE", "the amount is negative")
            debit, credit = -credit, -debit
        if not debit and not credit:
            raise Unsound("AMOUNT_MISSING", "neither debit nor credit is above zero")
        try:
            money = money_from_decimal(debit or credit, currency(values))
        except ValueError as error:
            raise Unsound("AMOUNT_UNREADABLE", str(error)) from error
        (detail.debit if debit else detail.credit).CopyFrom(money)

    return put


def _sides(amount: Amount, columns: Columns) -> Callable[[Sequence[str]], tuple[Decimal, Decimal]]:
    """What reads debit and credit as the file has them."""

    def parser(column: str) -> Callable[[Sequence[str]], Decimal]:
        place = columns.place(column)
        return lambda values: _parsed(amount, values[place])

    signed = None if amount.signed is None else parser(amount.signed)
    if amount.debit is None or amount.credit is None:
        assert signed is not None, "a mapping has the two sides or the signed amount"
        return lambda values: _split(signed(values))
    debit, credit = parser(amount.debit), parser(amount.credit)

    def both(values: Sequence[str]) -> tuple[Decimal, Decimal]:
        found = debit(values), credit(values)
        if signed is not None and found[0] - found[1] != signed(values):
            raise Unsound("AMOUNT_DISAGREES", f"debit less credit is not what {amount.signed} says")
        return found

    return both


def _split(signed: Decimal) -> tuple[Decimal, Decimal]:
    return max(signed, Decimal(0)), max(-signed, Decimal(0))


def _parsed(amount: Amount, text: str) -> Decimal:
    try:
        return amount.notation.parse(text)
    except ValueError as error:
        raise Unsound("AMOUNT_UNREADABLE", str(error)) from error
