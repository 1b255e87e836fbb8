"""Legal numbers as people read them (INV-20)."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"(?P<prefix>.*?)(?P<year>[0-9]{4})-(?P<no>[0-9]{8,18})", flags=re.DOTALL)
_YEAR = 10_000  # days are yyyymmdd


def number_text(prefix: str, issue_day: int, number_no: int) -> str:
    """A number of a series: prefix, the year of issue, a dash and at least eight digits."""
    return f"{prefix}{issue_day // _YEAR}-{number_no:08d}"


def read_number(text: str) -> tuple[str, int, int] | None:
    """Prefix, year and number of a text that `number_text` could have written; None for another."""
    found = _NUMBER.fullmatch(text)
    return (found["prefix"], int(found["year"]), int(found["no"])) if found else None
