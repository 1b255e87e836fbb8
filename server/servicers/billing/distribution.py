"""What SA types and customer classes of billing may name, beside what is billing's own."""

from __future__ import annotations

from domain.billing.algorithms.registry import Algorithms
from domain.billing.configuration.algorithm_uses import Usable
from domain.kernel.call import Call
from server.servicers.distribution import known_codes


def usable(algorithms: Algorithms, call: Call) -> Usable:
    """What uses of algorithms may name, for the caller."""
    return Usable(algorithms, known_codes(call))
