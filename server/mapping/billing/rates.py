"""Rates, their versions and components as the contract tells them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from countinghouse.billing.v1 import rates_pb2 as pb
from domain.billing.configuration.model import RateVersion
from domain.billing.configuration.rate_rules import CHARGES, Given
from domain.billing.configuration.rates import NewRate, Told
from domain.billing.names import rate_name, rate_version_name
from domain.billing.rating.model import (
    Component,
    Demand,
    Discount,
    Fixed,
    Minimum,
    Percentage,
    Step,
    Stepped,
    Tax,
    TimeOfUse,
)
from domain.kernel.money import Rounding
from domain.kernel.registers.service import Change
from domain.kernel.taxes import TaxCategory
from domain.kernel.time import real_day
from server.mapping.days import day_to_proto
from server.mapping.decimals import decimal_from_proto, decimal_to_proto
from server.mapping.operations import instant_to_proto
from server.mapping.updates import asked_fields, updated_code

# Looked up when the module loads: a word of the domain that the contract lacks stops the server.
_ROUNDINGS = {each: pb.RoundingMode.Value(f"ROUNDING_MODE_{each.name}") for each in Rounding}
_ROUNDINGS_BY_NUMBER = {number: each for each, number in _ROUNDINGS.items()}
_NO_DAY = -1

_Fields: TypeAlias = dict[str, Any]


def rate_to_proto(told: Told) -> pb.Rate:
    """A rate with its newest version."""
    rate = told.rate
    return pb.Rate(
        name=rate_name(rate.code),
        code=rate.code,
        description=rate.description,
        currency_code=rate.currency,
        newest_version=version_to_proto(told.newest),
        create_time=instant_to_proto(rate.created_us),
        update_time=instant_to_proto(rate.updated_us),
        etag=rate.etag,
    )


def version_to_proto(version: RateVersion) -> pb.RateVersion:
    """A version of a rate."""
    return pb.RateVersion(
        name=rate_version_name(version.code, version.rate_version),
        version=version.rate_version,
        effective_date=day_to_proto(version.settings.effective_day),
        components=map(_component_to_proto, version.settings.components),
        create_time=instant_to_proto(version.created_us),
        creator=version.created_by,
    )


def new_rate_from_proto(given: pb.Rate) -> NewRate:
    """A rate as it is to be."""
    return NewRate(given.code, given.description, given.currency_code, given_from_proto(given.newest_version))


def given_from_proto(given: pb.RateVersion) -> Given:
    """What a version is to say; the domain refuses days and decimals that are none."""
    date = given.effective_date
    day = real_day(date.year, date.month, date.day)
    return Given(
        _NO_DAY if day is None else day,
        tuple((_component_from_proto(component), component.condition) for component in given.components),
    )


def rate_change(request: pb.UpdateRateRequest) -> Change:
    """What is changed of which rate. Raises: Invalid as `updated_code`."""
    code = updated_code(request.rate, request.update_mask, word="rate", name_of=rate_name)
    asked = asked_fields(request.rate, request.update_mask, ("description",))
    return Change(code, request.rate.etag, {name: getattr(request.rate, name) for name in asked})


def code_from_name(name: str) -> str:
    """The code in `rates/{code}`."""
    return name.rpartition("/")[2]


def version_key_from_name(name: str) -> tuple[str, int]:
    """Code and number in `rates/{code}/versions/{number}`."""
    _, code, _, number = name.split("/")
    return code, int(number)


def _component_to_proto(component: Component) -> pb.RateComponent:
    return pb.RateComponent(
        code=component.code,
        distribution_code=component.distribution_code,
        rounding=_ROUNDINGS[component.rounding],
        condition=component.condition.text if component.condition else "",
        description=component.description,
        **{CHARGES[type(component)]: _charge_to_proto(component)},
    )


def _charge_to_proto(component: Component) -> Any:  # noqa: ANN401 - the message of its kind
    match component:
        case Fixed():
            return pb.FixedCharge(price=decimal_to_proto(component.price))
        case Stepped():
            return pb.SteppedCharge(
                usage=component.usage, unit=component.unit, steps=map(_step_to_proto, component.steps)
            )
        case TimeOfUse():
            told = dict(component.descriptions)
            prices = (
                pb.BucketPrice(bucket=bucket, price=decimal_to_proto(price), description=told.get(bucket, ""))
                for bucket, price in component.prices
            )
            return pb.TimeOfUseCharge(usage=component.usage, unit=component.unit, prices=prices)
        case Demand():
            price = decimal_to_proto(component.price)
            return pb.DemandCharge(usage=component.usage, unit=component.unit, price=price, bucket=component.bucket)
        case Minimum():
            return pb.MinimumCharge(amount=decimal_to_proto(component.amount), component_codes=component.of)
        case Percentage():
            message = {Tax: pb.TaxCharge, Discount: pb.DiscountCharge}.get(type(component), pb.PercentageCharge)
            own = {"tax_category": component.tax_category or ""} if isinstance(component, Tax) else {}
            return message(percent=decimal_to_proto(component.percent), component_codes=component.of, **own)
        case _:
            raise AssertionError(component)


def _step_to_proto(step: Step) -> pb.RateStep:
    limit = None if step.limit is None else decimal_to_proto(step.limit)
    return pb.RateStep(price=decimal_to_proto(step.price), limit=limit, description=step.description)


def _component_from_proto(given: pb.RateComponent) -> Component:
    charge = given.WhichOneof("charge")
    assert charge is not None, "the gate asks for one"
    shared: _Fields = {
        "code": given.code,
        "distribution_code": given.distribution_code,
        "description": given.description,
    }
    if given.rounding:
        shared["rounding"] = _ROUNDINGS_BY_NUMBER[given.rounding]
    return _READERS[charge](shared, getattr(given, charge))


def _fixed(shared: _Fields, given: pb.FixedCharge) -> Component:
    return Fixed(**shared, price=decimal_from_proto(given.price))


def _stepped(shared: _Fields, given: pb.SteppedCharge) -> Component:
    steps = tuple(
        Step(
            decimal_from_proto(step.price),
            decimal_from_proto(step.limit) if step.HasField("limit") else None,
            step.description,
        )
        for step in given.steps
    )
    return Stepped(**shared, usage=given.usage, unit=given.unit, steps=steps)


def _time_of_use(shared: _Fields, given: pb.TimeOfUseCharge) -> Component:
    prices = tuple((each.bucket, decimal_from_proto(each.price)) for each in given.prices)
    told = tuple((each.bucket, each.description) for each in given.prices if each.description)
    return TimeOfUse(**shared, usage=given.usage, unit=given.unit, prices=prices, descriptions=told)


def _demand(shared: _Fields, given: pb.DemandCharge) -> Component:
    price = decimal_from_proto(given.price)
    return Demand(**shared, usage=given.usage, unit=given.unit, price=price, bucket=given.bucket)


def _minimum(shared: _Fields, given: pb.MinimumCharge) -> Component:
    return Minimum(**shared, amount=decimal_from_proto(given.amount), of=tuple(given.component_codes))


def _percentage(shared: _Fields, given: pb.PercentageCharge) -> Component:
    return Percentage(**shared, percent=decimal_from_proto(given.percent), of=tuple(given.component_codes))


def _tax(shared: _Fields, given: pb.TaxCharge) -> Component:
    category = TaxCategory(given.tax_category) if given.tax_category else None
    percent = decimal_from_proto(given.percent)
    return Tax(**shared, percent=percent, of=tuple(given.component_codes), tax_category=category)


def _discount(shared: _Fields, given: pb.DiscountCharge) -> Component:
    return Discount(**shared, percent=decimal_from_proto(given.percent), of=tuple(given.component_codes))


_READERS: dict[str, Callable[[_Fields, Any], Component]] = {
    "fixed": _fixed,
    "stepped": _stepped,
    "time_of_use": _time_of_use,
    "demand": _demand,
    "minimum": _minimum,
    "percentage": _percentage,
    "tax": _tax,
    "discount": _discount,
}
assert _READERS.keys() == set(CHARGES.values())
