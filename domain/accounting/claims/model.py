"""Claims and their disputes, as values.

Instants are microseconds UTC, days yyyymmdd (0: none), money minor units with the currency beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.accounting.claims.states import ClaimState
from domain.accounting.names import claim_name, dispute_name
from domain.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Claim:
    """A case of one claim type, for one client.

    `account` is the account holder's. `dates` are days by name, to which rules count their delays (ACC-13).
    `resolution` is empty, or how it was resolved. `events_made` is the last sequence among its events (ACC-56).
    """

    claim_id: str
    client_code: str
    claim_type_code: str
    description: str
    account: str
    attributes: Mapping[str, str]
    dates: Mapping[str, int]
    state: ClaimState
    resolution: str
    events_made: int
    version: int
    created_us: int
    updated_us: int
    resolved_us: int

    @property
    def name(self) -> str:
        """Its resource name."""
        return claim_name(self.claim_id)

    @property
    def etag(self) -> str:
        """Changes with every change of the claim itself."""
        return str(self.version)

    @property
    def is_open(self) -> bool:
        """Whether it takes new operations, and changes of its disputes."""
        return self.state is ClaimState.OPEN


@dataclass(frozen=True, slots=True)
class Dispute:
    """A contested item of a claim: the disputed amount, and further amounts by name, each in its own currency."""

    claim_id: str
    dispute_id: str
    description: str
    amount: Money
    transaction_day: int
    attributes: Mapping[str, str]
    amounts: Mapping[str, Money]
    version: int
    created_us: int
    updated_us: int

    @property
    def name(self) -> str:
        """Its resource name."""
        return dispute_name(self.claim_id, self.dispute_id)

    @property
    def etag(self) -> str:
        """Changes with every change."""
        return str(self.version)


@dataclass(frozen=True, slots=True)
class NewDispute:
    """A dispute as it is asked for; `dispute_id` empty: the server makes one."""

    dispute_id: str
    description: str
    amount: Money
    transaction_day: int
    attributes: Mapping[str, str]
    amounts: Mapping[str, Money]


@dataclass(frozen=True, slots=True)
class NewClaim:
    """A claim as it is asked for, with the disputes that it brings along; `claim_id` empty: the server makes one."""

    claim_id: str
    client_code: str
    claim_type_code: str
    description: str
    account: str
    attributes: Mapping[str, str]
    dates: Mapping[str, int]
    disputes: tuple[NewDispute, ...]

    @property
    def texts(self) -> Mapping[str, str]:
        """The free texts, by field."""
        return {"description": self.description, "account": self.account}


@dataclass(frozen=True, slots=True)
class ClaimChange:
    """What is to be of the claim that was seen with this etag; `changes` are new values of its fields.

    Client and claim type never change; those given, if any, must be the claim's.
    """

    claim_id: str
    etag: str
    client_code: str
    claim_type_code: str
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DisputeChange:
    """What is to be of the dispute that was seen with this etag; `changes` are new values of its fields."""

    claim_id: str
    dispute_id: str
    etag: str
    changes: Mapping[str, Any]
