"""`countinghouse accounting config`: what is configured as one document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from countinghouse.accounting.v1 import accounting_rules_pb2 as rules_pb
from tests.client.command import run
from tests.support.server import Served
from tests.wire.accounting.samples import Accounting, create_rule, update_client

RETIRED = "ACCOUNTING_RULE_STATE_RETIRED"


def shown(shop: Served) -> dict[str, Any]:
    result = run(shop.target, "accounting", "config", "show")
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def imported(shop: Served, folder: Path, document: object) -> dict[str, str]:
    """What became of each resource that was not left as it was."""
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    result = run(shop.target, "accounting", "config", "import", str(path), "-o", "json")
    assert result.exit_code == 0, result.output
    return {name: outcome for name, outcome in json.loads(result.stdout).items() if outcome != "unchanged"}


@pytest.mark.rule("ACC-01", "ACC-02", "ACC-10")
def test_what_is_shown_can_be_imported_and_changes_nothing_twice(shop: Served, tmp_path: Path) -> None:
    """What is new is created, what differs is changed, and the rest is left as it is."""
    document = shown(shop)
    assert [client["code"] for client in document["clients"]] == ["BATCH", "MANUAL", "SERVICE"]
    assert imported(shop, tmp_path, document) == {}
    manual = document["clients"][1]
    manual["approvalLimits"] = [{"currencyCode": "USD", "units": "500"}]
    document["claimTypes"].append({"code": "LOAN"})
    fee = next(rule for rule in document["accountingRules"] if rule["code"] == "FEE")
    fee["newestVersion"]["claimTypeCodes"] = ["CARD", "LOAN"]
    document["accountingRules"].append({**fee, "code": "OLD", "state": RETIRED})
    assert imported(shop, tmp_path, document) == {
        "claimTypes/LOAN": "created",
        "clients/MANUAL": "changed",
        "accountingRules/FEE": "changed",
        "accountingRules/OLD": "created",
    }
    assert imported(shop, tmp_path, document) == {}
    old = next(rule for rule in shown(shop)["accountingRules"] if rule["code"] == "OLD")
    assert old["state"] == RETIRED
    document["accountingRules"][-1]["state"] = "ACCOUNTING_RULE_STATE_ACTIVE"
    assert imported(shop, tmp_path, document) == {"accountingRules/OLD": "changed"}


@pytest.mark.rule("ACC-01")
def test_a_rule_that_is_valid_later_stays_so(shop: Served, accounting: Accounting, tmp_path: Path) -> None:
    """Its time is part of the document as long as it is to come; once passed it stands in nobody's way."""
    later = "2126-01-01T00:00:00Z"
    create_rule(accounting, "LATER", valid_from_time=later)
    document = shown(shop)
    (rule,) = (each for each in document["accountingRules"] if each["code"] == "LATER")
    assert rule["newestVersion"]["validFromTime"] == later
    assert imported(shop, tmp_path, document) == {}
    fee = accounting.GetAccountingRule(rules_pb.GetAccountingRuleRequest(name="accountingRules/FEE"))
    (passed,) = (each for each in document["accountingRules"] if each["code"] == "FEE")
    passed["newestVersion"]["validFromTime"] = fee.newest_version.valid_from_time.ToJsonString()
    assert imported(shop, tmp_path, {"accountingRules": [passed]}) == {}


@pytest.mark.rule("ACC-21", "PLT-07")
def test_what_is_refused_is_named_and_what_came_before_it_stays(
    shop: Served, accounting: Accounting, tmp_path: Path
) -> None:
    """The next import goes on from there."""
    update_client(accounting, "MANUAL", description="Seen")
    path = tmp_path / "config.json"
    service = {"systemOfRecord": "core-bank", "maxRetries": -1}
    clients = [{"code": "NEW", "timeZone": "UTC"}, {"code": "BAD", "timeZone": "UTC", "service": service}]
    path.write_text(json.dumps({"clients": clients}))
    refused = run(shop.target, "accounting", "config", "import", str(path))
    assert refused.exit_code != 0
    assert "clients/BAD was not applied; the 1 before it were." in refused.stderr
    assert "MAX_RETRIES_INVALID" in refused.stderr
    service["maxRetries"] = 1
    assert imported(shop, tmp_path, {"clients": clients}) == {"clients/BAD": "created"}


@pytest.mark.rule("PLT-07")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", "must be an object"),
        ("{", "it is no JSON"),
        ('{"clientz": []}', "clientz: there is no such kind"),
        ('{"clients": [{"colour": 1}]}', "clients[0]"),
        ('{"clients": [1]}', "clients[0]"),
        ('{"clients": [{"timeZone": "UTC"}]}', "clients[0]: code must be given"),
    ],
)
def test_a_document_that_is_none_is_refused_before_anything_is_sent(tmp_path: Path, text: str, told: str) -> None:
    """With the place in it; no server is asked."""
    path = tmp_path / "config.json"
    path.write_text(text)
    refused = run("127.0.0.1:9", "accounting", "config", "import", str(path))
    assert refused.exit_code == 2
    assert told in " ".join(refused.stderr.split())
