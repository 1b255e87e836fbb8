"""The guide to rates and service agreement types is tried as it is written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from countinghouse.billing.v1.rates_pb2 import RateComponent
from domain.billing.configuration.vocabulary import SEGMENTS
from tests.client.command import run
from tests.house.tree import ROOT
from tests.support.server import serving

GUIDE = ROOT / "docs/guide/billing-rates.md"
NAME = re.compile(r"`([A-Za-z_]+)`")


def first_columns(heading: str) -> list[tuple[str, str]]:
    """The first two columns of the table with a heading."""
    table = GUIDE.read_text(encoding="utf-8").partition(heading)[2].partition("\n\n")[0]
    rows = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| `")]
    return [(first, second) for first, second in rows]


@pytest.mark.rule("BIL-04", "BIL-20", "BIL-21")
@pytest.mark.usefixtures("database")
def test_the_documents_of_the_guide_are_applied(migrated_url: str, tmp_path: Path) -> None:
    """Everything in them is created, nothing changes the second time, and what is printed says the same."""
    blocks = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
    document: dict[str, Any] = {}
    for block in blocks:
        document |= yaml.safe_load(block)
    codes = ("REVENUE", "TAXES", "RECEIVABLE")
    document["distributionCodes"] = [{"code": code, "ledgerCode": "MAIN"} for code in codes]
    path, printed = tmp_path / "billing.yaml", tmp_path / "printed.json"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    with serving(migrated_url, tmp_path, carries_out=(), jobs=False) as served:
        assert run(served.target, "gl", "ledgers", "create", "MAIN").exit_code == 0
        outcomes: dict[str, str] = {}
        for outcome in ("created", "unchanged"):
            applied = run(served.target, "billing", "configure", str(path), "-o", "json")
            assert applied.exit_code == 0, applied.output
            outcomes = json.loads(applied.stdout)
            assert set(outcomes.values()) == {outcome}
        shown = run(served.target, "billing", "configuration")
        printed.write_text(shown.stdout, encoding="utf-8")
        again = run(served.target, "billing", "configure", str(printed), "-o", "json")
        assert json.loads(again.stdout) == outcomes
        document["rates"][1]["description"] = "sites"
        document["rates"][1]["newestVersion"]["effectiveDate"]["month"] = 2
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        changed = json.loads(run(served.target, "billing", "configure", str(path), "-o", "json").stdout)
        assert {name for name, outcome in changed.items() if outcome == "changed"} == {"rates/HEAD_OFFICE"}
        told = json.loads(run(served.target, "billing", "rate", "HEAD_OFFICE", "-o", "json").stdout)
        assert (told["description"], len(told["versions"])) == ("sites", 2)


@pytest.mark.rule("BIL-20")
def test_the_guide_names_every_charge_and_every_field_of_conditions_and_no_other() -> None:
    """As the contract and the server know them."""
    charges = [name for named, _ in first_columns("| `charge` |") for name in NAME.findall(named)]
    assert charges == [field.json_name for field in RateComponent.DESCRIPTOR.oneofs_by_name["charge"].fields]
    roots = {NAME.findall(root)[0]: set(NAME.findall(fields)) for root, fields in first_columns("| root |")}
    assert roots == {root: set(fields) for root, fields in SEGMENTS.roots.items()}
