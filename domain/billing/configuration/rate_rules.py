"""What a version of a rate must be, told by the fields of the contract (BIL-20)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from domain.billing.configuration import vocabulary
from domain.billing.configuration.algorithm_uses import KnownDistributionCodes
from domain.billing.configuration.registers import SCHEMES
from domain.billing.rating.model import (
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
from domain.billing.rating.rules import violations
from domain.kernel.conditions.expressions import compile_condition
from domain.kernel.errors import Invalid, Violation
from domain.kernel.registers import store

CHARGES: dict[type[Component], str] = {
    Fixed: "fixed",
    Stepped: "stepped",
    TimeOfUse: "time_of_use",
    Demand: "demand",
    Minimum: "minimum",
    Percentage: "percentage",
    Tax: "tax",
    Discount: "discount",
}
"""How the contract calls what a component charges: the field that its own fields stand in."""

_SHARED = frozenset({"code", "distribution_code", "description", "rounding", "condition"})
_VERSION = re.compile(r"versions\[0]\.(.*)")
_OWN = re.compile(r"components\[([0-9]+)]\.([a-z_]+)(.*)")


@dataclass(frozen=True, slots=True)
class Given:
    """What a version is to say: components, each with its condition as text; empty: it always applies."""

    effective_day: int
    components: tuple[tuple[Component, str], ...]


def judged(
    tx: Connection, given: Given, known_codes: KnownDistributionCodes, *, currency: str, path: str
) -> tuple[Version, list[Violation]]:
    """The version, its conditions compiled, and everything that is wrong with it; `path` is the field it stands in.

    What is wrong with the currency is told of the resource that the version stands in.
    """
    found: list[Violation] = []
    components = tuple(
        _compiled(component, condition, f"{path}.components[{at}].condition", found)
        for at, (component, condition) in enumerate(given.components)
    )
    version = Version(given.effective_day, currency, components)
    buckets = frozenset[str]().union(*(scheme.settings.buckets for scheme in store.everything(tx, SCHEMES)))
    wrong = violations(Rate("-", currency, (version,)), buckets=buckets)
    found += [replace(each, field=_field(each.field, components, path)) for each in wrong]
    found += _unknown_codes(tx, components, known_codes, path)
    return version, found


def _compiled(component: Component, condition: str, path: str, found: list[Violation]) -> Component:
    if not condition:
        return component
    try:
        return replace(component, condition=compile_condition(condition, vocabulary.SEGMENTS, path=path))
    except Invalid as refused:
        found += refused.violations
        return component


def _unknown_codes(
    tx: Connection, components: tuple[Component, ...], known_codes: KnownDistributionCodes, path: str
) -> Iterator[Violation]:
    codes = {component.distribution_code for component in components} - {""}
    known = known_codes(tx, codes)
    for at, component in enumerate(components):
        if component.distribution_code in codes - known:
            text = f"there is no distribution code {component.distribution_code!r}"
            yield Violation(f"{path}.components[{at}].distribution_code", "DISTRIBUTION_CODE_UNKNOWN", text)


def _field(field: str, components: tuple[Component, ...], path: str) -> str:
    """The field of the contract that stands for one of the rate as `rating` knows it."""
    below = _VERSION.fullmatch(field)
    if below is None:
        assert field == "currency", field
        return f"{path.partition('.')[0]}.currency_code"
    if below[1] == "effective_day":
        return f"{path}.effective_date"
    own = _OWN.fullmatch(below[1])
    if own is None or own[2] in _SHARED:
        return f"{path}.{below[1]}"
    name = "component_codes" if own[2] == "of" else own[2]
    return f"{path}.components[{own[1]}].{CHARGES[type(components[int(own[1])])]}.{name}{own[3]}"
