"""What makes a segment impossible to rate."""

from __future__ import annotations

from domain.kernel.errors import Refused


class RateNotEffective(Refused):
    """The rate has no version yet on the first day of the period."""

    reason = "RATE_NOT_EFFECTIVE"


class RateOfAnotherCurrency(Refused):
    """The rate is in another currency than the segment."""

    reason = "RATE_OF_ANOTHER_CURRENCY"


class RateUsageMissing(Refused):
    """A component charges usage that was not given; what is not known is never taken for zero."""

    reason = "RATE_USAGE_MISSING"


class RateUsageUnitDiffers(Refused):
    """A component charges usage in another unit of measure than it was given in."""

    reason = "RATE_USAGE_UNIT_DIFFERS"


class RateUsageUnpriced(Refused):
    """There is usage in a time-of-use bucket that the component has no price for."""

    reason = "RATE_USAGE_UNPRICED"


class RateBucketMissing(Refused):
    """A component charges the maximum within a bucket, or that of all time, and the usage is not told so."""

    reason = "RATE_BUCKET_MISSING"


class RateAmountTooLarge(Refused):
    """What a component comes to is beyond 10^15 minor units."""

    reason = "RATE_AMOUNT_TOO_LARGE"
