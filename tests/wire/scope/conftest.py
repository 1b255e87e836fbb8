"""A world on either database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.worlds import Worlds
from tests.wire.scope.world import World, world_at


@pytest.fixture
def world(migrated_url: str, tmp_path: Path, worlds: Worlds) -> Iterator[World]:
    with world_at(migrated_url, tmp_path, worlds) as made:
        yield made
