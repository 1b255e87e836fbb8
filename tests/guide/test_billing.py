"""The guide to billing is followed as it is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guide.test_recipes import follow, whole
from tests.house.test_readme import steps
from tests.house.tree import ROOT
from tests.support.server import Served, serving

GUIDE = ROOT / "docs/guide/billing.md"


@pytest.fixture
def served(migrated_url: str, tmp_path: Path) -> Iterator[Served]:
    """A server that carries nothing out, open to everybody."""
    with serving(migrated_url, tmp_path / "served", carries_out=(), jobs=False) as one:
        yield one


@pytest.mark.slow
@pytest.mark.usefixtures("database")
@pytest.mark.rule("PLT-40", "BIL-20", "BIL-21", "BIL-24")
def test_the_ten_minutes_show_what_one_sees(served: Served, tmp_path: Path) -> None:
    """From an empty database to a bill that is explained, completed and corrected, by the command line alone."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    taken = [whole(step) for step in steps(GUIDE.read_text(encoding="utf-8"))]
    seen = follow([step.command for step in taken], tmp_path, served)
    assert len(seen) == len(taken) > 15
    for step, output in zip(taken, seen, strict=True):
        assert step.matches(output), f"$ {step.command}\n{output}"
