"""What is asked for: accounts and what belongs to them as they are to be, checked by `rules`.

References to agreements and profiles are pairs of ids, that of the account first; ids left empty are made here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.billing.configuration.model import Derivation

Key = tuple[str, str]
"""The ids of an account and of an agreement or a profile of it."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account as it is asked for."""

    account_id: str
    description: str
    customer_class_code: str
    cycle_code: str
    invoice_cycle_code: str
    currency: str
    time_zone: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NewPremise:
    """A premise as it is asked for."""

    premise_id: str
    description: str
    time_zone: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NewAgreement:
    """An agreement as it is asked for."""

    agreement_id: str
    description: str
    type_code: str
    premise_id: str
    master: Key | None
    rate_code: str
    start_day: int
    end_day: int
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NewProfile:
    """A profile as it is asked for; `owner` is the agreement that owns it."""

    profile_id: str
    description: str
    type_code: str
    owner: Key | None
    derivation: Derivation


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be of what was seen with this etag; `changes` are new values of its fields, by their names here.

    `fixed` are fields that never change, by their names in the contract, each with its name here and the value given:
    it must be that of the resource, if it is not empty.
    """

    etag: str
    changes: Mapping[str, Any]
    fixed: Mapping[str, tuple[str, str]] = field(default_factory=dict)
