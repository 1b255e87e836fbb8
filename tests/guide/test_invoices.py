"""The guide to running invoices is followed as it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guide.test_recipes import follow, whole
from tests.house.test_readme import steps
from tests.house.tree import ROOT
from tests.support.server import serving

GUIDE = ROOT / "docs/guide/invoices.md"
NOW_US = 1_775_811_600_000_000
"""2026-04-10, 11:00 in Berlin."""


@pytest.mark.slow
@pytest.mark.rule("INV-11", "INV-12", "INV-16")
@pytest.mark.usefixtures("database")
def test_the_guide_shows_what_one_sees(migrated_url: str, tmp_path: Path) -> None:
    """From a file of lines to an invoice that says why it does not close, and what is refused."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    with serving(migrated_url, tmp_path / "served", carries_out=(), jobs=False, clock_us=lambda: NOW_US) as served:
        taken = [whole(step) for step in steps(GUIDE.read_text(encoding="utf-8"))]
        seen = follow([step.command for step in taken], tmp_path, served)
    assert len(seen) == len(taken) > 10
    for step, output in zip(taken, seen, strict=True):
        assert step.matches(output), f"$ {step.command}\n{output}"
