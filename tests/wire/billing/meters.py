"""Meters of real homes, and what their months come to, worked out straight from the files with nothing of ours."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.house.tree import ROOT

FOLDER = ROOT.parent / "shared" / "data" / "meters"
CENT = Decimal("0.01")
MONTHS = range(1, 13)

GB_HOLIDAYS = {
    2013: ("01-01", "03-29", "04-01", "05-06", "05-27", "08-26", "12-25", "12-26"),
    2021: ("01-01", "04-02", "04-05", "05-03", "05-31", "08-30", "12-25", "12-26", "12-27", "12-28"),
}
"""England's, from its government's lists."""


def evening(local: datetime) -> str:
    """Bucket of the British rate."""
    working = local.weekday() < 5 and local.strftime("%m-%d") not in GB_HOLIDAYS[local.year]
    return "PEAK" if working and 16 <= local.hour < 19 else "OFF_PEAK"


def summer(local: datetime) -> str:
    """Bucket of the rate of Illinois."""
    if 6 <= local.month <= 9 and 13 <= local.hour < 19:
        return "PEAK"
    return "NIGHT" if local.hour >= 22 or local.hour < 6 else "DAY"


@dataclass(frozen=True, slots=True)
class Meter:
    """A file, the home it belongs to, and what is charged there; `tax` is in hundredths."""

    name: str
    file: str
    agreement_type: str
    profile_type: str
    zone: str
    currency: str
    year: int
    bucket: Callable[[datetime], str]
    prices: Mapping[str, Decimal]
    standing: Decimal
    tax: Decimal

    @property
    def path(self) -> Path:
        """Where the file is."""
        return FOLDER / self.file

    def readings(self) -> Iterator[tuple[datetime, Decimal]]:
        """Each interval once: when it begins, in UTC, and what was used."""
        seen = set()
        with gzip.open(self.path, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                start = datetime.fromisoformat(row["start"])
                start = (start if start.tzinfo else start.replace(tzinfo=UTC)).astimezone(UTC)
                if start not in seen:
                    seen.add(start)
                    yield start, Decimal(row["value"])

    def months(self) -> dict[int, Month]:
        """What each month of the year comes to, by the clock of the home."""
        used: dict[int, dict[str, Decimal]] = {month: defaultdict(Decimal) for month in MONTHS}
        zone = ZoneInfo(self.zone)
        for start, value in self.readings():
            local = start.astimezone(zone)
            if local.year == self.year:
                used[local.month][self.bucket(local)] += value
        return {month: self._month(found) for month, found in used.items()}

    def _month(self, used: Mapping[str, Decimal]) -> Month:
        energy = sum((used[bucket] * self.prices[bucket] for bucket in used), Decimal())
        energy = energy.quantize(CENT, ROUND_HALF_EVEN)
        tax = ((self.standing + energy) * self.tax / 100).quantize(CENT, ROUND_HALF_UP)
        quantities = {bucket: quantity for bucket, quantity in used.items() if quantity}
        return Month(quantities, energy, self.standing, tax)


@dataclass(frozen=True, slots=True)
class Month:
    """What was used by bucket, and what it comes to: energy, standing charge, tax."""

    used: Mapping[str, Decimal]
    energy: Decimal
    standing: Decimal
    tax: Decimal

    @property
    def amount(self) -> Decimal:
        """All of it."""
        return self.energy + self.standing + self.tax


_GB = {
    "zone": "Europe/London",
    "currency": "GBP",
    "bucket": evening,
    "prices": {"PEAK": Decimal("0.3127"), "OFF_PEAK": Decimal("0.11095")},
    "standing": Decimal("7.45"),
    "tax": Decimal(5),
}
METERS = (
    Meter(
        name="GB-1",
        file="uk-electricity-hdd-only-hourly-sample-1.csv.gz",
        agreement_type="GB_HALF_HOURLY",
        profile_type="HALF_HOURLY",
        year=2013,
        **_GB,  # type: ignore[arg-type]
    ),
    Meter(
        name="GB-0",
        file="uk-electricity-hdd-only-hourly-sample-0.csv.gz",
        agreement_type="GB_HOURLY",
        profile_type="HOURLY",
        year=2021,
        **_GB,  # type: ignore[arg-type]
    ),
    Meter(
        name="IL",
        file="il-electricity-cdd-hdd-hourly.csv.gz",
        agreement_type="US_HOURLY",
        profile_type="HOURLY",
        zone="America/Chicago",
        currency="USD",
        year=2017,
        bucket=summer,
        prices={"PEAK": Decimal("0.2415"), "DAY": Decimal("0.0981"), "NIGHT": Decimal("0.04705")},
        standing=Decimal("11.30"),
        tax=Decimal("6.25"),
    ),
)


def first_of(year: int, month: int) -> date:
    """The first day of a month; the thirteenth is the next year's first."""
    return date(year + month // 13, (month - 1) % 12 + 1, 1)
