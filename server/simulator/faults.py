"""How the simulated system fails: shares of a thousand calls, never floats."""

from __future__ import annotations

import random
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from enum import Enum, auto

WHOLE = 1_000


class Fate(Enum):
    """What becomes of a post."""

    POSTED = auto()
    HANGS = auto()
    FAILS = auto()
    REJECTED = auto()
    LOSES_ITS_ANSWER = auto()


@dataclass(frozen=True, slots=True)
class Faults:
    """As `countinghouse.connector.v1.Faults`: times in milliseconds, shares of a thousand."""

    latency_min_ms: int = 0
    latency_max_ms: int = 0
    error_permille: int = 0
    reject_permille: int = 0
    lose_answer_permille: int = 0
    hang_permille: int = 0
    lookup_error_permille: int = 0
    retry_after_ms: int = 0

    def __post_init__(self) -> None:
        assert all(getattr(self, each.name) >= 0 for each in fields(self))

    def fate(self, chance: random.Random) -> Fate:
        """What becomes of the next post."""
        for permille, fate in (
            (self.hang_permille, Fate.HANGS),
            (self.error_permille, Fate.FAILS),
            (self.reject_permille, Fate.REJECTED),
            (self.lose_answer_permille, Fate.LOSES_ITS_ANSWER),
        ):
            if permille and chance.randrange(WHOLE) < permille:
                return fate
        return Fate.POSTED

    def fails_lookup(self, chance: random.Random) -> bool:
        """Whether the next lookup fails."""
        return chance.randrange(WHOLE) < self.lookup_error_permille

    def latency_s(self, chance: random.Random) -> float:
        """How long the next call takes."""
        longest = max(self.latency_min_ms, self.latency_max_ms)
        return chance.randint(self.latency_min_ms, longest) / WHOLE if longest else 0


def permille_of(text: str) -> int:
    """A share such as 0.25 as 250 of a thousand. Raises: ValueError."""
    try:
        share = Decimal(text) * WHOLE
    except InvalidOperation:
        raise ValueError(f"{text!r} is no share such as 0.25") from None
    if not share.is_finite() or not 0 <= share <= WHOLE or share != int(share):
        raise ValueError(f"{text!r} is no share from 0 to 1 with three decimal places at most")
    return int(share)


def span_of(text: str) -> tuple[int, int]:
    """Milliseconds such as 5:20, or 5 for 5:5. Raises: ValueError."""
    first, colon, last = text.partition(":")
    last = last if colon else first
    if not first.isdecimal() or not last.isdecimal() or int(first) > int(last):
        raise ValueError(f"{text!r} is no span of milliseconds such as 5:20")
    return int(first), int(last)
