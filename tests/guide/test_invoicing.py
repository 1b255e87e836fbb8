"""The first guide to invoicing is followed as it is written, from an empty server to the PDF."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guide.test_recipes import follow, whole
from tests.house.test_readme import steps
from tests.house.tree import ROOT
from tests.support.server import serving

GUIDE = ROOT / "docs/guide/invoicing.md"


@pytest.mark.slow
@pytest.mark.rule("INV-03", "INV-04", "INV-07", "INV-08", "INV-15", "INV-18")
@pytest.mark.usefixtures("database")
def test_the_guide_shows_what_one_sees(migrated_url: str, tmp_path: Path) -> None:
    """Closed, carried, aggregated, held back for a recipient, exported, published."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    with serving(migrated_url, tmp_path / "served") as served:
        taken = [whole(step) for step in steps(GUIDE.read_text(encoding="utf-8"))]
        seen = follow([step.command for step in taken], tmp_path, served)
    assert len(seen) == len(taken) > 20
    for step, output in zip(taken, seen, strict=True):
        assert step.matches(output), f"$ {step.command}\n{output}\n{''.join(seen)}"
