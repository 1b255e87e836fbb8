"""The guide to exporting and publishing is followed as it is written, the month between its halves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guide.test_recipes import follow, whole
from tests.house.test_readme import steps
from tests.house.tree import ROOT
from tests.invoicing.invoices.office import at
from tests.support.server import serving

GUIDE = ROOT / "docs/guide/invoice-export.md"
TIMES = ("2026-04-10T11:00", "2026-05-04T09:00", "2026-05-04T10:00")
ADDRESS = "export COUNTINGHOUSE_ADDRESS=127.0.0.1:50051"


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.rule("INV-06", "INV-07", "INV-08", "INV-15")
@pytest.mark.usefixtures("database")
def test_the_guide_shows_what_one_sees(migrated_url: str, tmp_path: Path) -> None:
    """From lines to published invoices, with a recipient that is missing at first."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    clock = {"now_us": 0}
    _, *blocks = GUIDE.read_text(encoding="utf-8").split("```console\n")
    assert len(blocks) == len(TIMES)
    with serving(migrated_url, tmp_path / "served", clock_us=lambda: clock["now_us"]) as served:
        for text, now in zip(blocks, TIMES, strict=True):
            clock["now_us"] = at(now)
            taken = [whole(step) for step in steps(f"```console\n{text}")]
            _, *seen = follow([ADDRESS, *(step.command for step in taken)], tmp_path, served)
            assert len(seen) == len(taken) > 6
            for step, output in zip(taken, seen, strict=True):
                assert step.matches(output), f"$ {step.command}\n{output}"
