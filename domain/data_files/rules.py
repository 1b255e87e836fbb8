"""What a data file set may be called."""

from __future__ import annotations

import re

OF_INVOICES = "invoices-"
"""What the codes of sets begin with that invoice batches are exported to; nobody else's do."""

_CODE = re.compile(r"[A-Za-z0-9._-]{1,64}")


def is_code(text: str) -> bool:
    """Whether a set may have this code: it becomes part of resource names, and of folders that clients make.

    Codes of dots alone are refused: in a path they would mean another folder.
    """
    return _CODE.fullmatch(text) is not None and text.strip(".") != ""
