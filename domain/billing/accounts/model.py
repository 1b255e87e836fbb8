"""Accounts, premises, service agreements and profiles, as values.

Days are yyyymmdd, instants microseconds UTC, time zones IANA names. The empty string stands for none, 0 for no day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.billing.configuration.model import Derivation
from domain.billing.names import account_name, agreement_name, premise_name, profile_name


class _Versioned:
    """What changes, and is changed by who has seen it last."""

    __slots__ = ()
    version: int

    @property
    def etag(self) -> str:
        """Changes with every change."""
        return str(self.version)


@dataclass(frozen=True, slots=True)
class Account(_Versioned):
    """Who is billed, in one currency.

    `cycle_code` is the bill cycle that it is billed with; an account without one is billed online alone. `time_zone` is
    that of its agreements without a premise.
    """

    account_id: str
    description: str
    customer_class_code: str
    cycle_code: str
    invoice_cycle_code: str
    currency: str
    time_zone: str
    attributes: Mapping[str, str]
    version: int
    created_us: int
    updated_us: int

    @property
    def name(self) -> str:
        """Its resource name."""
        return account_name(self.account_id)


@dataclass(frozen=True, slots=True)
class Premise(_Versioned):
    """A place that is served; its time zone never changes."""

    premise_id: str
    description: str
    time_zone: str
    attributes: Mapping[str, str]
    version: int
    created_us: int
    updated_us: int

    @property
    def name(self) -> str:
        """Its resource name."""
        return premise_name(self.premise_id)


@dataclass(frozen=True, slots=True)
class ServiceAgreement(_Versioned):
    """What an account is served by: it has one of a type, from `start_day` until before `end_day`.

    `time_zone` is the premise's, or the account's where it has none. `master_id` is the agreement of the account that
    it is the sub of (BIL-02); `rate_code` stands in place of its type's.
    """

    account_id: str
    agreement_id: str
    description: str
    type_code: str
    premise_id: str
    time_zone: str
    master_id: str
    rate_code: str
    start_day: int
    end_day: int
    attributes: Mapping[str, str]
    version: int
    created_us: int
    updated_us: int

    @property
    def name(self) -> str:
        """Its resource name."""
        return agreement_name(self.account_id, self.agreement_id)


@dataclass(frozen=True, slots=True)
class Profile(_Versioned):
    """A series of what was used, or of what is created from others.

    `agreement_id` is the agreement that owns it. `time_zone` is the owner's, or the account's where none owned it when
    it was created; it never changes.
    """

    account_id: str
    profile_id: str
    description: str
    type_code: str
    agreement_id: str
    time_zone: str
    derivation: Derivation
    version: int
    created_us: int
    updated_us: int

    @property
    def name(self) -> str:
        """Its resource name."""
        return profile_name(self.account_id, self.profile_id)
