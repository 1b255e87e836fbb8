"""What the code under test says in the log."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import structlog
from structlog.testing import capture_logs


@contextmanager
def heard(module: ModuleType) -> Iterator[list[MutableMapping[str, Any]]]:
    """What a module's `log` says, of every level, however logging was configured before in this process.

    The module gets a new logger for it: one that was used keeps to the configuration that it met.
    """
    before, kept = structlog.get_config(), module.log
    structlog.reset_defaults()
    module.log = structlog.get_logger()  # type: ignore[attr-defined]
    try:
        with capture_logs() as logs:
            yield logs
    finally:
        module.log = kept  # type: ignore[attr-defined]
        structlog.configure(**before)
