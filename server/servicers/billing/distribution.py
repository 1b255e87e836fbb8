"""What the general ledger's room knows of distribution codes, for what billing is configured with."""

from __future__ import annotations

from collections.abc import Collection

from domain.gl_extraction.distribution import service
from domain.kernel.scopes import Scope
from server.call import Tx


def known_codes(scope: Scope, tx: Tx, codes: Collection[str]) -> frozenset[str]:
    """Those of some distribution codes that there are, for the caller."""
    return service.known(tx, codes, scope)
