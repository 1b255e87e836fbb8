"""The guide to the configuration of accounting is tried as it is written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from domain.accounting.configuration.vocabulary import OPERATIONS, SIDES
from domain.kernel.conditions.shapes import Shape
from tests.client.command import run
from tests.house.tree import ROOT
from tests.support.server import serving

GUIDE = ROOT / "docs/guide/accounting-configuration.md"
FIELD = re.compile(r"`([a-z]+\.[a-z_]+)`")


def fields(shape: Shape) -> set[str]:
    return {f"{root}.{field}" for root, of_root in shape.roots.items() for field in of_root}


@pytest.mark.rule("ACC-01", "ACC-02", "ACC-10")
@pytest.mark.usefixtures("database")
def test_the_document_of_the_guide_is_applied(migrated_url: str, tmp_path: Path) -> None:
    """Everything in it is created, and nothing changes the second time."""
    text = GUIDE.read_text(encoding="utf-8")
    (document,) = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    path, connections = tmp_path / "accounting.yaml", tmp_path / "systems.toml"
    path.write_text(document, encoding="utf-8")
    connections.write_text(
        '[[systems_of_record]]\nname = "core-bank"\nkind = "grpc"\ntarget = "127.0.0.1:9"\ntls = false\n'
    )
    chosen: dict[str, Any] = {"jobs": False, "systems_of_record_file": connections, "systems_of_record_loopback": True}
    with serving(migrated_url, tmp_path, carries_out=(), **chosen) as served:
        assert run(served.target, "gl", "ledgers", "create", "MAIN").exit_code == 0
        for code in ("SUSPENSE", "ACCOUNT_HOLDER"):
            made = run(served.target, "gl", "distribution-codes", "create", code, "--ledger", "MAIN")
            assert made.exit_code == 0, made.output
        for outcome in ("created", "unchanged"):
            applied = run(served.target, "accounting", "config", "import", str(path), "-o", "json")
            assert applied.exit_code == 0, applied.output
            assert set(json.loads(applied.stdout).values()) == {outcome}


@pytest.mark.rule("ACC-02", "ACC-10")
def test_the_guide_names_every_field_of_conditions_and_no_other() -> None:
    """With where each can be read."""
    rows = [line.split("|")[1:4] for line in GUIDE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    told = [(set(FIELD.findall(named)), operations.strip(), sides.strip()) for named, operations, sides in rows]
    assert set().union(*(names for names, of_operations, _ in told if of_operations == "yes")) == fields(OPERATIONS)
    assert set().union(*(names for names, _, of_sides in told if of_sides == "yes")) == fields(SIDES)
