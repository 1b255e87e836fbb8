"""The servers that clients of every language are tried against."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients import whole_job


@pytest.fixture
def guarded(migrated_url: str, tmp_path: Path) -> Iterator[whole_job.Guarded]:
    """Servers without a worker that ask who calls, one of them over a way that can be cut."""
    with whole_job.guarded(migrated_url, tmp_path) as servers:
        yield servers
