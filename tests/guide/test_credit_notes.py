"""The guide to credit notes is followed as it is written, the month between its halves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guide.test_recipes import follow, whole
from tests.house.test_readme import steps
from tests.house.tree import ROOT
from tests.invoicing.invoices.office import at
from tests.support.server import serving

GUIDE = ROOT / "docs/guide/credit-notes.md"
LATER = "## In May"


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.rule("INV-17", "INV-20")
@pytest.mark.usefixtures("database")
def test_the_guide_shows_what_one_sees(migrated_url: str, tmp_path: Path) -> None:
    """An invoice is given back in two pieces, by a batch of their own."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    clock = {"now_us": 0}
    before, later, after = GUIDE.read_text(encoding="utf-8").partition(LATER)
    assert later
    with serving(migrated_url, tmp_path / "served", clock_us=lambda: clock["now_us"]) as served:
        for text, now in ((before, "2026-04-10T11:00"), (after, "2026-05-04T09:00")):
            clock["now_us"] = at(now)
            taken = [whole(step) for step in steps(text)]
            seen = follow([step.command for step in taken], tmp_path, served)
            assert len(seen) == len(taken) > 6
            for step, output in zip(taken, seen, strict=True):
                assert step.matches(output), f"$ {step.command}\n{output}"
