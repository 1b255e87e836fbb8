"""What segments ask of the data of profiles, and what they are told (BIL-21).

`gathering.gather` answers any number of questions, of any number of accounts, in a few statements.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import StrEnum

from domain.billing.configuration.model import Missing, ProfileTypeSettings, Scheme
from domain.billing.rating.segments import Part, Usage
from domain.billing.usage.errors import UsageFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was used in a period, of profiles of one account and of one type.

    `key` is the asker's own, and comes back with the answer. `parts` are those of `rating.calculation.parts_of`: they
    follow on each other, and the period is from the first one's start to the last one's end, by days of `zone` (IANA),
    which is the zone of the profiles too. With a `scheme` it is told by bucket. Several profiles are
    added up: for a `maximum` interval by interval before the highest is looked for. Registers have neither.
    """

    key: Hashable
    account: str
    profiles: tuple[str, ...]
    profile_type: ProfileTypeSettings
    zone: str
    parts: tuple[Part, ...]
    scheme: Scheme | None = None
    maximum: bool = False
    missing: Missing = Missing.ERROR

    @property
    def start(self) -> int:
        """The first day of the period, yyyymmdd."""
        return self.parts[0].start

    @property
    def end(self) -> int:
        """The day after the last day of the period, yyyymmdd."""
        return self.parts[-1].end


Gathered = Usage | UsageFault
"""What was used, as rating takes it; or why that is not known: an error with `reason` and `message`, not raised.

Profiles of intervals give `Intervals`, of registers `Register`. Their `sources` are a sentence for each profile: its
name, which data, up to which revision, and what was estimated by which method. The faults are UsageProfileMissing,
UsageMissing, RegisterReadMissing and RegisterWentBack.
"""


class Method(StrEnum):
    """How what is missing is estimated: by the first of these that gives something."""

    SAME_TIME_OF_WEEK = "SAME_TIME_OF_WEEK"  # an interval: as at that time by the clock, up to four weeks before
    AVERAGE = "AVERAGE"  # an interval: as those of the period and of the four weeks before on average
    BETWEEN_READS = "BETWEEN_READS"  # a read: in proportion to time between the read before and the one after
    AS_BEFORE = "AS_BEFORE"  # a read: going on as between the last two reads
