"""What is wrong with a row, as its profile is: one function a rule (BIL-24)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from domain.billing.configuration.model import DAY_S, ProfileKind, ProfileTypeSettings
from domain.billing.usage.clock import beginning
from domain.billing.usage.rows import TIME_FIELDS, Row
from domain.kernel.errors import Violation


class Target(NamedTuple):
    """A profile that data come in for."""

    account: str
    profile: str
    agreement: str
    zone: str
    profile_type: ProfileTypeSettings

    @property
    def kind(self) -> ProfileKind:
        """Whether it has intervals, or is a register."""
        return self.profile_type.kind


UNKNOWN = Violation("profile", "PROFILE_UNKNOWN", "there is no such profile")
DIFFERS = Violation("quantity", "USAGE_DIFFERS", "another value is known; send it as a correction, if it is one")


def of_target(target: Target, kind: ProfileKind) -> Violation | None:
    """What keeps a profile from taking rows of a kind."""
    if target.profile_type.creation:
        text = "its data are created from those of other profiles"
        return Violation("profile", "PROFILE_DATA_CREATED", text)
    if target.kind is not kind:
        wanted = "intervals, and is not read" if target.kind is ProfileKind.INTERVALS else "reads, and has no intervals"
        return Violation("profile", "PROFILE_OF_OTHER_KIND", f"the profile has {wanted}")
    return None


def of_rows(target: Target, rows: Sequence[Row]) -> dict[int, Violation]:
    """By position, what is wrong with rows of a profile."""
    if target.kind is ProfileKind.INTERVALS:
        return _unaligned(target, rows)
    return _not_on_register(target, rows)


def _unaligned(target: Target, rows: Sequence[Row]) -> dict[int, Violation]:
    begins = beginning(target.zone, target.profile_type.interval_s)
    bad = [position for position, at_us, _ in rows if not begins(at_us)]
    if not bad:
        return {}
    interval_s = target.profile_type.interval_s
    length = "a day" if interval_s == DAY_S else f"{interval_s // 60} minutes"
    text = f"no interval of {length} begins then by the clock of {target.zone}"
    return dict.fromkeys(bad, Violation(TIME_FIELDS[ProfileKind.INTERVALS], "INTERVAL_UNALIGNED", text))


def _not_on_register(target: Target, rows: Sequence[Row]) -> dict[int, Violation]:
    top = 10**target.profile_type.digits
    below = Violation("quantity", "REGISTER_READ_NEGATIVE", "a register does not read less than nothing")
    text = f"the register counts to {top - 1:,} before it begins anew"
    beyond = Violation("quantity", "REGISTER_READ_BEYOND_DIGITS", text)
    found = {}
    for position, _, (units, nanos, attos, _) in rows:
        if units < 0 or nanos < 0 or attos < 0:
            found[position] = below
        elif units >= top:
            found[position] = beyond
    return found
