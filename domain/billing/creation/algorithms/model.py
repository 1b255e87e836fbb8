"""Algorithms that create interval data of a profile from data of others: plug-ins, found by code (BIL-22, BIL-23).

They are pure. What is asked of one is complete: each source has a value for every interval, or the algorithm is not
asked at all. Values are attos (10^-18 units), whole numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from domain.billing.algorithms.model import Faults, Parameter, no_faults


@dataclass(frozen=True, slots=True)
class ProfileView:
    """A profile of intervals; those of a whole day (86,400 s) begin when the day does in its time zone."""

    account_id: str = ""
    profile_id: str = ""
    unit: str = ""
    interval_s: int = 3_600
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be created: a value for each of `begins`, the instants at which intervals begin (microseconds UTC).

    `sources` are in the order of the derivation, each with a value for each of `begins`. `profile` is whose data are
    created, `source_profiles` are whose the sources are.
    """

    begins: Sequence[int]
    sources: Sequence[Sequence[int]]
    parameters: Mapping[str, str]
    profile: ProfileView = ProfileView()
    source_profiles: Sequence[ProfileView] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CreationAlgorithm:
    """A plug-in, which profile types call by its `code`; it never changes.

    It takes from `sources_min` to `sources_max` profiles, in the profile's own unit of measure if `one_unit`. `create`
    gives a value for each interval, or raises CannotCreate; None for one that is asked over the network, whose answers
    are there before (`creation.asking`). `faults` is what is wrong with given parameters beyond missing and unknown
    ones.
    """

    code: str
    description: str
    sources_min: int
    sources_max: int
    one_unit: bool
    create: Callable[[Asked], Sequence[int]] | None
    parameters: tuple[Parameter, ...] = ()
    faults: Callable[[Mapping[str, str]], Faults] = no_faults


class CannotCreate(Exception):
    """An algorithm cannot create the data; its text says why."""
