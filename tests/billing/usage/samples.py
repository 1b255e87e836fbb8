"""Profiles and data of the tests of usage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from datetime import time as time_of_day
from typing import Any

from sqlalchemy import Connection, insert

from domain.billing.configuration.model import (
    DAY_S,
    Missing,
    ProfileKind,
    ProfileTypeSettings,
    Scheme,
    SchemeRow,
    SchemeSettings,
)
from domain.billing.rating.segments import Part
from domain.billing.tables import interval_data, register_read
from domain.billing.usage.clock import days_between
from domain.billing.usage.model import Wanted
from domain.kernel.quantities import ATTOS, split
from domain.kernel.time import instant_us

HOURLY = ProfileTypeSettings(ProfileKind.INTERVALS, "kWh", interval_s=3_600)
HALF_HOURLY = ProfileTypeSettings(ProfileKind.INTERVALS, "kWh", interval_s=1_800)
DAILY = ProfileTypeSettings(ProfileKind.INTERVALS, "m3", interval_s=DAY_S)
COUNTER = ProfileTypeSettings(ProfileKind.REGISTER, "kWh", digits=5)
LONDON = "Europe/London"
DAY_AND_NIGHT = Scheme(
    "DAY_AND_NIGHT",
    "",
    1,
    1,
    1,
    settings=SchemeSettings((SchemeRow("NIGHT", start=time_of_day(0), end=time_of_day(7)),), otherwise="DAY"),
)


def utc(text: str) -> int:
    """An instant from its text in UTC, in microseconds."""
    return instant_us(datetime.fromisoformat(text).replace(tzinfo=UTC))


def part(start: int, end: int, *, number: int = 0, first: int = 0) -> Part:
    """The days [start, end) as a part of a period."""
    return Part(number, start, end, first, first + days_between(start, end))


def wanted(
    key: str = "A",
    *parts: Part,
    profiles: Sequence[str] = ("P",),
    profile_type: ProfileTypeSettings = HOURLY,
    zone: str = LONDON,
    **others: Any,
) -> Wanted:
    """A question, of the account that the key names; with an estimate where `missing` asks for it."""
    return Wanted(
        key=key, account=key, profiles=tuple(profiles), profile_type=profile_type, zone=zone, parts=parts, **others
    )


def keep_intervals(
    tx: Connection, account: str, profile: str, attos: Mapping[int, int], *, estimated: int = 0, revision: int = 1
) -> None:
    """Keep interval data: quantities in attos by instant."""
    _keep(tx, interval_data, "start_us", (account, profile, estimated, revision), attos)


def keep_reads(tx: Connection, account: str, profile: str, units: Mapping[int, int], *, estimated: int = 0) -> None:
    """Keep reads of a register: whole units by instant."""
    attos = {at: value * ATTOS for at, value in units.items()}
    _keep(tx, register_read, "at_us", (account, profile, estimated, 1), attos)


def _keep(tx: Connection, table: Any, at: str, shared: tuple[str, str, int, int], attos: Mapping[int, int]) -> None:
    names = ("account_id", "profile_id", "estimated", "revision")
    rows = [
        {
            **dict(zip(names, shared, strict=True)),
            at: us,
            **dict(zip(("units", "nanos", "attos"), split(value), strict=True)),
            "received_us": 1,
        }
        for us, value in attos.items()
    ]
    tx.execute(insert(table), rows)


ESTIMATE = Missing.ESTIMATE
