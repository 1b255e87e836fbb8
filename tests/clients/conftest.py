"""The servers that clients of every language are tried against."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients import whole_job


@pytest.fixture
def guarded_on_sqlite(migrated_sqlite_url: str, tmp_path: Path) -> Iterator[whole_job.Guarded]:
    """The same, for what is of the client alone and no matter of databases."""
    with whole_job.guarded(migrated_sqlite_url, tmp_path) as servers:
        yield servers


@pytest.fixture
def guarded(migrated_url: str, tmp_path: Path) -> Iterator[whole_job.Guarded]:
    """Servers without a worker that ask who calls, one of them over a way that can be cut."""
    with whole_job.guarded(migrated_url, tmp_path) as servers:
        yield servers
