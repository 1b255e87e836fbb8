"""Values of a mapping, compiled to functions of a record's values."""

import string
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache

from google.type import date_pb2

from countinghouse.importing.mapping import Value
from countinghouse.values import date_to_proto

Read = Callable[[Sequence[str]], str]
"""Gives a text out of a record's values, without space around it; raises Unsound."""


class Unsound(Exception):
    """A value is not what the mapping says that it is."""

    def __init__(self, reason: str, description: str) -> None:
        super().__init__(description)
        self.reason = reason
        self.description = description


class Columns:
    """The columns of a file, by name; keeps the names that were asked for and are not there."""

    def __init__(self, names: Sequence[str]) -> None:
        self._places = {name: place for place, name in enumerate(names)}
        self.missing: dict[str, None] = {}

    def place(self, name: str) -> int:
        """Where the column stands, from 0."""
        if name not in self._places:
            self.missing[name] = None
        return self._places.get(name, 0)

    def reader(self, value: Value) -> Read:
        """What reads the value."""
        read = self._plain(value)
        return read if value.lookup is None else _translated(read, dict(value.lookup))

    def _plain(self, value: Value) -> Read:
        if value.column is not None:
            place = self.place(value.column)
            return lambda values: values[place].strip()
        if value.template is not None:
            return self._template(value.template)
        constant = value.constant or ""
        return lambda _values: constant

    def _template(self, template: str) -> Read:
        parts = [
            (literal, None if name is None else self.place(name))
            for literal, name, _, _ in string.Formatter().parse(template)
        ]

        def read(values: Sequence[str]) -> str:
            texts = (literal + ("" if place is None else values[place].strip()) for literal, place in parts)
            return "".join(texts).strip()

        return read


def _translated(read: Read, words: Mapping[str, str]) -> Read:
    def translate(values: Sequence[str]) -> str:
        text = read(values)
        if text not in words:
            raise Unsound("VALUE_NOT_MAPPED", f"the mapping does not say what {text!r} becomes")
        return words[text]

    return translate


@lru_cache(maxsize=4096)
def day(text: str, form: str | None) -> date_pb2.Date:
    """The day that a text names; do not change what comes back, it is shared.

    Raises:
        Unsound: It names none.
    """
    try:
        found = date.fromisoformat(text) if form is None else datetime.strptime(text, form).date()  # noqa: DTZ007
    except ValueError as error:
        raise Unsound("DATE_UNREADABLE", f"{text!r} is no date as {form or 'YYYY-MM-DD'}") from error
    return date_to_proto(found)
