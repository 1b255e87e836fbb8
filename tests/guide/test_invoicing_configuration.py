"""The guide to the configuration of invoicing is tried as it is written."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.client.command import run
from tests.guide.test_recipes import follow, whole
from tests.house.test_readme import steps
from tests.house.tree import ROOT
from tests.support.server import serving

GUIDE = ROOT / "docs/guide/invoicing-configuration.md"


@pytest.mark.slow
@pytest.mark.rule("INV-02", "INV-03", "INV-15")
@pytest.mark.usefixtures("database")
def test_the_guide_shows_what_one_sees(migrated_url: str, tmp_path: Path) -> None:
    """The example is applied, what is shown changes nothing, and recipients come from a file; then its document."""
    text = GUIDE.read_text(encoding="utf-8")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    with serving(migrated_url, tmp_path / "served", carries_out=(), jobs=False) as served:
        taken = [whole(step) for step in steps(text)]
        seen = follow([step.command for step in taken], tmp_path, served)
        assert len(seen) == len(taken) > 5
        for step, output in zip(taken, seen, strict=True):
            assert step.matches(output), f"$ {step.command}\n{output}"
        (document,) = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
        path = tmp_path / "shops.yaml"
        path.write_text(document, encoding="utf-8")
        for outcome in ("created", "unchanged"):
            applied = run(served.target, "invoicing", "configure", str(path), "-o", "json")
            assert applied.exit_code == 0, applied.output
            assert set(json.loads(applied.stdout).values()) == {outcome}
