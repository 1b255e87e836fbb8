"""What many accounts used in one period, asked for together: the same answers as `gathering` gives each (BIL-21).

What is whole by the sums of one profile is told here; whatever else there is goes the way of single questions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import NamedTuple

from sqlalchemy import Connection

from domain.billing.configuration.model import ProfileKind
from domain.billing.names import profile_name
from domain.billing.rating.segments import Intervals
from domain.billing.usage import clock, filling, gathering
from domain.billing.usage.gathering import Cuts
from domain.billing.usage.model import Gathered, Wanted
from domain.billing.usage.store import sums
from domain.billing.usage.store.sums import Series, Sum

Whose = tuple[str, tuple[str, ...]]
"""An account, and profiles of it."""


class Question(NamedTuple):
    """What is wanted of several: in `wanted`, account, profiles and key mean nothing."""

    wanted: Wanted
    of: Sequence[Whose]


def gather(tx: Connection, questions: Sequence[Question]) -> list[list[Gathered]]:
    """For each question, what each of its accounts used, or why that is not known. Cost: as `gathering.gather`."""
    cuts, numbers = Cuts(), count()
    series: list[Series] = []
    plain: list[range] = []
    for question in questions:
        if not _is_plain(question.wanted):
            plain.append(range(0))
            continue
        spans = cuts.number(question.wanted)
        asked = [(account, profiles[0]) for account, profiles in question.of if len(profiles) == 1]
        plain.append(range(len(series), len(series) + len(asked)))
        series += [Series(next(numbers), account, profile, spans) for account, profile in asked]
    totals = sums.sums(tx, series, cuts.spans)
    found: list[list[Gathered | None]] = []
    for question, its in zip(questions, plain, strict=True):
        numbers_of = iter(its)
        whole = _whole(question.wanted, cuts.places(question.wanted), totals) if its else None
        found.append(
            [
                whole(next(numbers_of), account, profiles[0]) if whole and len(profiles) == 1 else None
                for account, profiles in question.of
            ]
        )
    return _with_the_rest(tx, questions, found)


def _is_plain(wanted: Wanted) -> bool:
    return wanted.profile_type.kind is ProfileKind.INTERVALS and not wanted.maximum


def _whole(
    wanted: Wanted, places: Sequence[tuple[int, str]], totals: dict[tuple[int, int], Sum]
) -> Callable[[int, str, str], Intervals | None]:
    """What tells one profile's answer by its number in the series; None if an interval is missing."""
    expected = clock.count(wanted.zone, wanted.profile_type.interval_s, wanted.start, wanted.end)
    first, unit = wanted.parts[0].number, wanted.profile_type.unit
    plain = filling.source(replace(wanted, account="", profiles=()), "", expected, revision=1, marked=0)
    told = plain.removeprefix(profile_name("", "")).removesuffix("1")

    def tell(number: int, account: str, profile: str) -> Intervals | None:
        parts: list[dict[str, int]] = [{} for _ in wanted.parts]
        here = marked = revision = 0
        for at, (part, bucket) in enumerate(places):
            total = totals.get((number, at))
            if total is not None:
                here += total.found
                marked += total.estimated
                revision = max(revision, total.revision)
                parts[part - first][bucket] = total.attos
        if here != expected:
            return None
        if marked:
            text = filling.source(replace(wanted, account=account), profile, expected, revision=revision, marked=marked)
        else:
            text = f"{profile_name(account, profile)}{told}{revision}"
        return Intervals(unit, tuple(parts), (text,), marked > 0)

    return tell


def _with_the_rest(
    tx: Connection, questions: Sequence[Question], found: Sequence[list[Gathered | None]]
) -> list[list[Gathered]]:
    """The answers, with those that are missing asked for one by one."""
    missing = [
        replace(question.wanted, key=(place, row), account=account, profiles=profiles)
        for place, question in enumerate(questions)
        for row, (account, profiles) in enumerate(question.of)
        if found[place][row] is None
    ]
    rest = gathering.gather(tx, missing) if missing else {}
    return [
        [rest[place, row] if answer is None else answer for row, answer in enumerate(of_question)]
        for place, of_question in enumerate(found)
    ]
