"""Whether a rate can charge what an SA type uses (BIL-20, BIL-21): what shows when either is configured.

What does not show, or lies before the version that holds, is an error of the segment: nothing is billed in silence
(decision 0024). A maximum charged as a sum, or a sum as a maximum, would be: so no version is to do that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from domain.billing.configuration.model import (
    AgreementType,
    AgreementTypeSettings,
    Measured,
    ProfileType,
    Scheme,
    UsageSource,
)
from domain.billing.configuration.snapshot import Snapshot
from domain.billing.names import rate_name
from domain.billing.rating.model import Demand, Stepped, TimeOfUse, Version
from domain.kernel.errors import Violation
from domain.kernel.time import iso_day

Charge = Stepped | TimeOfUse | Demand


@dataclass(frozen=True, slots=True)
class Around:
    """What an SA type is judged by; all by code. Of rates those versions that hold, have held or will, by day.

    `today` is yyyymmdd.
    """

    today: int
    currencies: Mapping[str, str]
    rates: Mapping[str, Sequence[Version]]
    schemes: Mapping[str, Scheme]
    profile_types: Mapping[str, ProfileType]
    types: Mapping[str, AgreementType]

    @classmethod
    def within(cls, snapshot: Snapshot, rate: str, today: int) -> Around:
        """What types are judged by with one of a snapshot's rates."""
        return cls(
            today,
            {code: each.currency for code, each in snapshot.rates.items()},
            {rate: snapshot.rate(rate).versions},
            snapshot.schemes,
            snapshot.profile_types,
            snapshot.agreement_types,
        )

    def unit_of(self, source: UsageSource) -> str:
        """The unit of measure, or currency, that usage is told in; empty for what is not known."""
        if source.charged_on:
            return source.charged_on.measure
        profile_type = self.profile_types.get(source.measured.profile_type) if source.measured else None
        return profile_type.settings.unit if profile_type else ""

    def measures_of(self, settings: AgreementTypeSettings) -> frozenset[str]:
        """What segments of a type can come to: the units of their usage, and the currency of their rate."""
        return frozenset({*map(self.unit_of, settings.usage), self.currencies.get(settings.rate, "")} - {""})


def still_to_hold(versions: Sequence[Version], today: int) -> Sequence[Version]:
    """Of versions by day, the one that holds today and all after it."""
    begun = [at for at, version in enumerate(versions) if version.effective_day <= today]
    return versions[begun[-1] :] if begun else versions


def faults(settings: AgreementTypeSettings, rate: str, around: Around, path: str) -> Iterator[Violation]:
    """Why a rate cannot charge the usage of a type, by the fields below `path`."""
    sources = {source.name: (f"{path}.usage[{at}]", source) for at, source in enumerate(settings.usage)}
    versions = around.rates.get(rate, ())
    holding = still_to_hold(versions, around.today)
    for version in versions:
        for component in version.components:
            if isinstance(component, Stepped | TimeOfUse | Demand):
                told = f"component {component.code} of {rate_name(rate)}, from {iso_day(version.effective_day)} on,"
                if version in holding:
                    yield from _charged(component, told, sources, around, path)
                elif component.usage in sources:
                    where, source = sources[component.usage]
                    yield from _maximum(component, source.measured, told, where)


def _charged(
    component: Charge,
    told: str,
    sources: Mapping[str, tuple[str, UsageSource]],
    around: Around,
    path: str,
) -> Iterator[Violation]:
    if component.usage not in sources:
        text = f"{told} charges usage {component.usage!r}, which the type does not have"
        yield Violation(f"{path}.usage", "RATE_USAGE_MISSING", text)
        return
    where, source = sources[component.usage]
    unit = around.unit_of(source)
    if unit and unit != component.unit:
        text = f"usage {source.name!r} is in {unit}; {told} charges {component.unit}"
        yield Violation(where, "RATE_USAGE_UNIT_DIFFERS", text)
    yield from _maximum(component, source.measured, told, where)
    if isinstance(component, Demand):
        yield from _bucket(component, source.measured, around, told, where)
    if isinstance(component, TimeOfUse):
        yield from _buckets(component, source.measured, around, told, where)


def _maximum(component: Charge, measured: Measured | None, told: str, where: str) -> Iterator[Violation]:
    if measured is None:
        return
    if isinstance(component, Demand) and not measured.maximum:
        text = f"usage {component.usage!r} is a sum; {told} is for demand, and charges a maximum"
        yield Violation(f"{where}.measured.maximum", "RATE_USAGE_NO_MAXIMUM", text)
    if measured.maximum and not isinstance(component, Demand):
        text = f"usage {component.usage!r} is a maximum, which demand components alone charge; {told} charges a sum"
        yield Violation(f"{where}.measured.maximum", "RATE_USAGE_NO_SUM", text)


def _bucket(component: Demand, measured: Measured | None, around: Around, told: str, where: str) -> Iterator[Violation]:
    scheme = measured.scheme if measured else ""
    known = around.schemes[scheme].settings.buckets if scheme in around.schemes else None
    if not component.bucket and scheme:
        text = f"{told} charges the maximum of all time, and the usage is told by bucket"
    elif component.bucket and not scheme:
        text = f"{told} charges the maximum within {component.bucket}, and the usage has no time-of-use scheme"
    elif component.bucket and known is not None and component.bucket not in known:
        text = f"{told} charges the maximum within {component.bucket}, which the scheme does not have"
    else:
        return
    yield Violation(f"{where}.measured.time_of_use_scheme_code" if measured else where, "RATE_BUCKET_MISSING", text)


def _buckets(
    component: TimeOfUse, measured: Measured | None, around: Around, told: str, where: str
) -> Iterator[Violation]:
    if measured is None or not measured.scheme:
        text = f"{told} charges by time of use, and the usage has no time-of-use scheme"
        yield Violation(where, "RATE_USAGE_UNPRICED", text)
    elif measured.scheme in around.schemes:
        lacking = around.schemes[measured.scheme].settings.buckets - {bucket for bucket, _ in component.prices}
        if lacking:
            text = f"{told} has no price for {', '.join(sorted(lacking))} of the scheme"
            yield Violation(f"{where}.measured.time_of_use_scheme_code", "RATE_USAGE_UNPRICED", text)
