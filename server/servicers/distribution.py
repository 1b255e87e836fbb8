"""What the general ledger's room knows of distribution codes, for rooms that are configured with them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial

from domain.gl_extraction.distribution import service
from domain.kernel.call import Call
from domain.kernel.scopes import Scope
from server.call import Tx


def known_codes(call: Call) -> Callable[[Tx, Collection[str]], frozenset[str]]:
    """Gives those of some distribution codes that there are, for the caller."""
    return partial(_known, call.scope)


def _known(scope: Scope, tx: Tx, codes: Collection[str]) -> frozenset[str]:
    return service.known(tx, codes, scope)
