"""What every channel can do; each is one file beside this one and one line in `WAYS` (`channels/registry.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection

from domain.accounting.channels.model import Channel
from domain.accounting.configuration.model import ClientSettings
from domain.accounting.execution.model import Assignment
from domain.accounting.performing.model import Operation
from domain.kernel.script import Script


@dataclass(frozen=True, slots=True)
class Due:
    """An operation that is to be carried out from now on: its assignment is PENDING."""

    operation: Operation
    assignment: Assignment
    settings: ClientSettings


class Way(Protocol):
    """How operations of one channel are carried out."""

    @property
    def channel(self) -> Channel:
        """The channel."""
        ...

    @property
    def by_hand(self) -> bool:
        """Whether people carry its operations out: they take them in hand, and say when they are done."""
        ...

    def is_configured(self, settings: ClientSettings) -> bool:
        """Whether the client has it."""
        ...

    def accounting_day(self, settings: ClientSettings, now_us: int) -> int:
        """The accounting date (yyyymmdd) of what becomes due at an instant (ACC-30)."""
        ...

    def begin(self, tx: Connection, script: Script, due: Sequence[Due], *, now_us: int) -> None:
        """Record what has them carried out, in the transaction in which they became due."""
        ...

    def begin_again(self, tx: Connection, script: Script, due: Due, *, now_us: int) -> None:
        """As `begin`, for what may have been begun before: it failed, or went another way meanwhile (ACC-22)."""
        ...

    def withdraw(self, tx: Connection, assignment: Assignment) -> bool:
        """See to it that nothing is done for it any more; False when that is under way already (ACC-08)."""
        ...
