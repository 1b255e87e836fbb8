"""Who is told what became of things that were sent: the rooms whose things they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import Connection

from domain.deliveries.model import Delivery, Outcome


class Recorder(Protocol):
    """What a room does with the outcomes of its deliveries."""

    def record(self, tx: Connection, pairs: Sequence[tuple[Delivery, Outcome]]) -> None:
        """Change what depends on them, as a set, in the transaction that records them: deliveries as they stand then.

        What a system of record posted has the facts `external_reference` and `posted_us`. A delivery that is GIVEN_UP
        is `in_doubt` when nobody knows whether it arrived; it was refused for good if the outcome is `rejected`.
        """
