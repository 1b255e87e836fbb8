"""What is wrong with a row, as its profile is: one function a rule (BIL-24)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from domain.billing.configuration.model import DAY_S, ProfileKind, ProfileTypeSettings
from domain.billing.usage.clock import is_begin
from domain.billing.usage.rows import TIME_FIELDS, Content, Row
from domain.kernel.errors import Violation
from domain.kernel.quantities import joined


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


Rule = Callable[[Row], Violation | None]

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


def of_rows(target: Target) -> Rule:
    """What is wrong with a row of a profile."""
    if target.kind is ProfileKind.INTERVALS:
        return lambda row: _unaligned(target, row)
    top = 10**target.profile_type.digits
    return lambda row: _beyond_digits(top, row.content)


def _unaligned(target: Target, row: Row) -> Violation | None:
    interval_s = target.profile_type.interval_s
    if is_begin(target.zone, interval_s, row.at_us):
        return None
    length = "a day" if interval_s == DAY_S else f"{interval_s // 60} minutes"
    text = f"no interval of {length} begins then by the clock of {target.zone}"
    return Violation(TIME_FIELDS[ProfileKind.INTERVALS], "INTERVAL_UNALIGNED", text)


def _beyond_digits(top: int, content: Content) -> Violation | None:
    if joined(*content[:3]) < 0:
        return Violation("quantity", "REGISTER_READ_NEGATIVE", "a register does not read less than nothing")
    if content.units >= top:
        text = f"the register counts to {top - 1:,} before it begins anew"
        return Violation("quantity", "REGISTER_READ_BEYOND_DIGITS", text)
    return None
