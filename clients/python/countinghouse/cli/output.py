"""Results on the screen: tables for people, protobuf JSON or YAML for programs."""

import json
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from google.protobuf.internal.enum_type_wrapper import _EnumTypeWrapper
    from google.protobuf.message import Message
    from google.protobuf.timestamp_pb2 import Timestamp
    from google.type.date_pb2 import Date
    from google.type.money_pb2 import Money
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from countinghouse.operations.v1.data_files_pb2 import ControlTotal

NumberT = TypeVar("NumberT", bound=int)

_WIDE = 4096  # of lines that no terminal wraps
_PROSE_MIN = 24  # columns that a text in words needs to be read with ease


class Format(StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    CSV = "csv"


def _of_one(text: str) -> Format:
    """A format for what is no list. Raises: typer.BadParameter."""
    if text not in _OF_ONE:
        raise typer.BadParameter(f"{text!r} is none of {', '.join(_OF_ONE)}; csv is for lists")
    return Format(text)


_OF_ONE = (Format.TABLE, Format.JSON, Format.YAML)
Output = Annotated[
    Format,
    typer.Option("-o", "--output", parser=_of_one, metavar="<table|json|yaml>", help="How to print the result."),
]
ListOutput = Annotated[Format, typer.Option("-o", "--output", help="How to print the result.")]
Limit = Annotated[int, typer.Option("--limit", min=0, help="How many at most; 0 for all.")]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    heading: str
    text: Callable[[Any], str]
    right: bool = False
    prose: bool = False
    """Whether its texts may be broken where a line ends; ids, dates and amounts stay whole."""


def show_list(items: Iterable["Message"], columns: Sequence[Column], output: Format) -> None:
    """Print a list; JSON is one array, YAML one sequence, CSV a row each, written as the items come."""
    match output:
        case Format.TABLE:
            show_table(columns, [[column.text(item) for column in columns] for item in items])
        case Format.JSON:
            lead = "["
            for item in items:
                print(lead, json.dumps(jsonable(item), indent=2, ensure_ascii=False), sep="\n")
                lead = ","
            print("]" if lead == "," else "[]")
        case Format.YAML:
            for item in items:
                print(_yaml([jsonable(item)]), end="")
        case Format.CSV:
            from countinghouse.cli.flattening import write

            write(items, sys.stdout)


def show_one(item: "Message", columns: Sequence[Column], output: Format) -> None:
    """Print one thing: its columns from top to bottom, or all of it as JSON or YAML."""
    if output is Format.TABLE:
        show_fields([(column.heading, column.text(item)) for column in columns])
    else:
        show_value(jsonable(item), output)


def show_value(value: object, output: Format) -> None:
    """Print a value of plain Python as JSON or YAML."""
    if output is Format.YAML:
        print(_yaml(value), end="")
    else:
        print(json.dumps(value, indent=2, ensure_ascii=False))


def show_fields(fields: Iterable[tuple[str, str]]) -> None:
    """Print names and texts, one pair a line; what is empty is left out."""
    show_table([Column("", str), Column("", str)], [[name, text] for name, text in fields if text], heading=False)


def show_table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], *, heading: bool = True, alarming: Collection[int] = ()
) -> None:
    """Print rows of texts; in a pipe, lines are as long as they need and have no colour.

    In a terminal too narrow for the columns, each row is shown from top to bottom. `alarming` rows, by their place, are
    red: what they say must be told in words as well.
    """
    from rich.table import Table
    from rich.text import Text

    console = console_out()
    if heading and _width(columns, rows) > console.width:
        for place, row in enumerate(rows):
            if place:
                print()
            show_fields(zip((column.heading for column in columns), row, strict=True))
        return
    table = Table(box=None, show_header=heading, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        whole = heading and not column.prose
        table.add_column(column.heading, justify="right" if column.right else "left", no_wrap=whole, overflow="fold")
    for place, row in enumerate(rows):
        table.add_row(*map(Text, row), style="bold red" if place in alarming else None)
    _print(console, table)


def show_text(line: str) -> None:
    """Print a sentence; in a terminal it is broken between words."""
    from rich.text import Text

    _print(console_out(), Text(line))


@cache
def console_err() -> "Console":
    """Where everything goes that is not the result."""
    return _console(stderr=True)


def console_out() -> "Console":
    """Where results go."""
    return _console(stderr=False)


def say(line: str) -> None:
    """Tell the person something that is not the result."""
    print(line, file=sys.stderr)


def jsonable(message: "Message") -> dict[str, object]:
    """The message as protobuf JSON."""
    from google.protobuf.json_format import MessageToDict

    return MessageToDict(message)


def amount(money: "Money") -> str:
    """An amount with its currency's digits and the currency behind it, such as `1,234.50 USD`."""
    from countinghouse.values import decimal_of

    return f"{amount_text(decimal_of(money), money.currency_code)} {money.currency_code}"


def amount_text(value: Decimal, currency: str) -> str:
    """A Decimal with at least its currency's digits, thousands apart."""
    decimals = max(_digits(currency), len(f"{value:f}".partition(".")[2]))
    return f"{value:,.{decimals}f}"


def debits(totals: Iterable["ControlTotal"]) -> str:
    """The debits of control totals, a line each currency."""
    return "\n".join(amount(total.debit) for total in totals)


def credits_(totals: Iterable["ControlTotal"]) -> str:
    """The credits of control totals, a line each currency."""
    return "\n".join(amount(total.credit) for total in totals)


def day(value: "Date") -> str:
    """A day as in ISO 8601; empty when not set."""
    return date(value.year, value.month, value.day).isoformat() if value.year and value.month and value.day else ""


def moment(value: "Timestamp") -> str:
    """An instant in UTC, to the second; empty when not set."""
    return f"{value.ToDatetime(tzinfo=UTC):%Y-%m-%d %H:%M:%SZ}" if value.seconds or value.nanos else ""


def word(enum: "_EnumTypeWrapper[NumberT]", number: NumberT) -> str:
    """An enum's value as a word, such as `prepared`; empty when not set."""
    name = enum.Name(number) if number in enum.values() else str(number)
    prefix = enum.keys()[0].removesuffix("UNSPECIFIED")
    return name.removeprefix(prefix).lower().replace("_", " ") if number else ""


def yes(value: bool) -> str:
    """Yes, or nothing."""
    return "yes" if value else ""


def _console(*, stderr: bool) -> "Console":
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, highlight=False, width=None if stream.isatty() else _WIDE)


def _print(console: "Console", what: "Table | Text") -> None:
    """Print without the blanks that rich leaves at the ends of lines."""
    with console.capture() as captured:
        console.print(what)
    for line in captured.get().splitlines():
        print(line.rstrip())


def _width(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> int:
    """How wide a table must be; prose can do with less than it has."""
    from rich.cells import cell_len

    gaps = 2 * (len(columns) - 1)
    for place, column in enumerate(columns):
        widest = max((cell_len(line) for row in rows for line in row[place].splitlines()), default=0)
        gaps += max(cell_len(column.heading), min(widest, _PROSE_MIN) if column.prose else widest)
    return gaps


def _yaml(value: object) -> str:
    import yaml

    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True))


@cache
def _digits(currency: str) -> int:
    from iso4217 import Currency

    try:
        return Currency(currency).exponent or 0
    except ValueError:
        return 0
