"""The guide to the configuration of billing is tried as it is written."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.client.command import run
from tests.house.tree import ROOT
from tests.support.server import serving

GUIDE = ROOT / "docs/guide/billing-configuration.md"


@pytest.mark.rule("BIL-12", "BIL-20", "BIL-21", "BIL-30")
@pytest.mark.usefixtures("database")
def test_the_document_of_the_guide_is_applied(migrated_url: str, tmp_path: Path) -> None:
    """Everything in it is created, and nothing changes the second time."""
    (document,) = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
    path = tmp_path / "billing.yaml"
    path.write_text(document, encoding="utf-8")
    with serving(migrated_url, tmp_path, carries_out=(), jobs=False) as served:
        for outcome in ("created", "unchanged"):
            applied = run(served.target, "billing", "configure", str(path), "-o", "json")
            assert applied.exit_code == 0, applied.output
            assert set(json.loads(applied.stdout).values()) == {outcome}
