"""What may be asked for, and what it selects: every rule looked at, all violations at once (GLX-10 to GLX-15).

The codes' checks that need the database (an unknown group account, an unknown batch) are the service's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time

from domain.data_files.errors import code_violation
from domain.gl_extraction.extraction.errors import Code
from domain.gl_extraction.extraction.model import Day, Minute, Request, Selection
from domain.kernel.characters import REASON, character_fault
from domain.kernel.errors import Violation
from domain.kernel.time import BusinessZone

_BATCH_ID = re.compile(r"(?:extractionBatches/)?([0-9]{1,18})")
_FIRST_MINUTE = time(0, 0)
_LAST_MINUTE = time(23, 59)
_YEAR_MIN, _YEAR_MAX = 1900, 9998  # beyond them a time zone may lead out of the calendar
_TEXTS = ("description", "grouping", "group_account_code")
_CRITERIA = (
    "created_date_from",
    "created_time_from",
    "created_date_to",
    "created_time_to",
    "origin",
    "grouping",
    "incremental",
    "group_account_code",
)
"""The fields that may not stand beside a batch id."""
_ENOUGH = (
    "created_date_from",
    "created_date_to",
    "origin",
    "grouping",
    "group_account_code",
    "gl_extraction_batch_id",
)
"""The fields of which one at least must be given."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a request comes to: the selection, less what only the database knows, and what is wrong."""

    selection: Selection
    violations: list[Violation]


def check(request: Request, zone: BusinessZone) -> Checked:
    """The selection that a request means in the business time zone, and every violation of it."""
    violations = [*_texts(request), *_criteria(request)]
    start, start_wrong = _bound("from", request.created_date_from, request.created_time_from)
    end, end_wrong = _bound("to", request.created_date_to, request.created_time_to)
    created_from_us = zone.first_instant(*start) if start else 0
    created_until_us = zone.last_instant(*end) if end else 0
    if start and end and created_from_us > created_until_us:
        violations.append(_violation("created_date_from", Code.FROM_AFTER_TO, "must not be after the date and time to"))
    selection = Selection(
        created_from_us=created_from_us,
        created_until_us=created_until_us,
        origin=request.origin,
        grouping=request.grouping,
        group_account_code=request.group_account_code,
        incremental=request.incremental is not False,
    )
    return Checked(selection, [*violations, *start_wrong, *end_wrong])


def batch_no_of(batch_id: str) -> int | None:
    """The number in `17` or `extractionBatches/17`; None for anything else, which no batch has."""
    found = _BATCH_ID.fullmatch(batch_id)
    return int(found[1]) if found else None


def group_account_unknown(code: str) -> Violation:
    """That the group account is unknown."""
    return _violation("group_account_code", Code.GROUP_ACCOUNT_UNKNOWN, f"{code!r} is not the code of a group account")


def _texts(request: Request) -> Iterator[Violation]:
    for field in _TEXTS:
        if fault := character_fault(getattr(request, field)):
            yield Violation(field, REASON, fault)
    if (wrong := code_violation("data_file_set_code", request.data_file_set_code)) is not None:
        yield wrong


def _criteria(request: Request) -> Iterator[Violation]:
    if not any(_is_given(request, field) for field in _ENOUGH):
        yield _violation("created_date_from", Code.NO_CRITERION, f"at least one of {', '.join(_ENOUGH)} must be given")
    besides = [field for field in _CRITERIA if _is_given(request, field)]
    if request.gl_extraction_batch_id and besides:
        sentence = f"no other selection criterion may be given beside it, and {', '.join(besides)} is"
        yield _violation("gl_extraction_batch_id", Code.BATCH_WITH_CRITERIA, sentence)


def _is_given(request: Request, field: str) -> bool:
    value = getattr(request, field)
    return value is not None and value != ""


def _bound(end: str, day: Day | None, at: Minute | None) -> tuple[tuple[date, time] | None, list[Violation]]:
    """One end of the created range, if its day is given and sound, and what is wrong with it.

    A time that is wrong counts as none: days that are the wrong way round are so at any time.
    """
    wrong: list[Violation] = []
    moment = _FIRST_MINUTE if end == "from" else _LAST_MINUTE
    if at is not None:
        field = f"created_time_{end}"
        if day is None:
            wrong.append(Violation(field, "CREATED_TIME_WITHOUT_DATE", f"needs created_date_{end} beside it"))
        read = _time_of(at)
        if isinstance(read, str):
            wrong.append(Violation(field, "CREATED_TIME_INVALID", read))
        else:
            moment = read
    if day is None:
        return None, wrong
    on = _date_of(day)
    if on is None:
        sentence = f"must be a day of the calendar, of the years {_YEAR_MIN} to {_YEAR_MAX}"
        wrong.append(Violation(f"created_date_{end}", "CREATED_DATE_INVALID", sentence))
    return (None if on is None else (on, moment)), wrong


def _date_of(day: Day) -> date | None:
    if not _YEAR_MIN <= day.year <= _YEAR_MAX:
        return None
    try:
        return date(*day)
    except (ValueError, OverflowError):
        return None


def _time_of(at: Minute) -> time | str:
    """The minute of the day, or what is wrong with it."""
    if at.seconds or at.nanos:
        return "is to the minute: seconds and nanos must be 0"
    try:
        return time(at.hours, at.minutes)
    except (ValueError, OverflowError):
        return "must be from 00:00 to 23:59"


def _violation(field: str, code: Code, description: str) -> Violation:
    return Violation(field, code.value, description)
