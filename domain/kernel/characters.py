"""Which characters text may hold: those that every database and file format can carry.

Refused are NUL and the other control characters but tab, line feed and carriage return, unpaired surrogates, and the
two non-characters U+FFFE and U+FFFF: the same set that XML 1.0 excludes. PostgreSQL cannot store the first, no encoding
can carry the surrogates, and ledgers that read XML would choke on the rest.
"""

from __future__ import annotations

import re

from domain.kernel.errors import Invalid, Violation

REASON = "CHARACTER_REFUSED"

_REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def character_fault(text: str) -> str:
    """A sentence that names the first refused character of `text`; empty when there is none."""
    found = _REFUSED.search(text)
    return f"must not hold the character U+{ord(found[0]):04X} (at position {found.start()})" if found else ""


def legible(text: str) -> str:
    """The text with U+FFFD in place of each refused character, for what must come out whatever came in."""
    return _REFUSED.sub("\ufffd", text)


def require_storable(**texts: str) -> None:
    """Refuse text that cannot be kept; the keywords are the fields' paths.

    Raises: Invalid with a violation (CHARACTER_REFUSED) for each field that holds a refused character.
    """
    faults = ((field, character_fault(text)) for field, text in texts.items())
    violations = [Violation(field, REASON, fault) for field, fault in faults if fault]
    if violations:
        raise Invalid(*violations)
