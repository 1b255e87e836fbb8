"""What a rate must be: everything that is wrong with it, at once, when it is configured (BIL-20)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from decimal import Decimal

from domain.billing.rating.charges import HUNDRED
from domain.billing.rating.model import (
    DECIMALS_MAX,
    NUMBER_MAX,
    Component,
    Demand,
    Discount,
    Fixed,
    Minimum,
    Percentage,
    Rate,
    Stepped,
    Tax,
    TimeOfUse,
    Version,
)
from domain.kernel.characters import REASON, character_fault
from domain.kernel.errors import Violation
from domain.kernel.money import digits_of
from domain.kernel.taxes import RATED
from domain.kernel.time import real_day


def violations(rate: Rate, *, buckets: Collection[str]) -> Iterator[Violation]:
    """Everything that is wrong with a rate; `buckets` are those of the time-of-use schemes that there are."""
    yield from _given("code", rate.code)
    if digits_of(rate.currency) is None:
        sentence = f"{rate.currency[:8]!r} is not a currency of ISO 4217 that amounts can be in"
        yield Violation("currency", "CURRENCY_UNKNOWN", sentence)
    if not rate.versions:
        yield Violation("versions", "RATE_WITHOUT_VERSION", "must have one version at least")
    days = [version.effective_day for version in rate.versions]
    for place, version in enumerate(rate.versions):
        path = f"versions[{place}]"
        if version.effective_day in days[:place]:
            sentence = "another version is effective from the same day; of one day there is one version"
            yield Violation(f"{path}.effective_day", "RATE_VERSION_TWICE", sentence)
        yield from _version(path, version, rate.currency, buckets)


def _version(path: str, version: Version, currency: str, buckets: Collection[str]) -> Iterator[Violation]:
    day = version.effective_day
    if day < 0 or real_day(day // 10_000, day // 100 % 100, day % 100) is None:
        yield Violation(f"{path}.effective_day", "DATE_INVALID", "the calendar has no such day")
    if version.currency != currency:
        sentence = f"must be {currency[:8]}, the rate's: amounts of two currencies are never added"
        yield Violation(f"{path}.currency", "RATE_CURRENCY_DIFFERS", sentence)
    if not version.components:
        yield Violation(f"{path}.components", "RATE_VERSION_EMPTY", "must have one component at least")
    codes = [component.code for component in version.components]
    for place, component in enumerate(version.components):
        where = f"{path}.components[{place}]"
        yield from _given(f"{where}.code", component.code)
        yield from _given(f"{where}.distribution_code", component.distribution_code)
        yield from _legible(f"{where}.description", component.description)
        if component.code in codes[:place]:
            yield Violation(f"{where}.code", "RATE_COMPONENT_TWICE", "another component of the version has this code")
        yield from _component(where, component, buckets)
        if isinstance(component, Percentage | Minimum):
            yield from _references(f"{where}.of", component.of, codes, place)


def _component(path: str, component: Component, buckets: Collection[str]) -> Iterator[Violation]:
    match component:
        case Fixed():
            yield from _number(f"{path}.price", component.price)
        case Stepped():
            yield from _usage(path, component)
            yield from _steps(path, component)
        case TimeOfUse():
            yield from _usage(path, component)
            yield from _prices(path, component, buckets)
        case Demand():
            yield from _usage(path, component)
            if component.bucket:
                yield from _bucket(path, component.bucket, buckets)
            yield from _number(f"{path}.price", component.price)
        case Minimum():
            yield from _positive_or_zero(f"{path}.amount", component.amount)
        case Percentage():
            yield from _positive_or_zero(f"{path}.percent", component.percent)
            if isinstance(component, Discount) and component.percent.is_finite() and component.percent > HUNDRED:
                sentence = "must not be above 100: more than all cannot be taken off"
                yield Violation(f"{path}.percent", "RATE_DISCOUNT_ABOVE_ALL", sentence)
            if isinstance(component, Tax):
                yield from _category(f"{path}.tax_category", component)
        case _:
            raise AssertionError(component)


def _category(path: str, tax: Tax) -> Iterator[Violation]:
    if tax.tax_category is not None and (tax.tax_category in RATED) != (tax.percent != 0):
        told = "has a percentage above zero" if tax.tax_category in RATED else "has a percentage of zero"
        yield Violation(path, "RATE_TAX_CATEGORY_UNFIT", f"the tax category {tax.tax_category} {told}")


def _usage(path: str, component: Stepped | TimeOfUse | Demand) -> Iterator[Violation]:
    yield from _given(f"{path}.usage", component.usage)
    yield from _given(f"{path}.unit", component.unit)


def _steps(path: str, component: Stepped) -> Iterator[Violation]:
    if not component.steps:
        yield Violation(f"{path}.steps", "FIELD_REQUIRED", "must have one step at least")
    last = len(component.steps) - 1
    below = Decimal(0)
    for place, step in enumerate(component.steps):
        where = f"{path}.steps[{place}]"
        yield from _legible(f"{where}.description", step.description)
        yield from _number(f"{where}.price", step.price)
        if (step.limit is None) != (place == last):
            sentence = "the last step alone has no limit, so that all usage has a price"
            yield Violation(f"{where}.limit", "RATE_STEP_LIMIT_MISPLACED", sentence)
        if step.limit is None:
            continue
        if wrong := tuple(_number(f"{where}.limit", step.limit)):
            yield from wrong
        elif step.limit <= below:
            sentence = f"must be above {below}, where the step begins"
            yield Violation(f"{where}.limit", "RATE_STEPS_NOT_GROWING", sentence)
        else:
            below = step.limit


def _prices(path: str, component: TimeOfUse, buckets: Collection[str]) -> Iterator[Violation]:
    if not component.prices:
        yield Violation(f"{path}.prices", "FIELD_REQUIRED", "must have one price at least")
    seen: set[str] = set()
    descriptions = dict(component.descriptions)
    for place, (bucket, price) in enumerate(component.prices):
        where = f"{path}.prices[{place}]"
        yield from _legible(f"{where}.description", descriptions.get(bucket, ""))
        yield from _number(f"{where}.price", price)
        yield from _bucket(where, bucket, buckets)
        if bucket in seen:
            yield Violation(f"{where}.bucket", "RATE_BUCKET_TWICE", "the bucket has a price already")
        seen.add(bucket)


def _bucket(path: str, bucket: str, buckets: Collection[str]) -> Iterator[Violation]:
    if bucket not in buckets:
        sentence = f"there is no time-of-use bucket {bucket[:64]!r}"
        yield Violation(f"{path}.bucket", "RATE_BUCKET_UNKNOWN", sentence)


def _references(path: str, of: tuple[str, ...], codes: list[str], place: int) -> Iterator[Violation]:
    if not of:
        yield Violation(path, "FIELD_REQUIRED", "must name one component at least")
    for number, code in enumerate(of):
        where = f"{path}[{number}]"
        if code in of[:number]:
            yield Violation(where, "RATE_REFERENCE_TWICE", "the component is named before, and counts once")
        if code not in codes:
            yield Violation(where, "RATE_REFERENCE_UNKNOWN", f"the version has no component {code[:64]!r}")
        elif code not in codes[:place]:
            sentence = "must stand before: a component counts on what is calculated already, never on itself"
            yield Violation(where, "RATE_REFERENCE_NOT_EARLIER", sentence)


def _given(path: str, text: str) -> Iterator[Violation]:
    if not text.strip():
        yield Violation(path, "FIELD_REQUIRED", "must be given")


def _legible(path: str, text: str) -> Iterator[Violation]:
    if fault := character_fault(text):
        yield Violation(path, REASON, fault)


def _positive_or_zero(path: str, number: Decimal) -> Iterator[Violation]:
    yield from _number(path, number)
    if number.is_finite() and number < 0:
        yield Violation(path, "RATE_NUMBER_NEGATIVE", "must not be below zero")


def _number(path: str, number: Decimal) -> Iterator[Violation]:
    if number.is_nan():
        yield Violation(path, "RATE_NUMBER_MALFORMED", "must be a decimal number such as 0.25")
    elif not number.is_finite() or number.copy_abs() > NUMBER_MAX:
        yield Violation(path, "RATE_NUMBER_TOO_LARGE", f"must not be beyond {NUMBER_MAX:,}, either way")
    elif _decimals(number) > DECIMALS_MAX:
        yield Violation(path, "RATE_NUMBER_TOO_FINE", f"must not have more than {DECIMALS_MAX} decimals")


def _decimals(number: Decimal) -> int:
    """How many decimals it needs; zeros at its end are none."""
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    if not any(digits):
        return 0
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return -(exponent + zeros)
