"""`countinghouse billing run`: screens of a real server."""

from __future__ import annotations

import json

import pytest

from countinghouse.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from tests.client.command import run
from tests.client.test_cli_terminal import in_terminal
from tests.support.server import Served
from tests.wire.billing.test_runs import TODAY, window


@pytest.mark.rule("BIL-31", "BIL-15")
def test_a_run_on_the_screen(nightly: Served) -> None:
    """A preview, progress with amounts and errors, the result, and the command that goes on; all of it is narrow."""
    window(nightly.stub(BillingServiceStub), "JAN", TODAY)

    def shown(*words: str) -> str:
        found = run(nightly.target, "billing", *words)
        assert found.exit_code == 0, found.stderr
        return str(found.stdout + found.stderr)

    preview = shown("run", "NORTH", "--preview")
    for words in ("window      NORTH/JAN", "BESIDE THE LAST BILL", "new", "469.82 EUR"):
        assert words in preview
    assert "Work them off" not in preview

    done = in_terminal(nightly.target, "billing", "run", "NORTH/JAN", "--watch")
    for words in ("3/3 accounts", "3 bills, 2 complete", "1 USAGE_MISSING", "completed   2", "exceptions  1"):
        assert words in done
    assert "billing run NORTH/JAN --failed-only --watch" in done
    listed = done.partition("countinghouse billing exceptions --operation ")[2].split()[0]
    assert "USAGE_MISSING" in shown("exceptions", "--operation", listed)
    assert "USAGE_MISSING" not in shown("exceptions", "--operation", "0")
    asked = ("billing", "run", "NORTH/JAN", "--failed-only", "--preview", "-o", "json")
    again = json.loads(run(nightly.target, *asked).stdout)
    assert again["response"]["figures"]["accountCount"] == "1"


@pytest.mark.rule("BIL-30")
def test_a_run_that_cannot_begin_says_why(nightly: Served) -> None:
    """Today is none of the days of a window; what is no window is told before anything is called."""
    billing = nightly.stub(BillingServiceStub)
    window(billing, "JAN", TODAY.replace(year=2025))
    refused = run(nightly.target, "billing", "run", "NORTH/JAN")
    assert refused.exit_code != 0
    assert "BILL_CYCLE_WINDOW_NOT_OPEN" in refused.stderr
    assert "BILL_CYCLE_HAS_NO_OPEN_WINDOW" in run(nightly.target, "billing", "run", "NORTH").stderr
    assert "write it as CYCLE, or CYCLE/WINDOW" in run(nightly.target, "billing", "run", "a/b/c").stderr
    started = run(nightly.target, "billing", "run", "NORTH/JAN", "--outside-window")
    assert "Watch it: countinghouse billing watch" in started.stdout + started.stderr


@pytest.mark.rule("BIL-30", "PLT-26")
def test_a_billing_run_is_scheduled_on_the_command_line(nightly: Served) -> None:
    """The request is JSON that names its type; the cycle alone is enough."""
    kind = "type.googleapis.com/countinghouse.billing.v1.RunBillingRequest"
    request = json.dumps({"@type": kind, "window": "billCycles/NORTH/windows/-"})
    made = run(nightly.target, "schedules", "create", "nightly", "--cron", "0 3 * * *", "--request", request)
    assert made.exit_code == 0, made.stderr
    assert "RunBillingRequest" in made.stdout
    assert "BILL_CYCLE_HAS_NO_OPEN_WINDOW" in run(nightly.target, "schedules", "run", "nightly").stderr
