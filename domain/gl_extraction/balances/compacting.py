"""How finely balances are kept, by age: pure rules on instants in microseconds UTC."""

from __future__ import annotations

from dataclasses import dataclass

MINUTE_US = 60_000_000
DAY_US = 24 * 60 * MINUTE_US


@dataclass(frozen=True, slots=True)
class Tier:
    """What was settled more than `after_us` ago is kept as one row a place and span of `slot_us`.

    It is made of movements, in which changes lie `packed`, or of finer spans. Up to where that has been done, the mark
    of its name tells.
    """

    mark: str
    after_us: int
    slot_us: int
    packed: bool

    def begin(self, at_us: int) -> int:
        """The last border of spans at or before an instant."""
        return at_us - at_us % self.slot_us

    def end(self, at_us: int) -> int:
        """The first border of spans at or after an instant."""
        return -(-at_us // self.slot_us) * self.slot_us


TIERS = (
    Tier("minutes", 5 * MINUTE_US, MINUTE_US, packed=True),
    Tier(
        "quarters", 35 * DAY_US, 15 * MINUTE_US, packed=False
    ),  # days of every time zone begin on a quarter of an hour
)
"""Finer ones first; instants as of which a balance was told stay told apart in all of them."""
