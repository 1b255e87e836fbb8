"""What conditions of rates can read, and how the values for it are made (BIL-20)."""

from __future__ import annotations

from collections.abc import Mapping

from domain.kernel.conditions.shapes import Kind, Shape, Value

_ACCOUNT = {"code": Kind.TEXT, "customer_class": Kind.TEXT, "attributes": Kind.TEXT_MAP}
_AGREEMENT = {"code": Kind.TEXT, "type": Kind.TEXT, "rate": Kind.TEXT, "attributes": Kind.TEXT_MAP}
_PREMISE = {"code": Kind.TEXT, "attributes": Kind.TEXT_MAP}
_SEGMENT = {"start": Kind.INTEGER, "end": Kind.INTEGER, "days": Kind.INTEGER}

SEGMENTS = Shape({"account": _ACCOUNT, "agreement": _AGREEMENT, "premise": _PREMISE, "segment": _SEGMENT})
"""All about a segment that is being rated."""


def account_values(code: str, customer_class: str, attributes: Mapping[str, str]) -> Mapping[str, Value]:
    """The root `account`."""
    return {"code": code, "customer_class": customer_class, "attributes": attributes}


def agreement_values(code: str, agreement_type: str, rate: str, attributes: Mapping[str, str]) -> Mapping[str, Value]:
    """The root `agreement`; `rate` is the one that it is rated by."""
    return {"code": code, "type": agreement_type, "rate": rate, "attributes": attributes}


def premise_values(code: str, attributes: Mapping[str, str]) -> Mapping[str, Value]:
    """The root `premise`; of an agreement without one the code is empty, and there are no attributes."""
    return {"code": code, "attributes": attributes}


def segment_values(start: int, end: int, days: int) -> Mapping[str, Value]:
    """The root `segment`: the days [start, end) as yyyymmdd, and how many they are."""
    return {"start": start, "end": end, "days": days}
