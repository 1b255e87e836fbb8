"""Sums that do not fit into 63 bits are refused, on both databases alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from domain.gl_extraction.extraction.errors import TotalTooLarge
from domain.kernel.errors import Refused

_POSTGRESQL_OUT_OF_RANGE = "22003"
_SQLITE_OVERFLOW = "integer overflow"


@contextmanager
def exact_sums(refusal: type[Refused] = TotalTooLarge) -> Iterator[None]:
    """Refuse an overflow of what is run inside. Raises: TotalTooLarge, or the refusal given."""
    try:
        yield
    except DBAPIError as error:
        if getattr(error.orig, "pgcode", "") == _POSTGRESQL_OUT_OF_RANGE or str(error.orig) == _SQLITE_OVERFLOW:
            raise refusal from None
        raise
