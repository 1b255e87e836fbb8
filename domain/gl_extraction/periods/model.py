"""Accounting periods: spans of days in a ledger's books (GLX-04)."""

from __future__ import annotations

from dataclasses import dataclass

from domain.gl_extraction.names import period_name
from domain.gl_extraction.periods.states import PeriodState


@dataclass(frozen=True, slots=True)
class Period:
    """A period of `ledger_code`, from `start_day` to `end_day` (yyyymmdd, both inclusive)."""

    ledger_code: str
    code: str
    start_day: int
    end_day: int
    state: PeriodState
    version: int
    created_us: int
    updated_us: int

    @property
    def name(self) -> str:
        """Its resource name."""
        return period_name(self.ledger_code, self.code)

    @property
    def etag(self) -> str:
        """Changes with every change."""
        return str(self.version)

    @property
    def is_open(self) -> bool:
        """Whether it takes details."""
        return self.state is PeriodState.OPEN


@dataclass(frozen=True, slots=True)
class NewPeriod:
    """A period as it is asked for."""

    ledger_code: str
    code: str
    start_day: int
    end_day: int
