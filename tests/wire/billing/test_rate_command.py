"""`countinghouse billing rate`: the screen of a real server."""

from __future__ import annotations

import json

import pytest

from tests.client.command import run
from tests.support.server import Served
from tests.wire.billing.tariffs import Given, Tariffs, stepped
from tests.wire.billing.test_rates import ALL


def day(year: int, month: int) -> Given:
    return {"year": year, "month": month, "day": 1}


@pytest.mark.rule("BIL-20")
def test_a_rate_is_told_version_by_version(utility: Served, tariffs: Tariffs) -> None:
    """The newest first, with the days that each holds for, and what each component charges."""
    tariffs.rate("NEW", *ALL, description="all kinds")
    flat = stepped({"price": {"value": "0.28"}})
    tariffs.version("NEW", flat, effective_date=day(2027, 1))
    tariffs.version("NEW", flat, effective_date=day(2026, 1))
    shown = run(utility.target, "billing", "rate", "NEW").stdout
    numbers = [line.split()[1] for line in shown.splitlines() if line.startswith("version")]
    assert numbers == ["3", "2", "1"]
    assert "from 2026-01-01 to 2026-12-31" in shown
    assert "from 2027-01-01 on" in shown
    assert "no more: version 3 has its day, 2026-01-01" in shown
    for words in (
        "0.30 EUR up to 100",
        "PEAK 0.40 EUR",
        "-12.5 EUR",
        "19 %",
        "half up",
        "Electricity",
        "account.customer_class == 'HOME'",
    ):
        assert words in shown
    told = json.loads(run(utility.target, "billing", "rate", "rates/NEW", "-o", "json").stdout)
    assert [version["version"] for version in told["versions"]] == ["3", "2", "1"]
    assert run(utility.target, "billing", "rate", "NONE").exit_code != 0
