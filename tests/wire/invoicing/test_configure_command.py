"""`countinghouse invoicing configure`: what invoicing is configured with as one document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from domain.invoicing.configuration import schedules
from domain.kernel.call import Call
from server.database.transaction import Database
from tests.client.command import run
from tests.support.server import Served
from tests.wire.invoicing.conftest import NOW_US
from tests.wire.invoicing.desk import Desk

CALL = Call(caller="engine", method="", request_id="", now_us=NOW_US)


def shown(books: Served) -> dict[str, Any]:
    result = run(books.target, "invoicing", "configuration")
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def applied(books: Served, folder: Path, document: object) -> dict[str, str]:
    """What became of each resource that was not left as it was."""
    path = folder / "invoicing.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    result = run(books.target, "invoicing", "configure", str(path), "-o", "json")
    assert result.exit_code == 0, result.output
    return {name: outcome for name, outcome in json.loads(result.stdout).items() if outcome != "unchanged"}


@pytest.mark.rule("INV-02", "INV-03", "INV-15")
def test_what_is_shown_can_be_applied_and_changes_nothing_twice(
    books: Served, desk: Desk, database: Database, tmp_path: Path
) -> None:
    """What is new is created, what differs is changed, and the rest is left as it is: also what is closed."""
    desk.issuer()
    desk.cycle()
    march = {"code": "march", "startTime": "2026-02-28T23:00:00Z", "endTime": "2026-03-31T21:59:59Z"}
    document = shown(books)
    assert applied(books, tmp_path, document) == {}
    document["issuers"][0]["note"] = "Danke"
    document["billingCycles"][0]["schedules"] = [march, {"code": "april"}]
    document["billingCycles"].append({**document["billingCycles"][0], "code": "QUARTERLY", "periodCount": 3})
    document["billingCycles"][1]["schedules"] = [march]
    assert applied(books, tmp_path, document) == {
        "issuers/STADTWERKE": "changed",
        "billingCycles/MONTHLY/schedules/march": "created",
        "billingCycles/MONTHLY/schedules/april": "created",
        "billingCycles/QUARTERLY": "created",
        "billingCycles/QUARTERLY/schedules/march": "created",
    }
    locked = database.write(lambda tx: schedules.lock_named(tx, "MONTHLY", ["march"]))
    database.write(lambda tx: schedules.close(tx, CALL, locked))
    assert applied(books, tmp_path, document) == {}
    document["billingCycles"][0]["schedules"][1]["endTime"] = "2026-05-15T22:00:00Z"
    assert applied(books, tmp_path, document) == {"billingCycles/MONTHLY/schedules/april": "changed"}
    told = {cycle["code"]: cycle.get("schedules", []) for cycle in shown(books)["billingCycles"]}
    assert [each["code"] for each in told["MONTHLY"]] == ["april"], "those that are open"
    assert told["QUARTERLY"] == [{**march, "endTime": "2026-03-31T22:00:00Z"}]


@pytest.mark.rule("INV-02", "PLT-07")
def test_what_is_refused_is_named_and_what_came_before_it_stays(books: Served, desk: Desk, tmp_path: Path) -> None:
    """The next time goes on from there."""
    desk.issuer()
    desk.cycle()
    (cycle,) = shown(books)["billingCycles"]
    march = {"code": "march", "startTime": "2026-02-28T23:00:00Z"}
    cycle["schedules"] = [march, {"code": "june", "startTime": "2026-05-31T22:00:00Z"}]
    path = tmp_path / "invoicing.json"
    path.write_text(json.dumps({"billingCycles": [cycle]}))
    refused = run(books.target, "invoicing", "configure", str(path))
    assert refused.exit_code != 0
    assert "billingCycles/MONTHLY/schedules/june was not applied; the 2 before it were." in refused.stderr
    assert "SCHEDULE_GAP" in refused.stderr
    assert [each.code for each in desk.schedules()] == ["march"]
