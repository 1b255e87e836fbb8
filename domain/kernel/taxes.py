"""The tax categories of EN 16931 (UNCL 5305), in whose terms lines are taxed."""

from __future__ import annotations

from enum import StrEnum


class TaxCategory(StrEnum):
    """How a line is taxed."""

    STANDARD = "S"
    ZERO = "Z"
    EXEMPT = "E"
    REVERSE_CHARGE = "AE"
    INTRA_COMMUNITY = "K"
    EXPORT = "G"
    OUTSIDE_SCOPE = "O"
    CANARY_ISLANDS = "L"
    CEUTA_MELILLA = "M"


RATED = frozenset({TaxCategory.STANDARD, TaxCategory.CANARY_ISLANDS, TaxCategory.CEUTA_MELILLA})
"""The categories that have a rate; that of the others is 0. The standard one is above 0."""

REASONED = frozenset(
    {
        TaxCategory.EXEMPT,
        TaxCategory.REVERSE_CHARGE,
        TaxCategory.INTRA_COMMUNITY,
        TaxCategory.EXPORT,
        TaxCategory.OUTSIDE_SCOPE,
    }
)
"""The categories of which an invoice says why no tax is due."""
