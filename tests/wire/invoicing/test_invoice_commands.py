"""`countinghouse invoicing invoices`, `show`, `lines`, `add-line` and `import-lines` against a real server."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path

import pytest

from countinghouse.client import aio
from countinghouse.invoicing.v1 import invoices_pb2
from tests.client.command import run
from tests.support.server import Served
from tests.wire.invoicing.desk import Desk
from tests.wire.invoicing.lines import CYCLE, Till, line

HEADING = (
    "account,external_id,description,amount,tax_category,tax_percent,distribution_code,"
    "start_date,end_date,quantity,price"
)
LINES = f"""\
{HEADING}
A,1,Reading,25.50,S,19,REVENUE,2026-03-01,2026-04-01,,
accounts/B,1,"Moving, in",-1.00,S,19,REVENUE,,,,
A,2,Too fine,1.005,S,19,REVENUE,,,,
A,3,No code,1,S,19,,,,,
A,4,No number,much,S,19,REVENUE,,,,
A,5,No day,1,S,19,REVENUE,2026-02-30,2026-03-01,,
A,6,Three,30,S,19,REVENUE,,,3,10
A,7
"""


@pytest.fixture
def till(desk: Desk, migrated_url: str) -> Till:
    """A billing cycle whose invoices take lines."""
    desk.issuer()
    desk.cycle()
    return Till(desk, migrated_url)


@pytest.mark.rule("INV-11", "PLT-06")
def test_an_import_of_lines_accounts_for_every_record(till: Till, books: Served, tmp_path: Path) -> None:
    """What is sound is taken, plain or packed; each refused record is told with its line, whoever refused it."""
    path, report = tmp_path / "lines.csv.gz", tmp_path / "report.csv"
    path.write_bytes(gzip.compress(LINES.encode()))
    command = ("invoicing", "import-lines", str(path), "--cycle", "MONTHLY", "--currency", "EUR")
    first = run(books.target, *command, "--report", str(report))
    assert first.exit_code == 9, first.output
    words = " ".join(first.stdout.split())
    for told in ("lines read 8", "added 3", "there already 0", "refused 5"):
        assert told in words, first.stdout
    for told in (
        "line 4, record 3 (by the server): net_amount: ",
        "line 5, record 4 (by the server): distribution_code: ",
        "line 6, record 5: amount: 'much' is no amount [AMOUNT_MALFORMED]",
        "line 7, record 6: start_date: ",
        "line 9, record 8: ",
    ):
        assert told in first.stdout, first.stdout
    assert len(report.read_text(encoding="utf-8").splitlines()) == 6
    again = run(books.target, *command, "--allow-refused", "5", "-o", "json")
    assert again.exit_code == 0, again.output
    told = json.loads(again.stdout)
    assert (told["createdCount"], told["unchangedCount"], told["refusedCount"]) == (0, 3, 5)
    assert [each.description for each in till.lines(till.only().name)] == ["Reading", "Three"]


def test_a_file_with_other_columns_is_not_sent(books: Served, tmp_path: Path) -> None:
    """It says which are missing, or not known."""
    path = tmp_path / "lines.csv"
    for heading, told in (("account,amount", "has no column"), (f"{HEADING},color", "not known")):
        path.write_text(f"{heading}\n", encoding="utf-8")
        done = run(books.target, "invoicing", "import-lines", str(path), "--cycle", "MONTHLY")
        assert done.exit_code == 2, done.output
        assert told in " ".join(done.output.replace("│", " ").split())


@pytest.mark.rule("INV-11", "INV-12")
def test_a_line_is_added_and_the_invoice_is_shown(till: Till, books: Served) -> None:
    """For an account, and on an invoice; with why it still runs."""
    given = ("--net", "4.50", "--currency", "EUR", "--rate", "19", "--code", "REVENUE")
    day = ("--from", "2026-03-01", "--until", "2026-04-01")
    added = run(books.target, "invoicing", "add-line", "A", "Reading", *given, "--cycle", "MONTHLY", "--id", "1", *day)
    assert added.exit_code == 0, added.output
    found = till.only()
    short = f"A/{found.name.rpartition('/')[2]}"
    priced = ("--net", "4.50", "--currency", "EUR", "--rate", "19", "--code", "REVENUE", "--quantity", "3")
    more = run(books.target, "invoicing", "add-line", short, "Stamps", *priced, "--price", "1.50", "--id", "2")
    assert more.exit_code == 0, more.output
    wrong = run(books.target, "invoicing", "add-line", "A", "x", "--net", "lots", *given[2:], "--cycle", "MONTHLY")
    assert wrong.exit_code == 2
    shown = run(books.target, "invoicing", "show", short)
    words = " ".join(shown.stdout.split())
    for told in (
        f"invoice {short}",
        "state running",
        "net 9.00 EUR",
        "1 Reading 2026-03-01 to 2026-04-01 S 19 % 4.50 EUR",
        "2 Stamps 3 C62 à 1.5 S 19 % 4.50 EUR",
        "BELOW_MINIMUM its lines come to 9.00 EUR, which is below the minimum of 10.00 EUR",
        "SCHEDULE_NOT_ENDED",
    ):
        assert told in words, shown.stdout
    assert (
        json.loads(run(books.target, "invoicing", "show", found.name, "-o", "json").stdout)["invoice"]["lineCount"] == 2
    )
    listed = run(books.target, "invoicing", "lines", short, "--limit", "1")
    assert ("Reading" in listed.stdout, "Stamps" in listed.stdout) == (True, False)


@pytest.mark.rule("INV-08")
def test_invoices_are_listed(till: Till, books: Served) -> None:
    """By state, cycle, schedule, batch and number; published ones as readers see them."""
    till.send(line(), line(account="accounts/B"))
    name = till.only("B").name
    till.batch("B1", "ORDERED")
    till.put(name, state="LOCKED", batch_id="B1", number_no=9, aggregated=1)

    def listed(*options: str) -> list[str]:
        done = run(books.target, "invoicing", "invoices", *options)
        assert done.exit_code == 0, done.output
        return [row.split("/")[0] for row in done.stdout.splitlines()[1:]]

    assert listed() == ["A", "B"]
    assert listed("--limit", "1") == listed("--state", "running") == listed("--account", "A") == ["A"]
    assert listed("--cycle", "MONTHLY", "--schedule", "2026-04-01") == ["A", "B"]
    assert listed("--batch", "B1") == listed("--number", "SM-2026-00000009") == ["B"]
    assert listed("--published") == []
    till.set_batch("B1", state="PUBLISHED")
    assert listed("--published") == listed("--state", "published", "--state", "closed") == ["B"]
    for command in ("show", "lines"):
        shown = run(books.target, "invoicing", command, name, "--published")
        assert "Meter reading on site" in shown.stdout, shown.output
    assert "SM-2026-00000009" in run(books.target, "invoicing", "show", name, "--published").stdout
    assert run(books.target, "invoicing", "invoices", "--schedule", "x").exit_code == 2
    for odd in ("06c", "a/b/c"):
        assert run(books.target, "invoicing", "show", odd).exit_code == 2


def test_the_asynchronous_client_does_the_same(till: Till, books: Served) -> None:
    """Lines go by stream, invoices come page by page."""

    async def work() -> tuple[int, list[str]]:
        async with aio.connect(books.target) as client:
            totals = await client.invoicing.ingest_lines([line(), line()], billing_cycle=CYCLE)
            found = client.invoicing.list_invoices(invoices_pb2.ListInvoicesRequest())
            return totals.unchanged_count, [each.account async for each in found]

    assert asyncio.run(work()) == (1, ["accounts/A"])
    assert till.only().line_count == 1
