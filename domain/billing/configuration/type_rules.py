"""What an SA type must be: all that is wrong with it, at once, when it is configured (BIL-01, BIL-04, BIL-16)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from decimal import Decimal

from domain.billing.configuration import fitting
from domain.billing.configuration.fitting import Around
from domain.billing.configuration.model import (
    AgreementTypeSettings,
    ChargedOn,
    Measured,
    Plausible,
    ProfileKind,
    Scheme,
)
from domain.billing.configuration.registers import AGREEMENT_TYPES
from domain.billing.names import agreement_type_name
from domain.billing.ordering.charging import type_fault
from domain.billing.ordering.model import AgreementType as Ordered
from domain.billing.ordering.rules import sequence_fault
from domain.billing.rating.model import DECIMALS_MAX
from domain.kernel.errors import Violation

WORD = AGREEMENT_TYPES.word
MONTHS_MAX = 12
ANCHOR_DAY_MAX = 28
"""The last day that every month has."""

SEGMENTS_MAX = 60
"""An average is of so many segments at most."""

PERCENT_MAX = Decimal(10**6)


def violations(
    code: str, settings: AgreementTypeSettings, around: Around, codes: Collection[str]
) -> Iterator[Violation]:
    """All that is wrong with the settings of a type but its algorithms; `codes` are distribution codes there are."""
    yield from _period(settings)
    if settings.rate not in around.currencies:
        yield Violation(f"{WORD}.rate_code", "RATE_UNKNOWN", f"there is no rate {settings.rate!r}")
    if settings.receivable not in codes:
        text = f"there is no distribution code {settings.receivable!r}"
        yield Violation(f"{WORD}.receivable_distribution_code", "DISTRIBUTION_CODE_UNKNOWN", text)
    names = [source.name for source in settings.usage]
    for at, source in enumerate(settings.usage):
        path = f"{WORD}.usage[{at}]"
        if not source.name:
            yield Violation(f"{path}.name", "FIELD_REQUIRED", "must be given")
        if source.name in names[:at]:
            yield Violation(f"{path}.name", "USAGE_TWICE", f"the type has usage {source.name!r} already")
        if source.charged_on:
            yield from _charged_on(code, settings, source.charged_on, around, f"{path}.charged_on")
    yield from surroundings(settings, around)
    yield from _charged_on_it(code, settings, around)
    if settings.plausible:
        yield from _plausible(settings.plausible, f"{WORD}.plausible_range")


def surroundings(settings: AgreementTypeSettings, around: Around) -> Iterator[Violation]:
    """What of it depends on rate, profile types and schemes, of which the first and the last can change."""
    for at, source in enumerate(settings.usage):
        if source.measured:
            yield from _measured(source.measured, around, f"{WORD}.usage[{at}].measured")
    yield from fitting.faults(settings, settings.rate, around, WORD)


def _period(settings: AgreementTypeSettings) -> Iterator[Violation]:
    if settings.sequence is not None and (fault := sequence_fault(settings.sequence)):
        yield Violation(f"{WORD}.processing_sequence", *fault)
    if not 1 <= settings.months <= MONTHS_MAX:
        text = f"must be from 1 to {MONTHS_MAX}"
        yield Violation(f"{WORD}.period_months", "PERIOD_MONTHS_OUT_OF_RANGE", text)
    if not 1 <= settings.anchor_day <= ANCHOR_DAY_MAX:
        text = f"must be from 1 to {ANCHOR_DAY_MAX}, so that every month has it"
        yield Violation(f"{WORD}.anchor_day", "ANCHOR_DAY_OUT_OF_RANGE", text)


def _measured(measured: Measured, around: Around, path: str) -> Iterator[Violation]:
    profile_type = around.profile_types.get(measured.profile_type)
    scheme = around.schemes.get(measured.scheme)
    if profile_type is None:
        text = f"there is no profile type {measured.profile_type!r}"
        yield Violation(f"{path}.profile_type_code", "PROFILE_TYPE_UNKNOWN", text)
    if measured.scheme and scheme is None:
        text = f"there is no time-of-use scheme {measured.scheme!r}"
        yield Violation(f"{path}.time_of_use_scheme_code", "TIME_OF_USE_SCHEME_UNKNOWN", text)
    if profile_type is None:
        return
    if profile_type.settings.kind is ProfileKind.REGISTER:
        text = "a register tells what was used between two reads, not when: this needs intervals"
        if measured.maximum:
            yield Violation(f"{path}.maximum", "USAGE_NEEDS_INTERVALS", text)
        if measured.scheme:
            yield Violation(f"{path}.time_of_use_scheme_code", "USAGE_NEEDS_INTERVALS", text)
    elif scheme is not None:
        yield from _finer(scheme, profile_type.settings.interval_s, f"{path}.time_of_use_scheme_code")


def _finer(scheme: Scheme, interval_s: int, path: str) -> Iterator[Violation]:
    """Buckets change between intervals alone: no interval is of two."""
    for clock in sorted({clock for row in scheme.settings.rows for clock in (row.start, row.end)}):
        seconds = clock.hour * 3600 + clock.minute * 60 + clock.second
        if seconds % interval_s or clock.microsecond:
            text = f"its buckets change at {clock.isoformat()}, in the midst of an interval of {interval_s} seconds"
            yield Violation(path, "USAGE_INTERVALS_TOO_LONG", text)
            return


def _charged_on(
    code: str, settings: AgreementTypeSettings, charged_on: ChargedOn, around: Around, path: str
) -> Iterator[Violation]:
    if not charged_on.types:
        yield Violation(f"{path}.service_agreement_type_codes", "FIELD_REQUIRED", "must name one type at least")
    if not charged_on.measure:
        yield Violation(f"{path}.measure", "FIELD_REQUIRED", "must be given")
    for at, source in enumerate(charged_on.types):
        field = f"{path}.service_agreement_type_codes[{at}]"
        found = settings if source == code else around.types[source].settings if source in around.types else None
        if found is None:
            text = f"there is no service agreement type {source!r}"
            yield Violation(field, "SERVICE_AGREEMENT_TYPE_UNKNOWN", text)
        elif fault := type_fault(Ordered(code, settings.sequence), Ordered(source, found.sequence)):
            yield Violation(field, *fault)
        elif charged_on.measure and charged_on.measure not in around.measures_of(found):
            yield Violation(f"{path}.measure", *_measure_fault(source, charged_on.measure, found, around))


def _charged_on_it(code: str, settings: AgreementTypeSettings, around: Around) -> Iterator[Violation]:
    """What other types are charged on this one for stays possible."""
    for other in around.types.values():
        for source in other.settings.usage:
            charged_on = source.charged_on
            if other.code == code or charged_on is None or code not in charged_on.types:
                continue
            if fault := type_fault(Ordered(other.code, other.settings.sequence), Ordered(code, settings.sequence)):
                yield Violation(f"{WORD}.processing_sequence", *fault)
            if charged_on.measure not in around.measures_of(settings):
                reason, text = _measure_fault(code, charged_on.measure, settings, around)
                name = agreement_type_name(other.code)
                yield Violation(f"{WORD}.usage", reason, f"{name} is charged on it: {text}")


def _measure_fault(code: str, measure: str, settings: AgreementTypeSettings, around: Around) -> tuple[str, str]:
    have = " and ".join(sorted(around.measures_of(settings))) or "nothing"
    return "CHARGE_MEASURE_MISSING", f"agreements of {code} come to {have}; only {measure} would be added up"


def _plausible(plausible: Plausible, path: str) -> Iterator[Violation]:
    low, high = plausible.low_percent, plausible.high_percent
    if not 1 <= plausible.segments <= SEGMENTS_MAX:
        yield Violation(f"{path}.segments", "PLAUSIBLE_RANGE_UNSOUND", f"must be from 1 to {SEGMENTS_MAX}")
    if low is None and high is None:
        yield Violation(
            f"{path}.high_percent", "PLAUSIBLE_RANGE_UNSOUND", "of low_percent and high_percent one at least is given"
        )
    sound = True
    for name, limit in (("low_percent", low), ("high_percent", high)):
        if limit is not None and not _is_percentage(limit):
            sound = False
            text = f"must be a decimal number from 0 to {PERCENT_MAX:,} with up to {DECIMALS_MAX} decimals, such as 150"
            yield Violation(f"{path}.{name}", "PLAUSIBLE_RANGE_UNSOUND", text)
    if sound and low is not None and high is not None and low >= high:
        yield Violation(f"{path}.high_percent", "PLAUSIBLE_RANGE_UNSOUND", "must be above low_percent")


def _is_percentage(limit: Decimal) -> bool:
    exponent = limit.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -DECIMALS_MAX and 0 <= limit <= PERCENT_MAX
