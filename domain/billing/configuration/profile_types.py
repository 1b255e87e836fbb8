"""Use cases of profile types that change them, and what they must be (BIL-03, BIL-21, BIL-22)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlalchemy import Connection

from domain.billing.configuration.model import DAY_S, ProfileKind, ProfileType, ProfileTypeSettings
from domain.billing.configuration.registers import PROFILE_TYPES
from domain.billing.ordering.rules import priority_fault
from domain.kernel.call import Call
from domain.kernel.errors import Violation
from domain.kernel.registers import entries
from domain.kernel.registers.service import Change

WORD = PROFILE_TYPES.word
DIGITS_MAX = 15
"""As many digits before the point as quantities have."""

_HOUR_S = 3_600
_FINAL = {"kind": "kind", "unit": "unit", "interval_s": "interval_length", "digits": "register_digits"}
"""Settings that say what data are that there may be already, with their names in the contract."""


def create(
    tx: Connection,
    call: Call,
    code: str,
    description: str,
    settings: ProfileTypeSettings,
    *,
    algorithms: Collection[str],
) -> ProfileType:
    """Add a profile type; `algorithms` are the codes of those that create data.

    Raises: SharedBeyondScope; Invalid with every violation; CodeTaken.
    """
    new = ProfileType(code, description, 1, call.now_us, call.now_us, settings)
    return entries.create(tx, call, PROFILE_TYPES, new, violations(settings, algorithms))


def update(tx: Connection, call: Call, change: Change, algorithms: Collection[str]) -> ProfileType:
    """Change the profile type that still has the etag; what its data are never changes.

    Raises: EtagMissing; NotFound; SharedBeyondScope; EtagStale; Invalid with every violation.
    """

    def faults(old: ProfileType, new: ProfileType) -> Iterator[Violation]:
        for name, field in _FINAL.items():
            if getattr(old.settings, name) != getattr(new.settings, name):
                text = "never changes: data mean what they meant when they came; make another profile type"
                yield Violation(f"{WORD}.{field}", "FIELD_IMMUTABLE", text)
        yield from violations(new.settings, algorithms)

    return entries.update(tx, call, PROFILE_TYPES, change, faults)


def violations(settings: ProfileTypeSettings, algorithms: Collection[str]) -> Iterator[Violation]:
    """All that is wrong with the settings of a profile type."""
    if settings.kind is ProfileKind.INTERVALS:
        yield from _intervals(settings)
    else:
        yield from _register(settings)
    yield from _creation(settings, algorithms)


def _intervals(settings: ProfileTypeSettings) -> Iterator[Violation]:
    length_s = settings.interval_s
    tiles = length_s > 0 and (_HOUR_S % length_s == 0 or (length_s % _HOUR_S == 0 and DAY_S % length_s == 0))
    if not tiles:
        text = "must divide an hour, or be hours that divide a day, or be a day"
        yield Violation(f"{WORD}.interval_length", "INTERVAL_LENGTH_INVALID", text)
    if settings.digits:
        yield Violation(f"{WORD}.register_digits", "REGISTER_DIGITS_INVALID", "intervals have none")


def _register(settings: ProfileTypeSettings) -> Iterator[Violation]:
    if settings.interval_s:
        yield Violation(f"{WORD}.interval_length", "INTERVAL_LENGTH_INVALID", "a register has no intervals")
    if not 1 <= settings.digits <= DIGITS_MAX:
        text = f"must be from 1 to {DIGITS_MAX}"
        yield Violation(f"{WORD}.register_digits", "REGISTER_DIGITS_INVALID", text)


def _creation(settings: ProfileTypeSettings, algorithms: Collection[str]) -> Iterator[Violation]:
    priority = f"{WORD}.creation_priority"
    if not settings.creation:
        if settings.creation_priority:
            yield Violation(priority, "CREATION_PRIORITY_UNUSED", "only data that an algorithm creates have one")
        return
    if settings.creation not in algorithms:
        text = f"there is no algorithm {settings.creation!r} that creates data"
        yield Violation(f"{WORD}.creation_algorithm", "ALGORITHM_UNKNOWN", text)
    if settings.kind is not ProfileKind.INTERVALS:
        text = "intervals alone are created; a register is read"
        yield Violation(f"{WORD}.creation_algorithm", "CREATION_OF_REGISTER", text)
    if fault := priority_fault(settings.creation_priority):
        yield Violation(priority, *fault)
