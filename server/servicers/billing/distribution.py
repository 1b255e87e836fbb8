"""What the general ledger's room knows of distribution codes, for what billing is configured with."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from domain.billing.algorithms.registry import Algorithms
from domain.billing.configuration.algorithm_uses import Usable
from domain.gl_extraction.distribution import service
from domain.kernel.call import Call
from domain.kernel.scopes import Scope
from server.call import Tx


def known_codes(scope: Scope, tx: Tx, codes: Collection[str]) -> frozenset[str]:
    """Those of some distribution codes that there are, for the caller."""
    return service.known(tx, codes, scope)


def usable(algorithms: Algorithms, call: Call) -> Usable:
    """What uses of algorithms may name, for the caller."""
    return Usable(algorithms, partial(known_codes, call.scope))
