"""What is kept of a profile, page by page."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from domain.billing.accounts import profiles
from domain.billing.configuration.model import ProfileKind
from domain.billing.usage.store import pages
from domain.billing.usage.store.pages import Kept
from domain.kernel.paging import Page
from domain.kernel.scopes import EVERYTHING, Scope

ALWAYS_US = 1 << 62
"""After every instant."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The time [from, until), in microseconds UTC."""

    from_us: int = 0
    until_us: int = ALWAYS_US


def list_page(
    tx: Connection,
    kind: ProfileKind,
    key: tuple[str, str],
    stretch: Stretch,
    page: Page,
    *,
    scope: Scope = EVERYTHING,
) -> list[Kept]:
    """One row of the profile more than the page holds, if there is one; the key is the instant.

    Raises: ProfileNotFound, also for one outside the scope.
    """
    profiles.get(tx, *key, scope)
    from_us = int(page.after[0]) + 1 if page.after else stretch.from_us
    return pages.page(tx, kind, key, from_us=from_us, until_us=stretch.until_us, limit=page.size + 1)
