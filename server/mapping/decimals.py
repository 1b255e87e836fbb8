"""Exact decimals as `google.type.Decimal`."""

from __future__ import annotations

import re
from decimal import Decimal

from google.type.decimal_pb2 import Decimal as DecimalProto

_TEXT_MAX = 64
_TEXT = re.compile(r"[+-]?(?=\.?[0-9])[0-9]*\.?[0-9]*(?:[eE][+-]?[0-9]{1,4})?")


def decimal_from_proto(given: DecimalProto) -> Decimal:
    """The decimal that was given, as exact; NaN for a text that is none, also an empty one. The domain refuses it."""
    sound = len(given.value) <= _TEXT_MAX and _TEXT.fullmatch(given.value)
    number = Decimal(given.value if sound else "NaN")
    return number or Decimal(0)  # its exponent, which may be any, says nothing


def decimal_to_proto(number: Decimal) -> DecimalProto:
    """A decimal of the domain, which is finite, without an exponent."""
    return DecimalProto(value=f"{number:f}")
