"""Amounts as people write them."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache


@dataclass(frozen=True, slots=True)
class Notation:
    """How a file writes numbers."""

    decimal: str = "."
    thousands: str = ","
    """The separator of thousands; empty when none is allowed."""

    def parse(self, text: str) -> Decimal:
        """The amount; zero for an empty text.

        A minus on either side or parentheses around make it negative. Thousands separators must stand where thousands
        end: `1,23` is no number, for it may have meant 1.23.

        Raises:
            ValueError: It is no amount.
        """
        body = text.strip()
        if not body:
            return Decimal(0)
        negative = True
        if body.startswith("(") and body.endswith(")"):
            body = body[1:-1].strip()
        elif body.startswith("-"):
            body = body[1:].lstrip()
        elif body.endswith("-"):
            body = body[:-1].rstrip()
        else:
            negative = False
        matched = _pattern(self).fullmatch(body)
        if matched is None:
            raise ValueError(f"{text.strip()!r} is no amount")
        whole = matched["whole"].replace(self.thousands, "") if self.thousands else matched["whole"]
        amount = Decimal(f"{whole}.{matched['rest'] or 0}")
        return -amount if negative else amount


@cache
def _pattern(notation: Notation) -> re.Pattern[str]:
    whole = "[0-9]+"
    if notation.thousands:
        whole += rf"|[0-9]{{1,3}}(?:{re.escape(notation.thousands)}[0-9]{{3}})+"
    return re.compile(rf"(?P<whole>{whole})(?:{re.escape(notation.decimal)}(?P<rest>[0-9]*))?")
