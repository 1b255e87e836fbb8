"""The guide to the configuration of invoicing, and the example, are tried as they are written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.client.command import run
from tests.house.tree import ROOT
from tests.support.server import serving


@pytest.mark.rule("INV-02", "INV-03", "INV-15")
@pytest.mark.usefixtures("database")
def test_the_example_is_applied(migrated_url: str, tmp_path: Path) -> None:
    """Everything in it is created, and nothing changes the second time."""
    with serving(migrated_url, tmp_path, carries_out=(), jobs=False) as served:
        assert run(served.target, "gl", "ledgers", "create", "BILLING").exit_code == 0
        for outcome in ("created", "unchanged"):
            example = str(ROOT / "examples/invoicing.yaml")
            applied = run(served.target, "invoicing", "configure", example, "-o", "json")
            assert applied.exit_code == 0, applied.output
            assert set(json.loads(applied.stdout).values()) == {outcome}
