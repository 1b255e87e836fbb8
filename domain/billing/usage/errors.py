"""Why it is not known what was used: given as values, for a segment to carry, and never raised (BIL-21)."""

from __future__ import annotations

from domain.kernel.errors import Refused


class UsageFault(Refused):
    """It is not known what was used."""


class UsageProfileMissing(UsageFault):
    """The agreement has no profile of the type that its usage comes from."""

    reason = "USAGE_PROFILE_MISSING"


class UsageMissing(UsageFault):
    """Interval data of the period are missing."""

    reason = "USAGE_MISSING"


class RegisterReadMissing(UsageFault):
    """The register was not read on the first or on the last day of the period."""

    reason = "REGISTER_READ_MISSING"


class RegisterWentBack(UsageFault):
    """A register reads less than before, and a rollover of its digits is not plausible."""

    reason = "REGISTER_WENT_BACK"
