"""The configuration as bills are made by it: read once for each of its versions, and kept by the process."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from types import MappingProxyType
from typing import TypeVar

from sqlalchemy import Connection

from domain.billing.configuration import documents, store
from domain.billing.configuration.model import (
    AgreementType,
    ConfiguredRate,
    CustomerClass,
    Cycle,
    ProfileType,
    Scheme,
)
from domain.billing.configuration.registers import SHELF
from domain.billing.creation.algorithms.model import CreationAlgorithm
from domain.billing.creation.algorithms.registry import CREATIONS
from domain.billing.rating.calculation import Plan, planned
from domain.billing.rating.model import Rate, Version
from domain.kernel.documents import from_text, to_text
from domain.kernel.registers import store as registers
from domain.kernel.registers.entries import Configured
from domain.kernel.structures import document_of

C = TypeVar("C", bound=Configured)


class Snapshot:
    """All that is configured, as of one version and by code; safe to share between threads.

    Without the windows of cycles; with the algorithms by which this process creates data. Rates are read and compiled
    when they are first needed.
    """

    def __init__(self, contents: store.Contents, creations: Mapping[str, CreationAlgorithm] = CREATIONS) -> None:
        self.creations = creations
        self.version = contents.version
        self.customer_classes: Mapping[str, CustomerClass] = _by_code(contents.customer_classes)
        self.schemes: Mapping[str, Scheme] = _by_code(contents.schemes)
        self.profile_types: Mapping[str, ProfileType] = _by_code(contents.profile_types)
        self.agreement_types: Mapping[str, AgreementType] = _by_code(contents.agreement_types)
        self.cycles: Mapping[str, Cycle] = _by_code(contents.cycles)
        self.rates: Mapping[str, ConfiguredRate] = _by_code(contents.rates)
        self._written = _that_hold(contents.rate_versions)
        self._all = {(each.code, each.rate_version): each for each in contents.rate_versions}
        self._versions: dict[tuple[str, int], Version] = {}
        self._read: dict[str, Rate] = {}
        self._plans: dict[str, Plan] = {}
        self._digests: dict[str, str] = {}

    def rate(self, code: str) -> Rate:
        """One of `rates`, with those of its versions that hold, by day."""
        if code not in self._read:
            numbers = (each.rate_version for _, each in sorted(self._written[code].items()))
            versions = tuple(self.version_of(code, number) for number in numbers)
            self._read[code] = Rate(code, self.rates[code].currency, versions)
        return self._read[code]

    def version_of(self, code: str, number: int) -> Version:
        """A version of one of `rates`, also one in whose place another holds by now."""
        if (code, number) not in self._versions:
            each = self._all[code, number]
            self._versions[code, number] = documents.version_from(
                from_text(each.text),
                code=code,
                number=number,
                effective_day=each.effective_day,
                currency=self.rates[code].currency,
            )
        return self._versions[code, number]

    def plan(self, code: str) -> Plan:
        """One of `rates`, made ready to rate by."""
        if code not in self._plans:
            self._plans[code] = planned(self.rate(code))
        return self._plans[code]

    def basis(self, type_code: str, rate_code: str, start: int, end: int) -> str:
        """What a segment of the days [start, end) is made by, as a text: another one once that has changed.

        It is what of the SA type and of its time-of-use schemes decides about segments, and which versions of the rate
        hold in these days. Descriptions are no part of it, nor is what completing and freezing look at by themselves.
        """
        if type_code not in self._digests:
            self._digests[type_code] = self._digest(self.agreement_types[type_code])
        of_day = self._written.get(rate_code, {})
        days = sorted(of_day)
        begun = max(0, bisect_right(days, start) - 1)
        numbers = (f"{of_day[day].rate_version}" for day in days[begun:] if day < end)
        return " ".join((self._digests[type_code], rate_code, *numbers))

    def _digest(self, kind: AgreementType) -> str:
        deciding = replace(kind.settings, receivable="", algorithms=())
        codes = {each.measured.scheme for each in deciding.usage if each.measured and each.measured.scheme}
        schemes = {code: document_of(self.schemes[code].settings) for code in sorted(codes)}
        return sha256(to_text([document_of(deciding), schemes]).encode()).hexdigest()[:16]

    def rate_version(self, code: str, effective_day: int) -> int:
        """The number of the version that holds from a day on, as lines of a calculation name it."""
        return self._written[code][effective_day].rate_version


BillingCycles = Callable[[Connection, Collection[str]], Collection[str]]
"""Those of some codes that are billing cycles of invoicing."""


def none_of(_tx: Connection, _codes: Collection[str]) -> Collection[str]:
    """Where nobody asks for billing cycles: there are none."""
    return ()


class Configurations:
    """Keeps the newest snapshot for the whole process; safe to share between threads.

    `billing_cycles` knows those of invoicing, which billing has no room for.

    Never to be asked in a transaction that changes the configuration: what is not committed yet would be kept.
    """

    def __init__(
        self, creations: Mapping[str, CreationAlgorithm] = CREATIONS, billing_cycles: BillingCycles = none_of
    ) -> None:
        self._creations = creations
        self.billing_cycles = billing_cycles
        self._newest: Snapshot | None = None

    def current(self, tx: Connection) -> Snapshot:
        """The configuration as it is. Cost: one small statement when nothing changed, else `store.read_all`."""
        kept = self._newest
        if kept is not None and kept.version == registers.version(tx, SHELF):
            return kept
        found = Snapshot(store.read_all(tx), self._creations)
        if kept is None or kept.version < found.version:
            self._newest = found
        return found


def _that_hold(versions: Iterable[store.Written]) -> Mapping[str, Mapping[int, store.Written]]:
    """By rate and effective day, the newest version."""
    found: dict[str, dict[int, store.Written]] = defaultdict(dict)
    for each in versions:
        found[each.code][each.effective_day] = each
    return found


def _by_code(entries: Iterable[C]) -> Mapping[str, C]:
    return MappingProxyType({entry.code: entry for entry in entries})
