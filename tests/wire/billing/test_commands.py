"""`countinghouse billing`: screens of a real server."""

from __future__ import annotations

import json
import re

import pytest

from countinghouse.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from server.database.transaction import Database
from tests.client.command import run
from tests.client.test_cli_terminal import in_terminal
from tests.support.server import Served
from tests.wire.billing.office import Office
from tests.wire.billing.till import Till, own_id, site, used


@pytest.mark.rule("BIL-05", "BIL-11", "BIL-15")
def test_a_bill_and_what_explains_it_on_the_screen(database: Database, utility: Served, office: Office) -> None:
    """A preview, the bill with its errors in red, a segment line by line, and what is to be worked off."""
    till = Till(utility.stub(BillingServiceStub))
    office.account()
    for agreement_id in ("S1", "S2"):
        site(office, agreement_id)
    office.agreement("HO", type_code="HEAD_OFFICE")
    used(database, "S1", "400")
    seen = in_terminal(utility.target, "billing", "bill", "A-1", "--through", "2026-02-01", "--preview")
    assert "a preview: nothing is stored" in seen
    assert till.bills() == []
    shown = in_terminal(utility.target, "billing", "bill", "A-1", "--through", "2026-02-01")
    plain = without_colours(shown)
    assert max(map(len, plain.splitlines())) <= 100
    red = [without_colours(line) for line in shown.splitlines() if "\x1b[1;31m" in line]
    assert any(line.startswith("S2, POWER") and "USAGE_MISSING" in line for line in red)
    assert any(line.startswith("HO, HEAD_OFFICE") for line in red)
    assert not any("S1, POWER" in line for line in red)
    assert "157.08 EUR" in plain
    assert "not known before all segments are calculated" in plain
    assert "Of its 3 segments 2 cannot be billed as they are." in plain

    segment = f"A-1/{own_id(till.segments()[0].name)}"
    explained = in_terminal(utility.target, "billing", "explain", segment)
    assert max(map(len, without_colours(explained).splitlines())) <= 100
    for words in ("400 kWh", "0.30", "half even", "19 %", "of 132.00 EUR", "25.08 EUR", "half up", "profiles/S1: 31"):
        assert words in explained

    waiting = in_terminal(utility.target, "billing", "explain", f"A-1/{own_id(till.segments()[2].name)}")
    assert "waits for" in waiting
    listed = in_terminal(utility.target, "billing", "exceptions", "--cycle", "NORTH")
    assert "USAGE_MISSING" in listed
    found = json.loads(run(utility.target, "billing", "exceptions", "--account", "A-1", "-o", "json").stdout)
    assert [each["reason"] for each in found] == ["USAGE_MISSING", "CHARGE_SOURCE_IN_ERROR"]

    used(database, "S2", "350")
    again = run(utility.target, "billing", "regenerate", f"A-1/{own_id(till.segments()[1].name)}")
    assert "15.00 EUR" in again.stdout
    assert run(utility.target, "billing", "exceptions").stdout.count("USAGE_MISSING") == 0
    refused = run(utility.target, "billing", "accept", segment, "--note", "fine")
    assert refused.exit_code != 0
    assert "implausible" in refused.stderr


def without_colours(shown: str) -> str:
    """What a terminal shows, as text."""
    return re.sub(r"\x1b\[[0-9;]*m", "", shown)
