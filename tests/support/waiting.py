"""Waiting with an end to it."""

import time
from collections.abc import Callable


def wait_for(condition: Callable[[], object], timeout_s: float = 20, what: str = "it") -> None:
    """Wait until `condition` gives something true; fail when it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout_s} s for {what}"
        time.sleep(0.01)
