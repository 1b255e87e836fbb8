"""What becomes of completing a bill when an algorithm cannot go on (BIL-12)."""

from __future__ import annotations

from domain.kernel.errors import Refused, Unavailable


class AlgorithmFailed(Refused):
    """An algorithm cannot do what it is for; nothing is completed."""

    reason = "ALGORITHM_FAILED"

    def __init__(self, algorithm: str, agreement: str, why: str) -> None:
        super().__init__(_sentence(algorithm, agreement, why), algorithm=algorithm, service_agreement=agreement)


class AlgorithmUnavailable(Unavailable):
    """An algorithm that is asked over the network gives no answer; nothing is completed, and it may be tried again."""

    reason = "ALGORITHM_UNAVAILABLE"

    def __init__(self, algorithm: str, agreement: str, why: str) -> None:
        super().__init__(_sentence(algorithm, agreement, why), algorithm=algorithm, service_agreement=agreement)


def _sentence(algorithm: str, agreement: str, why: str) -> str:
    of = f" for {agreement}" if agreement else ""
    return f"{algorithm}{of}: {why}"
