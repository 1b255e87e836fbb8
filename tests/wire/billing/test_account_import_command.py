"""`countinghouse billing import-accounts` against a real server, on both databases."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import yaml

from tests.client.command import run
from tests.support.server import Served
from tests.wire.billing.office import Office
from tests.wire.billing.test_account_import import row

COMMAND = ("billing", "import-accounts")


@pytest.mark.rule("BIL-05")
def test_an_import_of_accounts_says_what_became_of_every_one(utility: Served, office: Office, tmp_path: Path) -> None:
    """What is sound is taken, plain or packed; each refused account is told with its line, whoever refused it."""
    lines = [
        json.dumps(row("A-1")),
        json.dumps(row("A-2", account={"customer_class_code": "NONE", "currency_code": "EUR", "time_zone": "UTC"})),
        "",
        "no JSON",
        json.dumps({**row("A-3"), "colour": "red"}),
        "[1]",
        '{"accountId": "\\ud800"}',
        json.dumps(row("A-4")),
    ]
    path, report = tmp_path / "accounts.jsonl.gz", tmp_path / "report.csv"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    first = run(utility.target, *COMMAND, str(path), "--report", str(report))
    again = run(utility.target, *COMMAND, str(path), "--allow-refused", "5", "-o", "json")
    assert (first.exit_code, again.exit_code) == (9, 0)
    words = " ".join(first.stdout.split())
    for told in ("accounts read 7", "created 2", "there already 0", "refused 5", "ACCOUNT_MALFORMED 4"):
        assert told in words, first.stdout
    assert "line 2, record 2 (by the server): account.customer_class_code:" in first.stdout
    assert "line 4, record 3: the line is no JSON" in first.stdout
    assert 'no field named "colour"' in first.stdout
    assert [line.split(",")[0] for line in report.read_text().splitlines()] == ["line", "4", "5", "6", "7", "2"]
    found = json.loads(again.stdout)
    assert (found["readCount"], found["createdCount"], found["unchangedCount"], found["refusedCount"]) == (7, 0, 2, 5)
    assert [place.service_agreement.rpartition("/")[2] for place in office.order("accounts/A-4")] == ["H", "S-1", "S-2"]


def test_a_document_of_accounts_is_told_by_its_lines(utility: Served, office: Office, tmp_path: Path) -> None:
    """YAML has them under `accounts`; a refused one has the lines it stands on."""
    path = tmp_path / "accounts.yaml"
    path.write_text(yaml.safe_dump({"accounts": [row("A-1"), {"accountId": "A-2", "colour": "red"}]}))
    done = run(utility.target, *COMMAND, str(path))
    last = len(path.read_text().splitlines())
    assert f"lines {last - 1}-{last}, record 2: Message type" in done.stdout
    assert office.get("accounts/A-1").currency_code == "EUR"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("accounts: [", "is no YAML"),
        ("accounts: 3", "has no list under 'accounts'"),
        ("accounts: [\x01]", "is no YAML"),
        ("- a", "has no list under 'accounts'"),
        ("", "has no list under 'accounts'"),
        ("customers: []", "'customers' is not known here"),
        ("? [a]\n: b", "is not known here"),
        ("accounts: [2026-13-45]", "is no YAML"),
        ("accounts: [{a: !!python/object:os.system x}]", "is no YAML"),
    ],
)
def test_a_file_that_is_no_document_is_refused_as_a_whole(tmp_path: Path, text: str, told: str) -> None:
    """Before anything is sent."""
    path = tmp_path / "accounts.yaml"
    path.write_text(text)
    done = run("127.0.0.1:1", *COMMAND, str(path))
    assert done.exit_code == 2
    assert told in " ".join(done.output.replace("│", " ").split())
