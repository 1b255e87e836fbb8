"""The mapping file: which column of a CSV file becomes which field of an accounting detail.

A TOML (or YAML) file with the tables `file`, `filter`, `amount`, `detail` and `reference`; `examples/chugach.toml`
shows all of it. Everything that is wrong with one is told at once.
"""

import string
import tomllib
from collections.abc import Mapping as Table
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from countinghouse.importing.amounts import Notation
from countinghouse.importing.records import check_encoding

TEXT_FIELDS = (
    "source",
    "external_id",
    "description",
    "subject",
    "grouping",
    "bulking_group",
    "distribution_account",
    "ledger_code",
    "accounting_period_code",
    "category",
    "group_account_code",
)
ENUM_FIELDS = ("origin", "subject_type")
DATE_FIELDS = ("accounting_date", "transaction_date")
LIST_FIELDS = ("gl_segments", "attributes")
FIELDS = (*TEXT_FIELDS, *ENUM_FIELDS, *DATE_FIELDS, *LIST_FIELDS, "reversal")
REQUIRED_FIELDS = ("source", "origin", "ledger_code", "accounting_date")
NEGATIVE = ("other side", "refuse")


class MappingError(ValueError):
    """The mapping cannot be used; `problems` says all that is wrong with it, a sentence each."""

    def __init__(self, path: Path, problems: list[str]) -> None:
        super().__init__(f"{path}: " + "; ".join(problems))
        self.path = path
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Value:
    """Where a value comes from: exactly one of a column, a constant and a template such as `{Fund}-{Object}`."""

    column: str | None = None
    constant: str | None = None
    template: str | None = None
    lookup: tuple[tuple[str, str], ...] | None = None
    """What each text becomes; a text that is not listed refuses the row."""
    format: str | None = None
    """For dates, as `strptime` reads them; ISO 8601 when not given."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which records are journal lines: those whose column holds one of the values."""

    column: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Amount:
    """Where debit, credit and currency come from."""

    currency: Value
    debit: str | None
    credit: str | None
    signed: str | None
    """A column with the debit less the credit: alone, it gives the side; beside the two, it must agree."""
    notation: Notation
    other_side: bool
    """Whether a negative amount goes on the other side as a positive one; else the row is refused."""


@dataclass(frozen=True, slots=True)
class Periods:
    """The months of a ledger's books, from one day to another."""

    first: date
    last: date
    code: str
    """The code as `strftime` writes it from the month's first day."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """A ledger that the rows are for."""

    code: str
    description: str
    periods: Periods | None


@dataclass(frozen=True, slots=True)
class Reference:
    """Ledgers and group accounts that the rows name."""

    ledgers: tuple[Ledger, ...] = ()
    group_accounts: tuple[tuple[str, str], ...] = ()
    """Code and description."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping, checked."""

    path: Path
    delimiter: str
    encoding: str
    filters: tuple[Filter, ...]
    amount: Amount
    fields: tuple[tuple[str, Value], ...]
    segments: tuple[Value, ...]
    attributes: tuple[Value, ...]
    reference: Reference


def load(path: Path) -> Mapping:
    """Read a mapping file.

    Raises:
        MappingError: It cannot be read, or something in it is wrong.
    """
    try:
        if path.suffix.lower() in {".yaml", ".yml"}:
            import yaml  # noqa: PLC0415 - comes with the extra, and most mappings are TOML

            raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        else:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MappingError(path, [error.strerror or "cannot be read"]) from error
    except Exception as error:
        raise MappingError(path, [f"is not well-formed: {error}"]) from error
    return _Reader(path).mapping(raw)


