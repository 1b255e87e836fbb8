"""`countinghouse billing configure`: what billing is configured with as one document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.client.command import run
from tests.support.server import Served
from tests.wire.billing.registry import Registry, day

JULY = {"code": "JUL", **dict.fromkeys(("startDate", "endDate", "throughDate"), day(2026, 7, 1))}


def shown(utility: Served) -> dict[str, Any]:
    result = run(utility.target, "billing", "configuration")
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def applied(utility: Served, folder: Path, document: object) -> dict[str, str]:
    """What became of each resource that was not left as it was."""
    path = folder / "billing.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    result = run(utility.target, "billing", "configure", str(path), "-o", "json")
    assert result.exit_code == 0, result.output
    return {name: outcome for name, outcome in json.loads(result.stdout).items() if outcome != "unchanged"}


@pytest.mark.rule("BIL-01", "BIL-20", "BIL-30")
def test_what_is_shown_can_be_applied_and_changes_nothing_twice(utility: Served, tmp_path: Path) -> None:
    """What is new is created, what differs is changed or gets a version, and the rest is left as it is."""
    document = shown(utility)
    created = [each for each in document["profileTypes"] if each.pop("creationAlgorithm", None)]
    for each in created:  # there are no algorithms that create data: an update with one would be refused
        document["profileTypes"].remove(each)
    assert applied(utility, tmp_path, document) == {}
    document["customerClasses"][0]["dueDays"] = 45
    document["timeOfUseSchemes"].append({"code": "FLAT", "otherwise": "ALL"})
    document["billCycles"][0]["windows"] = [JULY]
    document["billCycles"].append({"code": "WEST", "windows": [JULY, {**JULY, "code": "LATE", "freeze": True}]})
    document["billCycles"][-1]["windows"][1] |= dict.fromkeys(("startDate", "endDate"), day(2026, 7, 2))
    power = next(rate for rate in document["rates"] if rate["code"] == "POWER")
    power["newestVersion"]["effectiveDate"] = day(2027, 1, 1)
    assert applied(utility, tmp_path, document) == {
        "customerClasses/FIRM": "changed",
        "timeOfUseSchemes/FLAT": "created",
        "rates/POWER": "changed",
        "billCycles/NORTH/windows/JUL": "created",
        "billCycles/WEST": "created",
        "billCycles/WEST/windows/JUL": "created",
        "billCycles/WEST/windows/LATE": "created",
    }
    assert applied(utility, tmp_path, document) == {}
    document["billCycles"][-1]["windows"][1]["complete"] = True
    assert applied(utility, tmp_path, document) == {"billCycles/WEST/windows/LATE": "changed"}
    windows = shown(utility)["billCycles"][-1]["windows"]
    assert [(window["code"], window.get("complete", False)) for window in windows] == [("JUL", False), ("LATE", True)]


@pytest.mark.rule("BIL-30", "PLT-07")
def test_what_is_refused_is_named_and_what_came_before_it_stays(
    utility: Served, registry: Registry, tmp_path: Path
) -> None:
    """The next time goes on from there."""
    cycle = {"code": "WEST", "windows": [JULY, {**JULY, "code": "AUG"}]}
    path = tmp_path / "billing.json"
    path.write_text(json.dumps({"billCycles": [cycle]}))
    refused = run(utility.target, "billing", "configure", str(path))
    assert refused.exit_code != 0
    assert "billCycles/WEST/windows/AUG was not applied; the 2 before it were." in refused.stderr
    assert "WINDOWS_OVERLAP" in refused.stderr
    assert registry.get("BillCycleWindow", "billCycles/WEST/windows/JUL").code == "JUL"
    cycle["windows"] = [JULY]
    assert applied(utility, tmp_path, {"billCycles": [cycle]}) == {}


@pytest.mark.rule("PLT-07")
@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"clients": []}, "clients: there is no such kind"),
        ({"billCycles": {"code": "A"}}, "billCycles: must be a list"),
        ({"billCycles": [{"code": "A", "windows": "JUL"}]}, "billCycles[0].windows: must be a list"),
        ({"billCycles": [{"code": "A", "windows": [{"colour": 1}]}]}, "billCycles[0].windows[0]"),
        ({"billCycles": [{"code": "A", "windows": [{}]}]}, "billCycles[0].windows[0]: code must be given"),
        ({"billCycles": [1]}, "billCycles[0]"),
    ],
)
def test_a_document_that_is_none_is_refused_before_anything_is_sent(
    tmp_path: Path, document: object, told: str
) -> None:
    """With the place in it; no server is asked."""
    path = tmp_path / "billing.json"
    path.write_text(json.dumps(document))
    refused = run("127.0.0.1:9", "billing", "configure", str(path))
    assert refused.exit_code == 2
    assert told in " ".join(refused.stderr.split())
