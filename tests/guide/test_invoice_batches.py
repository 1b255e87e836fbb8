"""The guide to invoice batches is followed as it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.invoicing.batches.hooks import GO_ON, Asked, Hookpoint, Point
from tests.guide.test_recipes import follow, whole
from tests.house.test_readme import steps
from tests.house.tree import ROOT
from tests.support.server import serving

GUIDE = ROOT / "docs/guide/invoice-batches.md"
NOW_US = 1_775_811_600_000_000
"""2026-04-10, 11:00 in Berlin."""


@pytest.mark.slow
@pytest.mark.rule("INV-02", "INV-18", "INV-21")
@pytest.mark.usefixtures("database")
def test_the_guide_shows_what_one_sees(migrated_url: str, tmp_path: Path) -> None:
    """A batch that waits says why, and is canceled."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    with serving(migrated_url, tmp_path / "served", clock_us=lambda: NOW_US) as served:
        taken = [whole(step) for step in steps(GUIDE.read_text(encoding="utf-8"))]
        seen = follow([step.command for step in taken], tmp_path, served)
    assert len(seen) == len(taken) > 8
    for step, output in zip(taken, seen, strict=True):
        assert step.matches(output), f"$ {step.command}\n{output}"


@pytest.mark.rule("INV-10")
def test_the_hook_of_the_guide_decides() -> None:
    """As the guide says of it."""
    code = GUIDE.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    names: dict[str, object] = {}
    exec(code, names)  # noqa: S102 - our own page
    offered = names["offered"]
    assert isinstance(offered, Hookpoint)
    few = Asked("enough", Point.CLOSED, "b", "C", (), {"closed": 9})
    assert offered.decide(few).message == "too few"
    assert offered.decide(Asked("enough", Point.CLOSED, "b", "C", (), {"closed": 10})) == GO_ON