class _Reader:
    """Builds the mapping and collects what is wrong."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._problems: list[str] = []

    def mapping(self, raw: object) -> Mapping:
        top = self._table("the mapping", raw, ("file", "filter", "amount", "detail", "reference"))
        file = self._table("file", top.get("file", {}), ("delimiter", "encoding"))
        detail = self._table("detail", top.get("detail", {}), FIELDS)
        mapping = Mapping(
            path=self._path,
            delimiter=self._delimiter(file.get("delimiter", ",")),
            encoding=self._encoding(file.get("encoding", "utf-8")),
            filters=tuple(self._filter(f"filter[{i}]", one) for i, one in enumerate(self._list("filter", top))),
            amount=self._amount(top.get("amount", {})),
            fields=tuple((key, self._value(f"detail.{key}", detail[key])) for key in detail if key not in LIST_FIELDS),
            segments=self._values("gl_segments", detail),
            attributes=self._values("attributes", detail),
            reference=self._reference(top.get("reference", {})),
        )
        self._problems += [f"detail.{key} is required" for key in REQUIRED_FIELDS if key not in detail]
        if self._problems:
            raise MappingError(self._path, self._problems)
        return mapping

    def _amount(self, raw: object) -> Amount:
        keys = ("currency", "debit", "credit", "signed", "decimal", "thousands", "negative")
        table = self._table("amount", raw, keys)
        if "signed" not in table and not {"debit", "credit"} <= table.keys():
            self._problems.append("amount needs the columns debit and credit, or signed")
        if ("debit" in table) != ("credit" in table):
            self._problems.append("amount.debit and amount.credit go together")
        negative = self._text("amount.negative", table.get("negative", "refuse"))
        if negative not in NEGATIVE:
            self._problems.append(f"amount.negative is one of {', '.join(map(repr, NEGATIVE))}")
        notation = Notation(
            self._text("amount.decimal", table.get("decimal", ".")),
            self._text("amount.thousands", table.get("thousands", ",")),
        )
        if len(notation.decimal) != 1 or len(notation.thousands) > 1 or notation.decimal == notation.thousands:
            self._problems.append("amount.decimal and amount.thousands are two different characters")
        if "currency" not in table:
            self._problems.append("amount.currency is required")
        return Amount(
            currency=self._value("amount.currency", table.get("currency", {"constant": ""})),
            debit=self._optional("amount.debit", table),
            credit=self._optional("amount.credit", table),
            signed=self._optional("amount.signed", table),
            notation=notation,
            other_side=negative == "other side",
        )

    def _filter(self, where: str, raw: object) -> Filter:
        table = self._table(where, raw, ("column", "equals", "any_of"))
        if ("equals" in table) == ("any_of" in table):
            self._problems.append(f"{where} needs one of equals and any_of")
        values = [table["equals"]] if "equals" in table else self._list("any_of", table)
        column = self._text(f"{where}.column", table.get("column"))
        return Filter(column, frozenset(self._text(f"{where}.equals", value) for value in values))

    def _values(self, key: str, detail: Table[str, Any]) -> tuple[Value, ...]:
        return tuple(self._value(f"detail.{key}[{i}]", one) for i, one in enumerate(self._list(key, detail)))

    def _value(self, where: str, raw: object) -> Value:
        table = self._table(where, raw, ("column", "constant", "template", "map", "format"))
        if len(table.keys() & {"column", "constant", "template"}) != 1:
            self._problems.append(f"{where} needs one of column, constant and template")
        lookup = self._table(f"{where}.map", table["map"], None) if "map" in table else None
        template = self._optional(f"{where}.template", table)
        if template is not None and not _is_well_formed(template):
            self._problems.append(f"{where}.template is a text with columns in braces, such as {{Fund}}-{{Object}}")
            template = None
        return Value(
            column=self._optional(f"{where}.column", table),
            constant=self._optional(f"{where}.constant", table),
            template=template,
            lookup=None if lookup is None else tuple((k, self._text(f"{where}.map.{k}", v)) for k, v in lookup.items()),
            format=self._optional(f"{where}.format", table),
        )

    def _reference(self, raw: object) -> Reference:
        table = self._table("reference", raw, ("ledgers", "group_accounts"))
        groups = self._table("reference.group_accounts", table.get("group_accounts", {}), None)
        return Reference(
            tuple(self._ledger(f"reference.ledgers[{i}]", one) for i, one in enumerate(self._list("ledgers", table))),
            tuple((code, self._text(f"reference.group_accounts.{code}", text)) for code, text in groups.items()),
        )

    def _ledger(self, where: str, raw: object) -> Ledger:
        table = self._table(where, raw, ("code", "description", "periods"))
        return Ledger(
            self._text(f"{where}.code", table.get("code")),
            self._text(f"{where}.description", table.get("description", "")),
            self._periods(f"{where}.periods", table["periods"]) if "periods" in table else None,
        )

    def _periods(self, where: str, raw: object) -> Periods:
        table = self._table(where, raw, ("first", "last", "code"))
        days = table.get("first"), table.get("last")
        first, last = (day if type(day) is date else date(1, 1, 1) for day in days)
        if not all(type(day) is date for day in days):
            self._problems.append(f"{where}.first and .last are dates")
        elif last < first:
            self._problems.append(f"{where}.last is before first")
        return Periods(first, last, self._text(f"{where}.code", table.get("code", "%Y-%m")))

    def _delimiter(self, raw: object) -> str:
        delimiter = self._text("file.delimiter", raw)
        if len(delimiter) != 1 or delimiter in '"\r\n':
            self._problems.append("file.delimiter is one character, neither a quote nor a line break")
        return delimiter

    def _encoding(self, raw: object) -> str:
        name = self._text("file.encoding", raw)
        try:
            check_encoding(name)
        except LookupError:
            self._problems.append(f"file.encoding: there is no encoding {name!r}")
        return name

    def _table(self, where: str, raw: object, keys: tuple[str, ...] | None) -> dict[str, Any]:
        """The table, its keys known; `keys` None takes any."""
        if not isinstance(raw, dict):
            self._problems.append(f"{where} is a table")
            return {}
        table = {str(key): value for key, value in raw.items()}
        if keys is None:
            return table
        self._problems += [f"{where} knows no {key!r}" for key in table if key not in keys]
        return {key: table[key] for key in keys if key in table}

    def _list(self, key: str, table: Table[str, Any]) -> list[Any]:
        raw = table.get(key, [])
        if not isinstance(raw, list):
            self._problems.append(f"{key} is a list")
            return []
        return raw

    def _text(self, where: str, raw: object) -> str:
        if isinstance(raw, bool | float | dict | list | datetime) or raw is None:
            self._problems.append(f"{where} is a text")
            return ""
        return str(raw)

    def _optional(self, where: str, table: Table[str, Any]) -> str | None:
        key = where.rpartition(".")[2]
        return self._text(where, table[key]) if key in table else None


def _is_well_formed(template: str) -> bool:
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError:
        return False
    return all(name is None or (name and not form and not conversion) for _, name, form, conversion in parts)
