"""What becomes of completing a bill when an algorithm cannot go on (BIL-12)."""

from __future__ import annotations

from domain.kernel.errors import Refused


class AlgorithmFailed(Refused):
    """An algorithm cannot do what it is for; nothing is completed."""

    reason = "ALGORITHM_FAILED"

    def __init__(self, algorithm: str, agreement: str, why: str) -> None:
        of = f" for {agreement}" if agreement else ""
        super().__init__(f"{algorithm}{of}: {why}", algorithm=algorithm, service_agreement=agreement)
