"""Interval data and register reads as callers send them, read before anything is asked of the database (BIL-24)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from domain.billing.configuration.model import ProfileKind
from domain.billing.usage.clock import begin_us, instants_at
from domain.kernel.amounts import Fault
from domain.kernel.errors import Violation
from domain.kernel.quantities import columns_of, quantity_fault
from domain.kernel.time import day_of

TEXT_TIME_MAX = 40
"""How many characters a time may be written in."""

_FORM = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?( ?(Z|[+-]\d\d:\d\d(:\d\d)?))?)?", flags=re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_WALL = datetime(1970, 1, 1)  # noqa: DTZ001 - what a clock on the wall shows
_MICROSECOND = timedelta(microseconds=1)
_FIRST_US = 86_400_000_000  # 1970-01-02: on every clock it is after 1970 began
_LAST_US = 221_845_392_000_000_000  # 9000-01-01

TIME_FIELDS = {ProfileKind.INTERVALS: "start_time", ProfileKind.REGISTER: "read_time"}
"""The field of the contract that tells when."""


Given = tuple[int | str, str, bool]
"""A row as it was sent: when, as an instant in microseconds UTC or as text; the quantity as text; if an estimate.

These and what is made of them are plain tuples, as there are millions: named ones take several times as long to make.
"""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of one profile that follow on each other; the profile by its resource name, and by its ids if it is one."""

    profile: str
    key: tuple[str, str] | None
    kind: ProfileKind
    rows: Sequence[Given]


Content = tuple[int, int, int, int]
"""What is kept of an interval or a read: the columns of its quantity, and whether it is an estimate (0, 1)."""

Row = tuple[int, int, Content]
"""A row that can be read: its place among those handed in, its instant in microseconds UTC, and what is kept of it."""


class Refusal(NamedTuple):
    """A row that is left out, and everything that is wrong with it."""

    position: int
    profile: str
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class ReadGroup:
    """The rows of a group that can be read; `first` and `count` say which of all they are out of."""

    profile: str
    key: tuple[str, str] | None
    kind: ProfileKind
    first: int
    count: int
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A chunk of rows, read: what can be, and what cannot."""

    count: int
    groups: Sequence[ReadGroup]
    refusals: Sequence[Refusal]


def prepare(groups: Sequence[Group], zone: str) -> Prepared:
    """Read rows; times without an offset are of `zone` (IANA), refused where that is empty. Cost: about 1 µs a row."""
    refusals: list[Refusal] = []
    read, first = [], 0
    for group in groups:
        rows: list[Row] = []
        for position, (given, quantity, estimated) in enumerate(group.rows, first):
            at = given if isinstance(given, int) and _FIRST_US <= given < _LAST_US else _instant(given, zone)
            columns = columns_of(quantity)
            if isinstance(at, int) and columns is not None:
                rows.append((position, at, (*columns, 1 if estimated else 0)))
            else:
                refusals.append(Refusal(position, group.profile, tuple(_faults(group.kind, at, quantity))))
        read.append(ReadGroup(group.profile, group.key, group.kind, first, len(group.rows), rows))
        first += len(group.rows)
    return Prepared(first, read, refusals)


def _instant(at: int | str, zone: str) -> int | Fault:
    """The instant of a time in microseconds UTC, or what is wrong with it."""
    if isinstance(at, str):
        found = _instant_of_text(at, zone)
        if not isinstance(found, int):
            return found
        at = found
    if _FIRST_US <= at < _LAST_US:
        return at
    return "INSTANT_OUT_OF_RANGE", "must be an instant after 1970 and before 9000"


def _instant_of_text(text: str, zone: str) -> int | Fault:
    """The instant of a text; a day alone stands for when it begins."""
    try:
        moment = datetime.fromisoformat(text.replace(" Z", "Z")) if _FORM.fullmatch(text) else None
    except ValueError:
        moment = None
    if moment is None:
        return "TIME_MALFORMED", "must be as 2026-03-29T01:30:00, with or without an offset, or as 2026-03-29"
    if moment.tzinfo is not None:
        return (moment - _EPOCH) // _MICROSECOND
    if not zone:
        return "TIME_WITHOUT_ZONE", "has no offset, and the import names no time zone"
    if len(text) == len("yyyy-mm-dd"):
        return begin_us(zone, day_of(moment.date()))
    return _instant_by_clock(moment, zone)


def _instant_by_clock(moment: datetime, zone: str) -> int | Fault:
    found = instants_at(zone, (moment - _EPOCH_WALL) // _MICROSECOND)
    if not found:
        return "LOCAL_TIME_SKIPPED", f"does not exist in {zone}: clocks are put forward over it"
    if len(found) > 1:
        return "LOCAL_TIME_AMBIGUOUS", f"comes twice in {zone}, as clocks are put back: needs an offset"
    return found[0]


def _faults(kind: ProfileKind, at: int | Fault, quantity: str) -> Iterator[Violation]:
    if not isinstance(at, int):
        reason, sentence = at
        yield Violation(TIME_FIELDS[kind], reason, sentence)
    if (fault := quantity_fault(quantity)) is not None:
        reason, sentence = fault
        yield Violation("quantity", reason, sentence)
