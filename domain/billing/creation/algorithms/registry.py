"""The algorithms that create data, by code (BIL-23)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from domain.billing.creation.algorithms.constant import CONSTANT
from domain.billing.creation.algorithms.factor import FACTOR
from domain.billing.creation.algorithms.model import CreationAlgorithm
from domain.billing.creation.algorithms.sums import DIFFERENCE, SUM

BUILT_IN: tuple[CreationAlgorithm, ...] = (CONSTANT, DIFFERENCE, FACTOR, SUM)
"""Those that ship with the product: one line each."""

CREATIONS: Mapping[str, CreationAlgorithm] = MappingProxyType({each.code: each for each in BUILT_IN})
"""By code."""
