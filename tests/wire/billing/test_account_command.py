"""`countinghouse billing account` and `order`: screens of a real server."""

from __future__ import annotations

import json
import re

import pytest

from tests.client.command import run
from tests.client.test_cli_terminal import in_terminal
from tests.support.server import Served
from tests.wire.billing.office import Office

HEAD = "accounts/A-1/serviceAgreements/HEAD"


def shown(utility: Served, *words: str) -> str:
    """What a terminal shows, as text, which no line of it is too wide for."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", in_terminal(utility.target, "billing", *words))
    assert max(map(len, text.splitlines())) <= 100
    return text


def open_account(office: Office) -> None:
    office.account()
    office.premise()
    office.agreement("HEAD", type_code="AT-10", rate_code="STANDING", description="Office in the town")
    office.agreement("SITE", type_code="AT-2", master=HEAD, premise="premises/P-1")
    office.agreement("LATE", type_code="AT-NONE", master=HEAD, end_date={"year": 2026, "month": 6, "day": 1})
    for own_id in ("b", "a"):
        office.profile(own_id, type_code="CREATED-50", service_agreement=HEAD)


@pytest.mark.rule("BIL-01", "BIL-05")
def test_the_order_of_an_account_on_the_screen(utility: Served, office: Office) -> None:
    """Line by line with the reason, and what is created in which turn."""
    open_account(office)
    text = shown(utility, "order", "A-1")
    assert [line.split()[1] for line in text.splitlines()[1:] if line.strip()[:1].isdigit()][:1] == ["HEAD"]
    assert text.index("HEAD ") < text.index("LATE ") < text.index("SITE ")
    assert "1. a, priority 50" in text
    found = json.loads(run(utility.target, "billing", "order", "accounts/A-1", "-o", "json").stdout)
    assert [each["serviceAgreement"][-4:] for each in found] == ["HEAD", "LATE", "SITE"]
    assert run(utility.target, "billing", "order", "none").exit_code != 0


def test_an_account_on_the_screen(utility: Served, office: Office) -> None:
    """With its agreements and its profiles."""
    open_account(office)
    text = shown(utility, "account", "A-1")
    for words in ("Bakery", "NORTH", "region=ünïcode", "rate STANDING", "2026-06-01", "Europe/Lisbon", "CREATED-50"):
        assert words in text
    found = json.loads(run(utility.target, "billing", "account", "A-1", "-o", "json").stdout)
    assert (found["name"], len(found["serviceAgreements"]), len(found["profiles"])) == ("accounts/A-1", 3, 2)
